// Multicast by system calls alone: a client is sent in one call all that the ring has for it.
#include <string_view>

#include "floor.h"
#include "plain_multicast.h"

namespace {

using perf_floor::PlainClient;

class Loop : public perf_floor::PlainMulticast<Loop> {
public:
    explicit Loop(const perf_floor::Options& options) : PlainMulticast(options) {}

    PlainClient* make_client(int fd) {
        auto* client = new PlainClient{fd};
        join(*client);
        return client;
    }

    static bool hear(PlainClient& /*client*/, std::string_view /*bytes*/) { return true; }
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_options(argc, argv);
    perf_floor::pin_to(options.core);
    Loop{options}.run();
}
