// A member of a multicast group: shows what is sent to it, and by whom.
#include <iostream>
#include <string>
#include <string_view>

#include <pollux/pollux.h>

#include "common/console.h"
#include "common/console_reader.h"

namespace {

using console::printable;
using console::say;

constexpr std::string_view usage = R"(usage: udp_multicast_client [group [port [interface]]]

group      the multicast address to join, IPv4 or IPv6 (default 239.255.0.1)
port       (default 3334)
interface  by name or number: eth0, or lo to stay on this machine (default: as the system routes the group)

Several may run on one machine. On the console ! leaves the group, or joins it again; an empty line stops.
)";

struct Listener : pollux::DatagramHandler {
    void on_datagram(pollux::UdpSocket&, const pollux::InetAddress& from, pollux::Bytes bytes) override {
        say(from.to_string(), "  ", printable(pollux::as_text(bytes)));
    }
};

/// On the socket's reactor: leaves the group, or joins it again.
void toggle(pollux::UdpSocket& socket, const pollux::MulticastGroup& group, bool& joined) {
    const pollux::Status status = joined ? socket.leave(group) : socket.join(group);
    if (status) joined = !joined;
    say(!status ? status.message() : joined ? "Joined" : "Left");
}

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = console::arguments(argc, argv, 3, usage);
    const pollux::MulticastGroup group{.group = console::argument_or(arguments, 0, "239.255.0.1"),
                                       .interface_name = console::argument_or(arguments, 2, "")};
    bool joined = true;  // touched by the reactor's thread alone

    pollux::Engine engine;
    // Every address: the socket gets what is sent to its groups, and of other programs' groups nothing.
    pollux::Udp<Listener> member{engine,
                                 {.bind = "udp://*:" + console::argument_or(arguments, 1, "3334"),
                                  .reuse_address = true,
                                  .multicast = {.groups = {group}}}};
    pollux::Status status = engine.start();
    if (status) status = member.start();
    if (status) {
        const pollux::StopOnSignal on_signal{engine};
        say("In ", group.group, ", port ", member.port(), ". ! leaves or joins, an empty line stops.");
        const console::Reader reader{[&](const std::string& line) {
                                         if (line != "!") return;
                                         engine.post(0, [&] {
                                             pollux::UdpSocket* socket = engine.reactor(0).find(member.socket_id());
                                             if (socket != nullptr) toggle(*socket, group, joined);
                                         });
                                     },
                                     [&] { engine.stop(); }};
        engine.wait();
    }
    if (!status) std::cerr << status << '\n';
    return status ? 0 : 1;
}
