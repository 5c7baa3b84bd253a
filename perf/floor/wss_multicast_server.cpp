// WebSocket multicast by system calls and OpenSSL alone: what the ring has for a client, frames and all, is encrypted
// in full records.
#include <string>
#include <string_view>

#include "../common/ws_framing.h"
#include "../common/ws_handshake.h"
#include "floor.h"
#include "http.h"
#include "tls_multicast.h"

namespace {

using perf_floor::TlsClient;

class Loop : public perf_floor::TlsMulticast<Loop> {
public:
    explicit Loop(const perf_floor::Options& options)
        : TlsMulticast(options, perf::ws_framing(options.size, perf::WsSender::server)) {}

    // It joins with its request, which comes in one piece; what it says later is discarded.
    bool hear(TlsClient& client, std::string_view bytes) {
        if (client.joined) return true;
        if (perf_floor::head_size(bytes) != bytes.size() || !client.connection.write(answer_)) return false;
        join(client);
        return true;
    }

private:
    std::string answer_ = perf::ws_answer();
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_tls_options(argc, argv, {.port = 8443});
    perf_floor::pin_to(options.core);
    Loop{options}.run();
}
