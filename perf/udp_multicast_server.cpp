// Multicast server over UDP: makes messages and sends each, by a call of its own, to a group. Nobody holds it back, so
// members that are slower lose messages.
#include <algorithm>
#include <optional>
#include <vector>

#include "common/datagram_pattern.h"
#include "common/options.h"
#include "common/pace.h"
#include "common/serve.h"

namespace perf {
namespace {

class Sender final : public pollux::DatagramHandler {
public:
    Sender(const Options& options, const Pattern& pattern)
        : writer_(pattern),
          message_(options.size),
          as_fast_as_it_can_(options.messages == 0),
          pace_(options.messages) {}

    void on_open(pollux::UdpSocket& socket) override {
        socket_ = &socket;
        if (as_fast_as_it_can_) {
            produce_soon();
        } else {
            begin_pacing();
        }
    }

    void on_datagram(pollux::UdpSocket& /*socket*/, const pollux::InetAddress& /*from*/,
                     pollux::Bytes /*bytes*/) override {}

    void on_drain(pollux::UdpSocket& /*socket*/) override {
        if (as_fast_as_it_can_) produce_soon();
    }

    void on_close(pollux::UdpSocket& /*socket*/, pollux::CloseReason /*reason*/, std::error_code /*error*/) override {
        timer_.reset();
        socket_ = nullptr;
    }

private:
    // What one turn of the loop may make: enough that the turn's own cost does not count, little enough to stay in the
    // cache.
    static constexpr std::size_t turn_bytes = 128 * 1024;

    void produce_soon() {
        socket_->reactor().post([this] {
            if (socket_ == nullptr) return;
            if (produce(std::max<std::size_t>(turn_bytes / message_.size(), 1))) produce_soon();
        });
    }

    // False if the socket has taken enough; it says when there is room again.
    bool produce(std::size_t messages) {
        for (std::size_t made = 0; made < messages; ++made) {
            writer_.write(message_.data());
            if (socket_->send(message_) != pollux::Result::ok) return false;
            writer_.advance();
        }
        return true;
    }

    void begin_pacing() {
        pace_.begin();
        timer_.emplace(socket_->reactor(), [this](pollux::Timer&) { produce(pace_.take_due()); });
        timer_->every(Pace::period);
    }

    DatagramWriter writer_;
    std::vector<std::byte> message_;
    bool as_fast_as_it_can_;
    Pace pace_;
    std::optional<pollux::Timer> timer_;
    pollux::UdpSocket* socket_ = nullptr;  // while it is open
};

int run(int argc, char** argv) {
    Options options{.address = "239.255.0.1", .port = 3334, .messages = 0};
    parse_options(argc, argv,
                  {group_options(options),
                   engine_options(options),
                   batching_options(options),
                   {{"-m", "--messages", &options.messages, "messages per second; 0 for as fast as it can"},
                    {"-s", "--size", &options.size, "bytes of a message"}}});
    require_datagram_size(argv[0], options.size);

    pollux::Engine engine{make_engine_options(options)};
    const Pattern pattern{options.size};
    pollux::Udp<Sender> socket{engine,
                               {.connect = endpoint_text(options, udp),
                                .multicast = {.interface_name = options.interface_name},
                                .batching = options.batching},
                               options,
                               std::cref(pattern)};
    return serve(engine, socket, "sending to " + endpoint_text(options, udp));
}

}  // namespace
}  // namespace perf

int main(int argc, char** argv) {
    return perf::run(argc, argv);
}
