// A source of multicast: what it sends, every member of the group gets.
#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include <pollux/pollux.h>

#include "common/console.h"
#include "common/console_reader.h"

namespace {

using console::say;

constexpr std::string_view usage = R"(usage: udp_multicast_server [group [port [interface]]]

group      the multicast address to send to, IPv4 or IPv6 (default 239.255.0.1)
port       (default 3334)
interface  by name or number: eth0, or lo to stay on this machine (default: as the system routes the group)

Sends a tick each second. On the console a line goes to the group, an empty line stops.
)";

/// Connected to the group, the socket hears nobody: groups do not answer.
class Source final : public pollux::DatagramHandler {
public:
    void on_open(pollux::UdpSocket& socket) override {
        ticks_.emplace(socket.reactor(),
                       [this, &socket](pollux::Timer&) { socket.send("tick " + std::to_string(++count_)); });
        ticks_->every(std::chrono::seconds{1});
    }

    void on_datagram(pollux::UdpSocket&, const pollux::InetAddress&, pollux::Bytes) override {}

    void on_error(pollux::UdpSocket&, const pollux::DatagramError& error) override {
        say("Lost: ", error.error.message());
    }

    void on_close(pollux::UdpSocket&, pollux::CloseReason, std::error_code) override { ticks_.reset(); }

private:
    std::optional<pollux::Timer> ticks_;
    std::uint64_t count_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = console::arguments(argc, argv, 3, usage);
    const std::string endpoint = console::udp_endpoint(console::argument_or(arguments, 0, "239.255.0.1"),
                                                       console::argument_or(arguments, 1, "3334"));

    pollux::Engine engine;
    pollux::Udp<Source> source{
        engine, {.connect = endpoint, .multicast = {.interface_name = console::argument_or(arguments, 2, "")}}};
    pollux::Status status = engine.start();
    if (status) status = source.start();
    if (status) {
        const pollux::StopOnSignal on_signal{engine};
        say("Sending to ", endpoint, " from ", source.address().to_string(), ". A line is sent, an empty line stops.");
        const console::Reader reader{[&](const std::string& line) {
                                         const pollux::Result result = source.send(line);
                                         if (result != pollux::Result::ok) say("Not sent: ", to_string(result));
                                     },
                                     [&] { engine.stop(); }};
        engine.wait();
    }
    if (!status) std::cerr << status << '\n';
    return status ? 0 : 1;
}
