// Echo server over UDP: what comes goes back to whom it came from.
#include "common/options.h"
#include "common/serve.h"

namespace perf {
namespace {

class Echo final : public pollux::DatagramHandler {
public:
    void on_datagram(pollux::UdpSocket& socket, const pollux::InetAddress& from, pollux::Bytes bytes) override {
        socket.send_to(from, bytes);
    }

    // What came in one piece goes back in one.
    void on_run(pollux::UdpSocket& socket, const pollux::InetAddress& from, const pollux::DatagramRun& run) override {
        socket.send_run(from, run);
    }
};

int run(int argc, char** argv) {
    Options options{.port = default_port(udp)};
    parse_options(argc, argv, {endpoint_options(options, udp), engine_options(options), batching_options(options)});

    pollux::Engine engine{make_engine_options(options)};
    pollux::Udp<Echo> sockets{engine, {.bind = endpoint_text(options, udp), .batching = options.batching}};
    return serve(engine, sockets, "listening on " + endpoint_text(options, udp));
}

}  // namespace
}  // namespace perf

int main(int argc, char** argv) {
    return perf::run(argc, argv);
}
