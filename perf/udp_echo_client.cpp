// Echo load over UDP: every client keeps some messages in flight, every byte that comes back is checked, and what does
// not come back is counted and made up for.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <vector>

#include "common/datagram_window.h"
#include "common/load.h"

namespace perf {
namespace {

using Clock = std::chrono::steady_clock;

/// How long a client hears nothing until what it has in flight is written off: a moment, and the time in which a slow
/// server answers what all clients have in flight. If that was too short, the client learns it from late echoes.
std::chrono::nanoseconds initial_patience(const Options& options) {
    constexpr std::chrono::milliseconds moment{50};
    constexpr std::chrono::microseconds slow_answer{5};
    return moment + slow_answer * (options.clients * options.messages);
}

constexpr std::chrono::seconds most_patience{5};

class UdpEchoClient final : public DatagramLoadHandler {
public:
    explicit UdpEchoClient(Load& load)
        : DatagramLoadHandler(load),
          writer_(load.pattern()),
          run_(std::max(most_run_bytes / load.options().size, std::size_t{1}) * load.options().size),
          window_(load.options().messages),
          patience_(initial_patience(load.options())),
          timed_(load.options().messages == 1) {}

    void begin(pollux::UdpSocket& socket) override {
        silence_.emplace(socket.reactor(), [this, &socket](pollux::Timer&) { end_silence(socket); });
        silence_->every(patience_);
        if (timed_) sent_at_ = Clock::now();
        send_messages(socket);
    }

    void on_datagram(pollux::UdpSocket& socket, const pollux::InetAddress& /*from*/, pollux::Bytes bytes) override {
        if (!load().measuring()) return;
        receive(bytes);
        send_messages(socket);
    }

    void on_run(pollux::UdpSocket& socket, const pollux::InetAddress& /*from*/,
                const pollux::DatagramRun& run) override {
        if (!load().measuring()) return;
        for (std::size_t i = 0; i < run.size(); ++i) receive(run[i]);
        send_messages(socket);
    }

    void on_drain(pollux::UdpSocket& socket) override {
        if (load().measuring()) send_messages(socket);
    }

    void on_close(pollux::UdpSocket& socket, pollux::CloseReason reason, std::error_code error) override {
        silence_.reset();
        shard().lost += window_.lost();
        DatagramLoadHandler::on_close(socket, reason, error);
    }

private:
    static constexpr std::size_t most_run_bytes = 64 * 1024;

    void receive(pollux::Bytes bytes) {
        const std::optional<DatagramIndex> index = read_datagram(load().pattern(), bytes.data(), bytes.size());
        const EchoWindow::Echo echo = index ? window_.echoed(*index) : EchoWindow::Echo::wrong;
        heard_ = true;
        if (echo == EchoWindow::Echo::expected || echo == EchoWindow::Echo::late) shard().bytes += bytes.size();
        if (echo == EchoWindow::Echo::wrong) ++shard().errors;
        if (echo == EchoWindow::Echo::late) be_patient();
        if (echo == EchoWindow::Echo::expected && timed_) take_time();
    }

    // One reading of the clock serves as the end of one message and the start of the next.
    void take_time() {
        const Clock::time_point now = Clock::now();
        shard().latency.record(static_cast<std::uint64_t>((now - sent_at_).count()));
        sent_at_ = now;
    }

    // As many as there is room for, in runs, so that the load itself is not what limits the rate.
    void send_messages(pollux::UdpSocket& socket) {
        const std::size_t size = load().options().size;
        while (window_.room() > 0) {
            const std::size_t messages = std::min(window_.room(), run_.size() / size);
            DatagramWriter writer = writer_;
            for (std::size_t i = 0; i < messages; ++i) {
                writer.write(run_.data() + i * size);
                writer.advance();
            }
            if (socket.send_run({pollux::Bytes{run_}.first(messages * size), size}) != pollux::Result::ok) return;
            writer_ = writer;
            window_.sent(messages);
        }
    }

    void end_silence(pollux::UdpSocket& socket) {
        if (!load().measuring()) return;
        if (!heard_) {
            window_.write_off_all();
            may_learn_ = true;
            if (timed_) sent_at_ = Clock::now();
            send_messages(socket);
        }
        heard_ = false;
    }

    // Once for each time that it gave up.
    void be_patient() {
        if (!may_learn_) return;
        may_learn_ = false;
        patience_ = std::min<std::chrono::nanoseconds>(2 * patience_, most_patience);
        silence_->every(patience_);
    }

    DatagramWriter writer_;
    std::vector<std::byte> run_;  // where messages are laid down to be sent
    EchoWindow window_;
    std::optional<pollux::Timer> silence_;
    std::chrono::nanoseconds patience_;
    bool heard_ = false;      // since the timer fired last
    bool may_learn_ = false;  // messages were written off for silence
    bool timed_;
    Clock::time_point sent_at_{};
};

int run(int argc, char** argv) {
    Options options{.port = default_port(udp)};
    parse_options(argc, argv,
                  {endpoint_options(options, udp),
                   engine_options(options),
                   batching_options(options),
                   {{"-c", "--clients", &options.clients, "sockets"},
                    {"-m", "--messages", &options.messages, "messages in flight for each client"},
                    {"-s", "--size", &options.size, "bytes of a message"},
                    {"-z", "--seconds", &options.seconds, "how long to measure"}}});
    require_datagram_size(argv[0], options.size);

    print_endpoint(options, udp);
    std::printf("Working threads: %zu\nWorking clients: %zu\nWorking messages: %zu\nMessage size: %zu\n",
                options.threads, options.clients, options.messages, options.size);
    std::printf("Seconds to benchmarking: %g\n\n", options.seconds);
    return Load{options, udp}.run<UdpEchoClient>(
        {.connect = endpoint_text(options, udp), .batching = options.batching});
}

}  // namespace
}  // namespace perf

int main(int argc, char** argv) {
    return perf::run(argc, argv);
}
