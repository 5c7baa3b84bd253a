// Fuzzes the endpoint's text: what is refused leaves the value alone, what is taken survives the way to text and back.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pollux/address.h>

#include "fuzz/support.h"

using pollux::test::insist;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = pollux::test::text_of(data, size);

    pollux::Endpoint endpoint;
    endpoint.host = "untouched";
    if (!pollux::Endpoint::parse(text, endpoint)) {
        insist(endpoint.host == "untouched" && endpoint.port == 0 && endpoint.path.empty());
        return 0;
    }

    pollux::Endpoint again;
    insist(static_cast<bool>(pollux::Endpoint::parse(endpoint.to_string(), again)));
    insist(again.transport == endpoint.transport && again.host == endpoint.host && again.port == endpoint.port &&
           again.path == endpoint.path);
    return 0;
}
