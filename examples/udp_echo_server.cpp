// An echo server over UDP: each datagram goes back to whoever sent it.
#include <iostream>
#include <string_view>

#include <pollux/pollux.h>

#include "common/console.h"

namespace {

using console::say;

constexpr std::string_view usage = R"(usage: udp_echo_server [endpoint]

endpoint  where to receive: a port, host:port or udp://host:port (default udp://127.0.0.1:3333;
          udp://*:3333 for every address of the machine, udp://[::1]:3333 for IPv6)

Ends at SIGINT or SIGTERM, and says then what it did.
)";

/// A peer's datagrams all come to the same reactor, so this object alone ever meets it.
struct Echo : pollux::DatagramHandler {
    void on_datagram(pollux::UdpSocket& socket, const pollux::InetAddress& from, pollux::Bytes bytes) override {
        // Refused while too much is pending: then the echo is lost, as a datagram may be.
        socket.send_to(from, bytes);
    }
};

}  // namespace

int main(int argc, char** argv) {
    const std::string endpoint = console::udp_endpoint(console::only_argument(argc, argv, usage));

    pollux::Engine engine{{.reactors = 0}};  // one for each core, each with a socket on the address
    pollux::Udp<Echo> server{engine, {.bind = endpoint}};
    pollux::Status status = server.start();
    if (status) {
        say("Receiving on ", server.address().to_string(), " with ", engine.reactors(), " reactor(s)");
        status = engine.run();
    }
    if (!status) {
        std::cerr << status << '\n';
        return 1;
    }

    const pollux::UdpCounters counters = server.counters();
    say("Received ", counters.datagrams_received, " and sent ", counters.datagrams_sent, " datagrams; lost ",
        counters.datagrams_overflowed, " before they were read and ", counters.datagrams_refused,
        " on sending; errors: ", counters.errors);
    return 0;
}
