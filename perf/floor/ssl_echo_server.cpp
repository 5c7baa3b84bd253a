// Echo by system calls and OpenSSL alone: one thread, one epoll, one receive a turn for each connection.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "floor.h"
#include "serve.h"
#include "tls.h"

namespace {

using perf_floor::record_bytes;
using perf_floor::TlsConnection;

class Loop : public perf_floor::TlsLoop<> {
public:
    using TlsLoop::TlsLoop;

    bool serve(TlsConnection& connection, std::uint32_t events) {
        return perf_floor::serve_event(connection, events, [&] { return echo(connection); });
    }

private:
    // Decrypts and sends back, whatever the sizes of the records that come, in records that are full but for the last.
    // False if the connection is over.
    bool echo(TlsConnection& connection) {
        std::size_t waiting = 0;
        while (!connection.blocked()) {
            const int received = connection.read(plaintext_.data() + waiting);
            if (received < 0) return false;
            if (received == 0) break;
            waiting += static_cast<std::size_t>(received);
            if (waiting < record_bytes) continue;
            if (!connection.write({plaintext_.data(), record_bytes})) return false;
            waiting -= record_bytes;
            std::memmove(plaintext_.data(), plaintext_.data() + record_bytes, waiting);
        }
        return (waiting == 0 || connection.write({plaintext_.data(), waiting})) && connection.flush();
    }

    std::vector<char> plaintext_ = std::vector<char>(2 * record_bytes);
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_tls_options(argc, argv);
    perf_floor::pin_to(options.core);
    Loop loop{perf_floor::make_context(options)};
    perf_floor::serve_all(options, loop);
}
