// Fuzzes the endpoint's text: what is refused leaves the value alone, what is taken survives the way to text and back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <pollux/address.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};

    pollux::Endpoint endpoint;
    endpoint.host = "untouched";
    if (!pollux::Endpoint::parse(text, endpoint)) {
        if (endpoint.host != "untouched" || endpoint.port != 0 || !endpoint.path.empty()) std::abort();
        return 0;
    }

    pollux::Endpoint again;
    if (!pollux::Endpoint::parse(endpoint.to_string(), again)) std::abort();
    if (again.transport != endpoint.transport || again.host != endpoint.host || again.port != endpoint.port ||
        again.path != endpoint.path) {
        std::abort();
    }
    return 0;
}
