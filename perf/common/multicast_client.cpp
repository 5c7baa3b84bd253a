// The multicast load: every client receives what the server sends to all, and every byte is checked.
#include <cstdio>

#include "load.h"
#include "programs.h"
#include "tls.h"

namespace perf {
namespace {

class MulticastClient final : public LoadHandler {
public:
    explicit MulticastClient(Load& load) : LoadHandler(load), reader_(load.pattern()) {}

    // What comes before the measurement is checked too, so that the place in the pattern is known.
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes data) override {
        bool good = synchronized_ || reader_.synchronize(data.front());
        synchronized_ = true;
        good &= reader_.check(data.data(), data.size());
        if (!good) ++shard().errors;
        if (load().measuring()) shard().bytes += data.size();
    }

private:
    PatternReader reader_;
    bool synchronized_ = false;
};

}  // namespace

int run_multicast_client(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire), .path = "/tmp/multicast.sock"};
    parse_options(argc, argv,
                  {endpoint_options(options, wire),
                   client_tls_options(options, wire),
                   engine_options(options),
                   {{"-c", "--clients", &options.clients, "connections"},
                    {"-s", "--size", &options.size, "bytes of a message, as the server's"},
                    {"-z", "--seconds", &options.seconds, "how long to measure"}}});
    require_message_size(argv[0], options.size);

    print_endpoint(options, wire);
    std::printf("Working threads: %zu\nWorking clients: %zu\nMessage size: %zu\nSeconds to benchmarking: %g\n\n",
                options.threads, options.clients, options.size, options.seconds);
    return Load{options, wire}.run<MulticastClient>();
}

}  // namespace perf
