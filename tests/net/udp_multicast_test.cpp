// Multicast and broadcast: on the loopback device with IPv4, and with both IP versions on a device of the test's own.
#include "common/own_group.h"
#include "common/wine.h"
#include "own_network.h"
#include "udp_support.h"

namespace pollux::test {
namespace {

const std::string group_name = own_group("239.255");
const std::string other_group_name = own_group("239.254");
const std::string loopback_number = std::to_string(loopback_interface());

MulticastGroup group_on_loopback(std::string group = group_name, std::string source = {}) {
    return {.group = std::move(group), .source = std::move(source), .interface_name = loopback_name()};
}

class UdpMulticastTest : public UdpEngineTest, public testing::WithParamInterface<UdpBatching> {
protected:
    UdpMulticastTest() : UdpEngineTest(2) {}

    /// A socket that is bound to all addresses and in groups.
    std::unique_ptr<RecordingUdp> member(UdpRecorder& recorder, std::vector<MulticastGroup> groups = {},
                                         const std::string& bind = "udp://0.0.0.0:0") {
        return open(recorder, {},
                    {.bind = bind,
                     .reactor = 0,
                     .reuse_address = bind != "udp://0.0.0.0:0",
                     .multicast = {.groups = std::move(groups)},
                     .batching = GetParam()});
    }

    static UdpOptions sending() {
        return {.bind = "udp://127.0.0.1:0",
                .reactor = 0,
                .multicast = {.interface_name = loopback_name()},
                .batching = GetParam()};
    }

    /// What a member has heard, when `mark` has reached it by a way of its own.
    std::vector<std::string> heard(UdpRecorder& recorder, const UdpBase& member) {
        const RawUdp direct;
        EXPECT_TRUE(direct.send_to(at_port("127.0.0.1", member.port()), "mark"));
        const auto marked = [](const auto& now) {
            return !now.datagrams.empty() && now.datagrams.back().bytes == "mark";
        };
        EXPECT_TRUE(recorder.wait_until(marked));
        std::vector<std::string> texts;
        recorder.change([&](auto& now) {
            for (const Datagram& datagram : now.datagrams) texts.push_back(datagram.bytes);
            now.datagrams.clear();
        });
        if (!texts.empty()) texts.pop_back();
        return texts;
    }

    /// Sends with the library, and returns when the system has it, and so every member on this machine.
    void send_and_wait(UdpBase& sender, const InetAddress& to, const std::string& text) {
        const auto before = sender.counters().datagrams_sent;
        EXPECT_EQ(sender.send_to(to, text), Result::ok);
        EXPECT_TRUE(eventually([&] { return sender.counters().datagrams_sent == before + 1; }));
    }

    using Texts = std::vector<std::string>;
};

INSTANTIATE_TEST_SUITE_P(Udp, UdpMulticastTest,
                         testing::Values(UdpBatching::automatic, UdpBatching::calls, UdpBatching::none),
                         testing::PrintToStringParamName());

TEST_P(UdpMulticastTest, join_and_leave) {
    const auto receiver = member(seen);
    const auto sender = open(other_seen, {}, sending());
    const InetAddress to = at_port(group_name, receiver->port());
    send_and_wait(*sender, to, "before");
    EXPECT_EQ(heard(seen, *receiver), Texts{});
    with_socket(seen.id(), [&](UdpSocket& socket) {
        const Status status = socket.join(group_on_loopback());
        EXPECT_TRUE(status) << status;
    });
    send_and_wait(*sender, to, "within");
    EXPECT_EQ(heard(seen, *receiver), Texts{"within"});
    with_socket(seen.id(), [&](UdpSocket& socket) { EXPECT_TRUE(socket.leave(group_on_loopback())); });
    send_and_wait(*sender, to, "after");
    EXPECT_EQ(heard(seen, *receiver), Texts{});
    EXPECT_EQ(other_seen.seen().errors.size(), 0u);
}

TEST_P(UdpMulticastTest, interfaces_by_name_and_by_number) {
    const auto receiver = member(seen);
    UdpOptions options = sending();
    options.multicast.interface_name = loopback_number;
    const auto sender = open(other_seen, {}, options);
    MulticastGroup by_number = group_on_loopback();
    by_number.interface_name = loopback_number;
    with_socket(seen.id(), [&](UdpSocket& socket) {
        EXPECT_TRUE(socket.join(by_number));
        EXPECT_TRUE(socket.leave(group_on_loopback()));  // the same by another name
        EXPECT_FALSE(socket.leave(by_number));
        EXPECT_TRUE(socket.join(by_number));
        const Status status = socket.join({.group = group_name, .source = {}, .interface_name = "nosuch0"});
        EXPECT_EQ(status.error(), Errc::invalid_option);
        EXPECT_NE(status.message().find("nosuch0"), std::string::npos) << status;
    });
    send_and_wait(*sender, at_port(group_name, receiver->port()), "x");
    EXPECT_EQ(heard(seen, *receiver), Texts{"x"});
}

TEST_P(UdpMulticastTest, the_systems_errors_are_told) {
    const auto receiver = member(seen);
    with_socket(seen.id(), [&](UdpSocket& socket) {
        EXPECT_TRUE(socket.join(group_on_loopback()));
        const Status twice = socket.join(group_on_loopback());
        EXPECT_EQ(twice.error(), std::errc::address_in_use) << twice;
        EXPECT_NE(twice.message().find(group_name), std::string::npos) << twice;
        const Status never_joined = socket.leave(group_on_loopback(other_group_name));
        // Wine tells another error.
        EXPECT_TRUE(never_joined.error() == std::errc::address_not_available || (under_wine() && never_joined.error()))
            << never_joined;
        EXPECT_NE(never_joined.message().find(other_group_name), std::string::npos) << never_joined;
        EXPECT_EQ(socket.join({.group = "10.0.0.1"}).error(), Errc::invalid_option);
        EXPECT_EQ(socket.join({.group = group_name, .source = "::1"}).error(), Errc::invalid_option);
        EXPECT_TRUE(socket.is_open());
    });
    EXPECT_TRUE(receiver->running());
}

TEST_P(UdpMulticastTest, source_specific) {
    if (under_wine()) GTEST_SKIP() << "Wine takes the source for the interface";
    const auto receiver = member(seen);
    const auto sender = open(other_seen, {}, sending());
    const InetAddress to = at_port(group_name, receiver->port());
    with_socket(seen.id(), [&](UdpSocket& socket) {
        const Status status = socket.join(group_on_loopback(group_name, "127.0.0.9"));
        EXPECT_TRUE(status) << status;
    });
    send_and_wait(*sender, to, "from another");
    EXPECT_EQ(heard(seen, *receiver), Texts{});
    UdpOptions options = sending();
    options.bind = "udp://127.0.0.9:0";
    const auto source = open(other_seen, {}, options);
    send_and_wait(*source, to, "from the source");
    EXPECT_EQ(heard(seen, *receiver), Texts{"from the source"});
    with_socket(seen.id(), [&](UdpSocket& socket) {
        EXPECT_TRUE(socket.join(group_on_loopback(group_name, "127.0.0.1")));
        EXPECT_TRUE(socket.leave(group_on_loopback(group_name, "127.0.0.9")));
    });
    send_and_wait(*source, to, "no more");
    send_and_wait(*sender, to, "now from here");
    EXPECT_EQ(heard(seen, *receiver), Texts{"now from here"});
}

TEST_P(UdpMulticastTest, leaving_while_receiving) {
    const auto sender = open(other_seen, {}, sending());
    UdpHooks hooks;
    hooks.on_datagram = [](UdpSocket& socket, const InetAddress&, Bytes bytes) {
        if (as_text(bytes) != "3") return;
        EXPECT_TRUE(socket.leave(group_on_loopback()));
    };
    const auto receiver = open(hooks, {.bind = "udp://0.0.0.0:0",
                                       .reactor = 0,
                                       .multicast = {.groups = {group_on_loopback()}},
                                       .batching = GetParam()});
    const InetAddress to = at_port(group_name, receiver->port());
    for (int i = 0; i < 4; ++i) send_and_wait(*sender, to, std::to_string(i));
    ASSERT_TRUE(seen.wait_for_datagrams(4));
    run_on(engine.reactor(0), [] {});  // the leaving callback has returned
    for (int i = 4; i < 20; ++i) send_and_wait(*sender, to, std::to_string(i));
    EXPECT_EQ(heard(seen, *receiver), (Texts{"0", "1", "2", "3"}));
}

TEST_P(UdpMulticastTest, groups_of_other_sockets_are_not_heard) {
    if (under_wine()) GTEST_SKIP() << "Wine gives every socket what any has joined";
    const auto first = member(seen, {group_on_loopback()});
    const std::string endpoint = "udp://0.0.0.0:" + std::to_string(first->port());
    first->stop();
    const auto again = member(seen, {group_on_loopback()}, endpoint);
    const auto other = member(other_seen, {group_on_loopback(other_group_name)}, endpoint);
    const RawUdp sender;
    ASSERT_TRUE(set_multicast_interface(sender.handle(), inet("127.0.0.1:0")));
    ASSERT_TRUE(sender.send_to(at_port(group_name, other->port()), "first's"));
    ASSERT_TRUE(sender.send_to(at_port(other_group_name, other->port()), "other's"));
    ASSERT_TRUE(seen.wait_for_datagrams(1));
    ASSERT_TRUE(other_seen.wait_for_datagrams(1));
    turn_all(engine);
    ASSERT_EQ(seen.seen().datagrams.size(), 1u);
    ASSERT_EQ(other_seen.seen().datagrams.size(), 1u);
    EXPECT_EQ(seen.seen().datagrams[0].bytes, "first's");
    EXPECT_EQ(other_seen.seen().datagrams[0].bytes, "other's");
}

TEST_P(UdpMulticastTest, loopback_off) {
    const auto receiver = member(seen, {group_on_loopback()});
    const InetAddress to = at_port(group_name, receiver->port());
    UdpOptions options = sending();
    options.multicast.loopback = false;
    const auto silent = open(other_seen, {}, options);
    const auto loud = open(other_seen, {}, sending());
    // What leaves by the loopback device comes back in any case: the setting itself is looked at.
    const auto loops = [](const UdpBase& udp) {
        return option_of(socket_bound_to(udp.address()), SocketOption::multicast_loop);
    };
    EXPECT_EQ(loops(*silent), 0);
    EXPECT_EQ(loops(*loud), 1);
    send_and_wait(*loud, to, "loud");
    EXPECT_EQ(heard(seen, *receiver).size(), 1u);
}

TEST_P(UdpMulticastTest, several_members_on_one_port) {
    const auto first = member(seen);
    const std::string endpoint = "udp://0.0.0.0:" + std::to_string(first->port());
    UdpRecorder none;
    const auto unwilling = make(none, {.bind = endpoint, .reuse_address = true}, {});
    EXPECT_EQ(unwilling->start().error(), std::errc::address_in_use);  // the first has not agreed
    first->stop();
    constexpr std::size_t members = 5;
    std::vector<std::unique_ptr<RecordingUdp>> all;
    for (std::size_t i = 0; i < members; ++i) all.push_back(member(seen, {group_on_loopback()}, endpoint));
    const auto sender = open(other_seen, {}, sending());
    send_and_wait(*sender, at_port(group_name, all[0]->port()), "to all");
    ASSERT_TRUE(seen.wait_for_datagrams(members));
    turn_all(engine);
    EXPECT_EQ(seen.seen().datagrams.size(), members);
    for (const auto& udp : all) EXPECT_EQ(udp->counters().datagrams_received, 1u);
}

TEST_P(UdpMulticastTest, a_group_with_several_reactors_is_heard_once) {
    if (!has_sockets_on_all_reactors()) GTEST_SKIP() << one_socket_only;
    const auto receiver = open(
        seen, {}, {.bind = "udp://0.0.0.0:0", .multicast = {.groups = {group_on_loopback()}}, .batching = GetParam()});
    ASSERT_TRUE(receiver->socket_id(0));
    ASSERT_TRUE(receiver->socket_id(1));
    const auto sender = open(other_seen, {}, sending());
    const InetAddress to = at_port(group_name, receiver->port());
    for (int i = 0; i < 50; ++i) send_and_wait(*sender, to, std::to_string(i));
    ASSERT_TRUE(seen.wait_for_datagrams(50));
    turn_all(engine);
    EXPECT_EQ(seen.seen().datagrams.size(), 50u);
    with_socket(receiver->socket_id(0),
                [](UdpSocket& socket) { EXPECT_EQ(socket.counters().datagrams_received, 50u); });
}

TEST_P(UdpMulticastTest, hops_and_their_defaults) {
    const auto value_of = [](const UdpBase& udp, SocketOption option) {
        return option_of(socket_bound_to(udp.address()), option);
    };
    const auto plain = open({}, {.bind = "udp://127.0.0.1:0", .reactor = 0});
    EXPECT_EQ(value_of(*plain, SocketOption::multicast_hops), 1);
    const auto far = open({}, {.bind = "udp://127.0.0.1:0", .reactor = 0, .hops = 3, .multicast = {.hops = 255}});
    EXPECT_EQ(value_of(*far, SocketOption::multicast_hops), 255);
    EXPECT_EQ(value_of(*far, SocketOption::hops), 3);
    UdpOptions options = sending();
    options.multicast.hops = 0;
    const auto near = open(other_seen, {}, options);
    const auto receiver = member(other_seen, {group_on_loopback()});
    send_and_wait(*near, at_port(group_name, receiver->port()), "near");
    EXPECT_EQ(heard(other_seen, *receiver), Texts{"near"});  // 0 still reaches this machine
}

TEST_P(UdpMulticastTest, broadcast_needs_its_option) {
    const auto receiver = member(seen);
    const InetAddress everybody = at_port("127.255.255.255", receiver->port());
    UdpRecorder refused;
    {
        const auto without = open(refused, {}, {.bind = "udp://127.0.0.1:0", .reactor = 0, .batching = GetParam()});
        EXPECT_EQ(without->send_to(everybody, "refused"), Result::ok);
        ASSERT_TRUE(refused.wait_for_errors(1));
        EXPECT_EQ(refused.seen().errors[0].kind, DatagramError::Kind::refused);
        EXPECT_EQ(refused.seen().errors[0].error, std::errc::permission_denied);
        EXPECT_EQ(refused.seen().errors[0].peer, everybody);
        EXPECT_EQ(without->counters().datagrams_refused, 1u);
    }
    const auto with =
        open(other_seen, {}, {.bind = "udp://127.0.0.1:0", .reactor = 0, .broadcast = true, .batching = GetParam()});
    send_and_wait(*with, everybody, "to everybody");
    EXPECT_EQ(heard(seen, *receiver), Texts{"to everybody"});
}

// On a device of the test's own, which is a pair of virtual cables.

class UdpDeviceTest : public testing::TestWithParam<const char*> {
protected:
    [[nodiscard]] static bool ipv6() { return std::string_view{GetParam()}.find(':') != std::string_view::npos; }

    /// A member on `cable0` and a sender to it.
    void expect_heard(MulticastOptions sending, const std::string& source, bool heard) {
        Engine engine;
        UdpRecorder seen;
        UdpRecorder sender_seen;
        const MulticastGroup group{.group = GetParam(), .source = source, .interface_name = "cable0"};
        {
            RecordingUdp receiver{engine, {.bind = ipv6() ? "udp://[::]:0" : "udp://0.0.0.0:0"}, std::ref(seen)};
            RecordingUdp sender{engine,
                                {.bind = ipv6() ? "udp://[::]:0" : "udp://0.0.0.0:0", .multicast = sending},
                                std::ref(sender_seen)};
            ASSERT_TRUE(receiver.start());
            ASSERT_TRUE(sender.start());
            ASSERT_TRUE(engine.start());
            ASSERT_TRUE(seen.wait_for_opens(1));
            ASSERT_TRUE(sender_seen.wait_for_opens(1));
            run_on(engine.reactor(0), [&] {
                const Status status = engine.reactor(0).find(seen.id())->join(group);
                EXPECT_TRUE(status) << status;
            });
            ASSERT_EQ(sender.send_to(at_port(GetParam(), receiver.port()), "group"), Result::ok);
            ASSERT_TRUE(eventually([&] { return sender.counters().datagrams_sent == 1; }));
            ASSERT_EQ(sender.send_to(at_port(ipv6() ? "::1" : "127.0.0.1", receiver.port()), "direct"), Result::ok);
            ASSERT_TRUE(seen.wait_until(
                [](const auto& now) { return !now.datagrams.empty() && now.datagrams.back().bytes == "direct"; }));
            const auto datagrams = seen.seen().datagrams;
            EXPECT_EQ(datagrams.size(), heard ? 2u : 1u);
            EXPECT_EQ(datagrams.front().bytes, heard ? "group" : "direct");
            engine.stop();
            engine.wait();
        }
        seen.expect_in_order("receiver");
        sender_seen.expect_in_order("sender");
    }
};

INSTANTIATE_TEST_SUITE_P(Udp, UdpDeviceTest, testing::Values("239.255.17.3", "ff15::17:3"),
                         [](const auto& address) { return std::string{address.index == 0 ? "ipv4" : "ipv6"}; });

TEST_P(UdpDeviceTest, members_hear_what_the_options_let_them) {
    bool works = false;
    const bool allowed = in_own_network([&] {
        works = make_cable();
        if (!works) return;
        const std::string source = ipv6() ? "fd77::1" : "10.77.0.1";
        const std::string stranger = ipv6() ? "fd77::9" : "10.77.0.9";
        expect_heard({.interface_name = "cable0"}, "", true);
        expect_heard({.hops = 0, .interface_name = "cable0"}, "", true);
        expect_heard({.loopback = false, .interface_name = "cable0"}, "", false);
        expect_heard({.interface_name = "cable0"}, source, true);
        expect_heard({.interface_name = "cable0"}, stranger, false);
    });
    if (!allowed) GTEST_SKIP() << "the system does not allow a network of the test's own";
    if (!works) GTEST_SKIP() << "there is no command ip, or no device of the kind veth";
}

}  // namespace
}  // namespace pollux::test
