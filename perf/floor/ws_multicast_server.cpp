// WebSocket multicast by system calls alone: a client is sent in one call all the frames that the ring has for it.
#include <string>
#include <string_view>

#include "../common/ws_framing.h"
#include "../common/ws_handshake.h"
#include "floor.h"
#include "http.h"
#include "plain_multicast.h"

namespace {

using perf_floor::PlainClient;

class Loop : public perf_floor::PlainMulticast<Loop> {
public:
    explicit Loop(const perf_floor::Options& options)
        : PlainMulticast(options, perf::ws_framing(options.size, perf::WsSender::server)) {}

    static PlainClient* make_client(int fd) { return new PlainClient{fd}; }

    // It joins with its request, which comes in one piece; what it says later is discarded.
    bool hear(PlainClient& client, std::string_view bytes) {
        if (client.joined) return true;
        if (perf_floor::head_size(bytes) != bytes.size()) return false;
        if (send(client.fd, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) return false;
        join(client);
        return true;
    }

private:
    std::string answer_ = perf::ws_answer();
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_options(argc, argv, {.port = 8080});
    perf_floor::pin_to(options.core);
    Loop{options}.run();
}
