// The other side of the echo over UDP: a line goes out as a datagram, what comes back is shown.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

#include <pollux/pollux.h>

#include "common/console.h"
#include "common/console_reader.h"

namespace {

using console::printable;
using console::say;

constexpr std::string_view usage = R"(usage: udp_echo_client [endpoint]

endpoint  where the server is: a port, host:port or udp://host:port (default udp://127.0.0.1:3333;
          udp://[::1]:3333 for IPv6)

On the console a line is sent, an empty line stops, a second later if echoes are missing.
)";

/// What the console's thread and the reactor's both know.
struct Exchange {
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> settled{0};  // echoed, or known to be lost
    std::atomic<bool> ended{false};

    [[nodiscard]] bool complete() const { return ended && settled >= sent; }
};

class Echoes final : public pollux::DatagramHandler {
public:
    explicit Echoes(Exchange& exchange) : exchange_(exchange) {}

    void on_datagram(pollux::UdpSocket& socket, const pollux::InetAddress&, pollux::Bytes bytes) override {
        say(printable(pollux::as_text(bytes)));
        settle(socket, 1);
    }

    void on_error(pollux::UdpSocket& socket, const pollux::DatagramError& error) override {
        const bool nobody = error.error == std::errc::connection_refused;
        say("Lost: ", nobody ? "nobody has the port " + socket.peer_address().to_string() : error.error.message());
        settle(socket, error.datagrams);
    }

private:
    void settle(pollux::UdpSocket& socket, std::uint64_t count) {
        exchange_.settled += count;
        if (exchange_.complete()) socket.reactor().engine().stop();
    }

    Exchange& exchange_;
};

void send(pollux::UdpBase& client, Exchange& exchange, const std::string& line) {
    ++exchange.sent;  // before: the echo may be here before `send` returns
    pollux::Result result = client.send(line);
    for (; result == pollux::Result::would_block; result = client.send(line)) std::this_thread::yield();
    if (result == pollux::Result::ok) return;
    --exchange.sent;
    say("Not sent: ", to_string(result));
}

/// A datagram may be lost and nobody told, so waiting for echoes must have an end.
void finish(pollux::Engine& engine, Exchange& exchange) {
    exchange.ended = true;
    if (!exchange.complete()) {
        pollux::WaitableTimer patience{engine};  // also over when the last echo stops the engine
        patience.after(std::chrono::seconds{1});
        if (patience.wait()) say("No echo of ", exchange.sent - exchange.settled, " of ", exchange.sent, " lines");
    }
    engine.stop();
}

}  // namespace

int main(int argc, char** argv) {
    const std::string endpoint = console::udp_endpoint(console::only_argument(argc, argv, usage));

    Exchange exchange;
    pollux::Engine engine;
    pollux::Udp<Echoes> client{engine, {.connect = endpoint}, std::ref(exchange)};
    pollux::Status status = engine.start();
    if (status) status = client.start();
    if (status) {
        const pollux::StopOnSignal on_signal{engine};
        say("Sending to ", endpoint, " from ", client.address().to_string(), ". A line is sent, an empty line stops.");
        const console::Reader reader{[&](const std::string& line) { send(client, exchange, line); },
                                     [&] { finish(engine, exchange); }};
        engine.wait();
    }
    if (!status) std::cerr << status << '\n';
    return status ? 0 : 1;
}
