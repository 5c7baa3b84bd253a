// Multicast by system calls and OpenSSL alone: what the ring has for a client is encrypted in full records.
#include <cstdint>
#include <string_view>

#include "floor.h"
#include "tls_multicast.h"

namespace {

using perf_floor::TlsClient;

class Loop : public perf_floor::TlsMulticast<Loop> {
public:
    using TlsMulticast::TlsMulticast;

    // It joins when the handshake is done.
    bool serve(TlsClient& client, std::uint32_t events) {
        if (!TlsMulticast::serve(client, events)) return false;
        if (!client.joined && client.connection.handshake_done()) join(client);
        return true;
    }

    static bool hear(TlsClient& /*client*/, std::string_view /*bytes*/) { return true; }
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_tls_options(argc, argv);
    perf_floor::pin_to(options.core);
    Loop{options}.run();
}
