// The WebSocket echo load: every client keeps some messages in flight, and every byte that comes back is checked.
#include <algorithm>
#include <chrono>

#include "programs.h"
#include "ws_load.h"

namespace perf {
namespace {

using Clock = std::chrono::steady_clock;

class WsEchoClient final : public WsLoadHandler {
public:
    WsEchoClient(Load& load, const WsPlan& plan)
        : WsLoadHandler(load, plan),
          writer_(plan.from_client),
          reader_(plan.from_server),
          to_send_(load.options().messages),
          timed_(to_send_ == 1) {}

    void begin(pollux::Connection& connection) override {
        if (timed_) sent_at_ = Clock::now();
        send_frames(connection);
    }

    void on_drain(pollux::Connection& connection) override {
        if (load().measuring()) send_frames(connection);
    }

private:
    void on_frames(pollux::Connection& connection, pollux::Bytes data) override {
        if (!load().measuring()) return;
        if (!reader_.check(data.data(), data.size())) ++shard().errors;
        const std::size_t messages = count(data.size());
        if (messages == 0) return;
        to_send_ += messages;
        if (timed_) take_time();
        send_frames(connection);
    }

    // One reading of the clock serves as the end of one message and the start of the next.
    void take_time() {
        const Clock::time_point now = Clock::now();
        shard().latency.record(static_cast<std::uint64_t>((now - sent_at_).count()));
        sent_at_ = now;
    }

    void send_frames(pollux::Connection& connection) {
        while (to_send_ > 0) {
            const std::size_t frames = std::min(to_send_, plan().from_client.messages());
            const pollux::Bytes bytes{writer_.message(), frames * plan().from_client.message_bytes()};
            if (connection.send(bytes) != pollux::Result::ok) return;
            writer_.advance(frames);
            to_send_ -= frames;
        }
    }

    PatternWriter writer_;
    PatternReader reader_;
    std::size_t to_send_;
    bool timed_;
    Clock::time_point sent_at_{};
};

}  // namespace

int run_ws_echo_client(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire)};
    begin_echo_load(options, wire, argc, argv);
    return Load{options, wire}.run<WsEchoClient>(WsPlan{options, wire});
}

}  // namespace perf
