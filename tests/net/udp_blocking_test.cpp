// The blocking UDP socket: everything its header promises.
#include <array>

#include "common/closed_ports.h"
#include "udp_support.h"

namespace pollux::test {
namespace {

class BlockingUdpTest : public UdpEngineTest {
protected:
    struct Outcome {
        Status status;
        std::string bytes;
        InetAddress from;
    };

    /// Receives into a buffer of `room` bytes.
    static Outcome receive(BlockingUdp& socket, std::chrono::milliseconds timeout = patience,
                           std::size_t room = 70'000) {
        Outcome outcome;
        std::vector<std::byte> buffer(room);
        std::size_t received = 12'345;
        outcome.status = socket.receive(buffer, received, outcome.from, timeout);
        EXPECT_LE(received, room);
        outcome.bytes.assign(reinterpret_cast<const char*>(buffer.data()), std::min(received, room));
        return outcome;
    }

    static constexpr const char* anywhere = "udp://127.0.0.1:0";
    BlockingUdp socket{engine};
};

TEST_F(BlockingUdpTest, two_of_them_talk) {
    BlockingUdp server{engine};
    ASSERT_TRUE(server.open({.bind = anywhere}));
    ASSERT_TRUE(socket.open({.connect = endpoint_of(server.address())}));
    for (const std::size_t size : {0u, 1u, 1472u, 65'507u}) {
        ASSERT_TRUE(socket.send(pattern(size, size), patience));
        const Outcome question = receive(server);
        ASSERT_TRUE(question.status) << question.status;
        EXPECT_EQ(question.bytes, pattern(size, size));
        EXPECT_EQ(question.from, socket.address());
        ASSERT_TRUE(server.send_to(question.from, question.bytes, patience));
        const Outcome answer = receive(socket);
        ASSERT_TRUE(answer.status) << answer.status;
        EXPECT_EQ(answer.bytes, pattern(size, size));
        EXPECT_EQ(answer.from, server.address());
    }
}

TEST_F(BlockingUdpTest, many_keep_their_order) {
    const auto server = open(echo_hooks());
    ASSERT_TRUE(socket.open({.connect = endpoint_of(server->address())}));
    for (std::size_t begin = 0; begin < scaled(1000); begin += 50) {
        for (std::size_t i = begin; i < begin + 50; ++i) ASSERT_TRUE(socket.send(pattern(i, 100), patience));
        for (std::size_t i = begin; i < begin + 50; ++i) ASSERT_EQ(receive(socket).bytes, pattern(i, 100)) << i;
    }
    EXPECT_EQ(socket.dropped(), 0u);
}

TEST_F(BlockingUdpTest, nothing_comes_in_time) {
    ASSERT_TRUE(socket.open({.bind = anywhere}));
    const auto before = Clock::now();
    const Outcome outcome = receive(socket, 20ms);
    EXPECT_EQ(outcome.status.error(), Errc::timed_out);
    EXPECT_NE(outcome.status.message().find(anywhere), std::string::npos) << outcome.status;
    EXPECT_GE(Clock::now() - before, 20ms);  // never early
    EXPECT_EQ(outcome.bytes, "");
    EXPECT_EQ(receive(socket, 0ms).status.error(), Errc::timed_out);
}

TEST_F(BlockingUdpTest, what_came_between_calls_waits) {
    ASSERT_TRUE(socket.open({.bind = anywhere}));
    const RawUdp peer;
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(peer.send_to(socket.address(), std::to_string(i)));
    turn_all(engine);
    for (int i = 0; i < 10; ++i) {
        const Outcome outcome = receive(socket, i == 0 ? std::chrono::milliseconds{patience} : 0ms);
        EXPECT_EQ(outcome.bytes, std::to_string(i));
        EXPECT_EQ(outcome.from, peer.address());
    }
}

TEST_F(BlockingUdpTest, a_datagram_that_does_not_fit) {
    ASSERT_TRUE(socket.open({.bind = anywhere}));
    const RawUdp peer;
    ASSERT_TRUE(peer.send_to(socket.address(), "more than there is room for"));
    ASSERT_TRUE(peer.send_to(socket.address(), "next"));
    const Outcome cut = receive(socket, patience, 9);
    EXPECT_EQ(cut.status.error(), Errc::too_large);
    EXPECT_EQ(cut.bytes, "more than");
    EXPECT_EQ(cut.from, peer.address());
    const Outcome next = receive(socket, patience, 4);
    EXPECT_TRUE(next.status) << next.status;  // the rest of the first is lost
    EXPECT_EQ(next.bytes, "next");
    ASSERT_TRUE(peer.send_to(socket.address(), "x"));
    std::size_t received = 1;
    EXPECT_EQ(socket.receive({}, received, patience).error(), Errc::too_large);
    EXPECT_EQ(received, 0u);
    ASSERT_TRUE(peer.send_to(socket.address(), ""));
    EXPECT_TRUE(socket.receive({}, received, patience));
}

TEST_F(BlockingUdpTest, a_datagram_that_was_cut_when_it_arrived) {
    ASSERT_TRUE(socket.open({.bind = anywhere, .max_datagram_bytes = 4}));
    const RawUdp peer;
    ASSERT_TRUE(peer.send_to(socket.address(), "12345"));
    ASSERT_TRUE(peer.send_to(socket.address(), "1234"));
    const Outcome cut = receive(socket);
    EXPECT_EQ(cut.status.error(), Errc::too_large);
    EXPECT_EQ(cut.bytes, "1234");
    EXPECT_TRUE(receive(socket).status);
}

TEST_F(BlockingUdpTest, sends_that_cannot_be) {
    const RawUdp peer;
    const RawUdp other;
    ASSERT_TRUE(socket.open({.bind = anywhere}));
    EXPECT_EQ(socket.send_to(peer.address(), pattern(0, 65'508), patience).error(), Errc::too_large);
    EXPECT_EQ(socket.send("x", patience).error(), std::errc::destination_address_required);
    ASSERT_TRUE(socket.open({.connect = endpoint_of(peer.address())}));
    EXPECT_EQ(socket.send(pattern(0, 65'508), patience).error(), Errc::too_large);
    EXPECT_EQ(socket.send_to(other.address(), "x", patience).error(), std::errc::already_connected);
    EXPECT_TRUE(socket.send_to(peer.address(), "to the peer", patience));
    const auto datagram = peer.receive();
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->bytes, "to the peer");
    EXPECT_FALSE(other.receive_now());
}

TEST_F(BlockingUdpTest, an_error_of_an_earlier_send_is_told_once) {
    if (!tells_of_closed_ports()) GTEST_SKIP() << "the system tells nobody of closed ports now";
    const InetAddress nobody = closed_port();
    ASSERT_TRUE(socket.open({.connect = endpoint_of(nobody)}));
    Outcome outcome;
    ASSERT_TRUE(eventually([&] {
        EXPECT_TRUE(socket.send("anybody?", patience));
        outcome = receive(socket, 50ms);
        return outcome.status.error() != Errc::timed_out;
    }));
    EXPECT_EQ(outcome.status.error(), std::errc::connection_refused);
    EXPECT_EQ(outcome.from, nobody);
    EXPECT_EQ(outcome.bytes, "");
    EXPECT_EQ(receive(socket, 10ms).status.error(), Errc::timed_out);
    const RawUdp late{"127.0.0.1", nobody.port};
    ASSERT_TRUE(late.valid());
    ASSERT_TRUE(socket.send("now?", patience));
    ASSERT_TRUE(late.receive());
    ASSERT_TRUE(late.send_to(socket.address(), "yes"));
    EXPECT_EQ(receive(socket).bytes, "yes");
}

TEST_F(BlockingUdpTest, an_error_comes_between_datagrams) {
    if (!tells_unconnected_of_closed_ports()) GTEST_SKIP() << "the system tells nobody of closed ports now";
    const InetAddress nobody = closed_port();
    const RawUdp peer;
    ASSERT_TRUE(socket.open({.bind = anywhere}));
    ASSERT_TRUE(peer.send_to(socket.address(), "before"));
    turn_all(engine);
    EXPECT_EQ(receive(socket).bytes, "before");
    ASSERT_TRUE(eventually([&] {
        EXPECT_TRUE(socket.send_to(nobody, "x", patience));
        return receive(socket, 50ms).status.error() == std::errc::connection_refused;
    }));
    ASSERT_TRUE(peer.send_to(socket.address(), "after"));
    EXPECT_EQ(receive(socket).bytes, "after");
}

TEST_F(BlockingUdpTest, what_is_too_much_to_wait_is_dropped_and_counted) {
    constexpr std::size_t waiting = 7;
    ASSERT_TRUE(socket.open({.bind = anywhere}, waiting * (100 + 40)));
    const RawUdp peer;
    EXPECT_EQ(socket.dropped(), 0u);
    for (std::size_t i = 0; i < 20; ++i) ASSERT_TRUE(peer.send_to(socket.address(), pattern(i, 100)));
    EXPECT_TRUE(eventually([&] { return socket.dropped() == 13; })) << socket.dropped();
    for (std::size_t i = 0; i < waiting; ++i) EXPECT_EQ(receive(socket).bytes, pattern(i, 100));
    EXPECT_EQ(receive(socket, 0ms).status.error(), Errc::timed_out);
    ASSERT_TRUE(peer.send_to(socket.address(), "room again"));
    EXPECT_EQ(receive(socket).bytes, "room again");
    EXPECT_EQ(socket.dropped(), 13u);
}

TEST_F(BlockingUdpTest, while_it_is_closed) {
    EXPECT_FALSE(socket.address());
    EXPECT_EQ(socket.dropped(), 0u);
    EXPECT_EQ(socket.send("x", patience).error(), Errc::stopped);
    EXPECT_EQ(socket.send_to(inet("127.0.0.1:9"), "x", patience).error(), Errc::stopped);
    EXPECT_EQ(receive(socket).status.error(), Errc::stopped);
    socket.close();
    ASSERT_TRUE(socket.open({.bind = anywhere}));
    EXPECT_TRUE(socket.address());
    socket.close();
    EXPECT_FALSE(socket.address());
    EXPECT_EQ(receive(socket).status.error(), Errc::stopped);
}

TEST_F(BlockingUdpTest, opening_again_closes_the_former) {
    const RawUdp peer;
    ASSERT_TRUE(socket.open({.bind = anywhere}));
    const InetAddress former = socket.address();
    ASSERT_TRUE(peer.send_to(former, "to the former"));
    turn_all(engine);
    ASSERT_TRUE(socket.open({.bind = endpoint_of(former)}));  // the port is free again
    EXPECT_EQ(socket.address(), former);
    EXPECT_EQ(receive(socket, 0ms).status.error(), Errc::timed_out);
    const RawUdp taken;
    const Status status = socket.open({.bind = endpoint_of(taken.address())});
    EXPECT_EQ(status.error(), std::errc::address_in_use);
    EXPECT_FALSE(socket.address());
}

TEST_F(BlockingUdpTest, close_sends_what_was_accepted) {
    const RawUdp peer;
    for (int round = 0; round < 20; ++round) {
        ASSERT_TRUE(socket.open({.connect = endpoint_of(peer.address())}));
        ASSERT_TRUE(socket.send(std::to_string(round), patience));
        socket.close();
        const auto datagram = peer.receive_now();
        ASSERT_TRUE(datagram);
        EXPECT_EQ(datagram->bytes, std::to_string(round));
    }
}

TEST_F(BlockingUdpTest, mistakes_of_opening_come_back) {
    EXPECT_EQ(socket.open({}).error(), Errc::invalid_option);
    EXPECT_EQ(socket.open({.bind = "udp://nonsense"}).error(), Errc::invalid_endpoint);
    EXPECT_EQ(socket.open({.bind = anywhere, .reactor = 5}).error(), Errc::invalid_option);
    EXPECT_FALSE(socket.address());
}

TEST_F(BlockingUdpTest, on_a_reactor_nothing_may_wait) {
    ASSERT_TRUE(socket.open({.bind = anywhere}));
    run_on(engine.reactor(0), [&] {
        std::array<std::byte, 8> buffer;
        std::size_t received = 0;
        EXPECT_EQ(socket.open({.bind = anywhere}).error(), Errc::wrong_thread);
        EXPECT_EQ(socket.send("x", patience).error(), Errc::wrong_thread);
        EXPECT_EQ(socket.send_to(inet("127.0.0.1:9"), "x", patience).error(), Errc::wrong_thread);
        EXPECT_EQ(socket.receive(buffer, received, patience).error(), Errc::wrong_thread);
    });
    EXPECT_TRUE(socket.address());
}

TEST_F(BlockingUdpTest, multicast_and_broadcast) {
    const RawUdp peer;
    const MulticastGroup group{.group = "239.255.17.5", .source = {}, .interface_name = loopback_name()};
    ASSERT_TRUE(
        socket.open({.bind = "udp://0.0.0.0:0", .multicast = {.groups = {group}, .interface_name = loopback_name()}}));
    ASSERT_TRUE(socket.send_to(at_port("239.255.17.5", socket.address().port), "to all", patience));
    EXPECT_EQ(receive(socket).bytes, "to all");
    ASSERT_TRUE(socket.send_to(at_port("127.255.255.255", socket.address().port), "x", patience));
    EXPECT_EQ(receive(socket).status.error(), std::errc::permission_denied);
}

TEST_F(BlockingUdpTest, with_several_reactors_there_is_one_socket) {
    Engine several{{.reactors = 3}};
    ASSERT_TRUE(several.start());
    BlockingUdp server{several};
    ASSERT_TRUE(server.open({.bind = anywhere}));
    for (int i = 0; i < 20; ++i) {
        const RawUdp peer;
        ASSERT_TRUE(peer.send_to(server.address(), "x"));
        ASSERT_TRUE(receive(server).status);
    }
}

TEST(BlockingUdpEngineTest, the_engine_must_run) {
    Engine engine;
    BlockingUdp socket{engine};
    EXPECT_EQ(socket.open({.bind = "udp://127.0.0.1:0"}).error(), Errc::stopped);
    ASSERT_TRUE(engine.start());
    ASSERT_TRUE(socket.open({.bind = "udp://127.0.0.1:0"}));
    Gate waiting;
    Status status;
    std::thread thread{[&] {
        std::array<std::byte, 8> buffer;
        std::size_t received = 0;
        waiting.open();
        status = socket.receive(buffer, received, 4 * patience);
    }};
    EXPECT_TRUE(waiting.wait());
    engine.stop();
    thread.join();
    EXPECT_EQ(status.error(), Errc::stopped) << status;
    engine.wait();
    EXPECT_EQ(socket.send_to(closed_port(), "x", 1000ms).error(), Errc::stopped);
    EXPECT_EQ(socket.open({.bind = "udp://127.0.0.1:0"}).error(), Errc::stopped);
}

}  // namespace
}  // namespace pollux::test
