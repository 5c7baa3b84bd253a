// The multicast load: every client receives what the server sends to all, and every byte is checked.
#include "load.h"
#include "programs.h"

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
    begin_multicast_load(options, wire, argc, argv);
    return Load{options, wire}.run<MulticastClient>();
}

}  // namespace perf
