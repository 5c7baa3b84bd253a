// The echo load: every client keeps some messages in flight, and every byte that comes back is checked.
#include <chrono>

#include "load.h"
#include "programs.h"

namespace perf {
namespace {

using Clock = std::chrono::steady_clock;

class EchoClient final : public LoadHandler {
public:
    explicit EchoClient(Load& load)
        : LoadHandler(load),
          writer_(load.pattern()),
          reader_(load.pattern()),
          message_bytes_(load.options().size),
          to_send_(load.options().messages),
          timed_(to_send_ == 1) {}

    void begin(pollux::Connection& connection) override {
        if (timed_) sent_at_ = Clock::now();
        send_messages(connection);
    }

    void on_data(pollux::Connection& connection, pollux::Bytes data) override {
        if (!load().measuring()) return;
        shard().bytes += data.size();
        if (!reader_.check(data.data(), data.size())) ++shard().errors;

        incomplete_bytes_ += data.size();
        if (incomplete_bytes_ < message_bytes_) return;
        to_send_ += incomplete_bytes_ / message_bytes_;
        incomplete_bytes_ %= message_bytes_;
        if (timed_) take_time();
        send_messages(connection);
    }

    void on_drain(pollux::Connection& connection) override {
        if (load().measuring()) send_messages(connection);
    }

private:
    // One reading of the clock serves as the end of one message and the start of the next.
    void take_time() {
        const Clock::time_point now = Clock::now();
        shard().latency.record(static_cast<std::uint64_t>((now - sent_at_).count()));
        sent_at_ = now;
    }

    void send_messages(pollux::Connection& connection) {
        for (; to_send_ > 0; --to_send_) {
            if (connection.send({writer_.message(), message_bytes_}) != pollux::Result::ok) return;
            writer_.advance();
        }
    }

    PatternWriter writer_;
    PatternReader reader_;
    std::size_t message_bytes_;
    std::size_t to_send_;
    std::size_t incomplete_bytes_ = 0;  // of a message that has come in part
    bool timed_;
    Clock::time_point sent_at_{};
};

}  // namespace

int run_echo_client(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire), .path = "/tmp/echo.sock"};
    begin_echo_load(options, wire, argc, argv);
    return Load{options, wire}.run<EchoClient>();
}

}  // namespace perf
