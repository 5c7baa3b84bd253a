// A UDP socket of ours for the interop tests: with --echo it sends back what comes, else it says what comes. It takes
// orders from standard input ("text …", "to ADDRESS …", "count NUMBER SIZE", "join GROUP", "leave GROUP"; the end of it
// stops).
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>

#include "program.h"

namespace {

using namespace pollux;
using namespace pollux::interop;

/// What a run of `count` datagrams consists of: their number in eight digits, and dots.
std::string numbered(std::size_t number, std::size_t size) {
    std::string text = std::to_string(number);
    text.insert(0, text.size() < 8 ? 8 - text.size() : 0, '0');
    text.resize(size, '.');
    return text;
}

class Peer final : public DatagramHandler {
public:
    explicit Peer(bool echo) : echo_(echo) {}

    void on_datagram(UdpSocket& socket, const InetAddress& from, Bytes bytes) override {
        if (!echo_) {
            say("datagram from=" + from.to_string() + " bytes=" + std::to_string(bytes.size()) +
                " text=" + escaped(as_text(bytes.first(std::min<std::size_t>(bytes.size(), 80)))));
            return;
        }
        const Result result = socket.send_to(from, bytes);
        if (result != Result::ok) say("refused " + std::string{to_string(result)});
    }

    void on_error(UdpSocket&, const DatagramError& error) override {
        say("error peer=" + error.peer.to_string() + describe(error.error));
    }

    void on_close(UdpSocket& socket, CloseReason reason, std::error_code error) override {
        const UdpCounters counters = socket.counters();
        say("close " + describe(reason) + " received=" + std::to_string(counters.datagrams_received) +
            " sent=" + std::to_string(counters.datagrams_sent) + describe(error));
    }

private:
    bool echo_;
};

UdpBatching batching(const std::string& text) {
    if (text == "none") return UdpBatching::none;
    return text == "calls" ? UdpBatching::calls : UdpBatching::automatic;
}

UdpOptions options(Arguments& arguments) {
    UdpOptions options;
    options.bind = arguments.value("--bind");
    options.connect = arguments.value("--connect");
    options.broadcast = arguments.flag("--broadcast");
    options.reuse_address = arguments.flag("--reuse-address");
    options.batching = batching(arguments.value("--batching"));
    options.multicast.interface_name = arguments.value("--interface");
    for (const std::string& group : arguments.values("--group")) {
        options.multicast.groups.push_back({.group = group, .interface_name = options.multicast.interface_name});
    }
    return options;
}

/// Does something with the socket, on its reactor.
template <class Work>
void on_socket(UdpBase& udp, Work&& work) {
    Reactor& reactor = udp.engine().reactor(0);
    const Result posted = reactor.post([id = udp.socket_id(), &reactor, work = std::forward<Work>(work)] {
        if (UdpSocket* socket = reactor.find(id)) work(*socket);
    });
    if (posted != Result::ok) say("refused " + std::string{to_string(posted)});
}

void change_membership(UdpBase& udp, const MulticastGroup& group, bool join) {
    on_socket(udp, [group, join](UdpSocket& socket) {
        const Status status = join ? socket.join(group) : socket.leave(group);
        say((join ? "join " : "leave ") + status.message());
    });
}

void obey(UdpBase& udp, const std::string& interface_name, const std::string& order) {
    const std::vector<std::string> words = split(order, ' ');
    const std::string word = words.empty() ? "" : words[0];
    InetAddress address;
    if (word == "text") {
        if (const Result result = udp.send(order.substr(5)); result != Result::ok) say("refused");
    } else if (word == "to" && words.size() == 3 && InetAddress::parse(words[1], address)) {
        if (const Result result = udp.send_to(address, words[2]); result != Result::ok) say("refused");
    } else if (word == "count" && words.size() == 3) {
        on_socket(udp, [count = std::stoul(words[1]), size = std::stoul(words[2])](UdpSocket& socket) {
            for (std::size_t i = 0; i < count; ++i) {
                if (socket.send(numbered(i, size)) != Result::ok) say("refused");
            }
        });
    } else if ((word == "join" || word == "leave") && words.size() == 2) {
        change_membership(udp, {.group = words[1], .interface_name = interface_name}, word == "join");
    } else {
        say("no such order: " + order);
    }
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments{argc, argv};
    const UdpOptions chosen = options(arguments);
    const bool echo = arguments.flag("--echo");
    arguments.expect_all_used();

    Engine engine;
    Udp<Peer> udp{engine, chosen, echo};
    Status status = engine.start();
    if (status) status = udp.start();
    if (!status) {
        std::cerr << status << std::endl;
        return EXIT_FAILURE;
    }
    say("bound " + std::to_string(udp.port()));

    std::string order;
    while (std::getline(std::cin, order)) obey(udp, chosen.multicast.interface_name, order);
    udp.stop();
    engine.stop();
    engine.wait();
    return EXIT_SUCCESS;
}
