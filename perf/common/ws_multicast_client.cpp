// The WebSocket multicast load: every client receives what the server sends to all, and every byte is checked.
#include <string>

#include "programs.h"
#include "ws_load.h"

namespace perf {
namespace {

class WsMulticastClient final : public WsLoadHandler {
public:
    WsMulticastClient(Load& load, const WsPlan& plan) : WsLoadHandler(load, plan), reader_(plan.from_server) {}

private:
    // What comes before the measurement is checked too, so that the place in the pattern is known.
    void on_frames(pollux::Connection& /*connection*/, pollux::Bytes data) override {
        if (synchronized_) {
            receive(data);
        } else {
            synchronize(pollux::as_text(data));
        }
    }

    // The index of the first message is behind the header.
    void synchronize(std::string_view data) {
        begun_ += data;
        const std::size_t header_bytes = plan().from_server.header_bytes();
        if (begun_.size() <= header_bytes) return;
        if (!reader_.synchronize(static_cast<std::byte>(begun_[header_bytes]))) ++shard().errors;
        synchronized_ = true;
        receive(pollux::as_bytes(begun_));
        begun_ = {};
    }

    void receive(pollux::Bytes data) {
        if (!reader_.check(data.data(), data.size())) ++shard().errors;
        if (load().measuring()) count(data.size());
    }

    PatternReader reader_;
    bool synchronized_ = false;
    std::string begun_;  // until it is
};

}  // namespace

int run_ws_multicast_client(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire)};
    begin_multicast_load(options, wire, argc, argv);
    return Load{options, wire}.run<WsMulticastClient>(WsPlan{options, wire});
}

}  // namespace perf
