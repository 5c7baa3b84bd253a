// What is lost and known to be: closed ports, cut datagrams, and how a socket goes on.
#include "backend.h"
#include "common/closed_ports.h"
#include "udp_support.h"

namespace pollux::test {
namespace {

class UdpErrorTest : public UdpNetTest {
protected:
    void SetUp() override {
        UdpNetTest::SetUp();
        if (!IsSkipped() && !tells_of_closed_ports()) GTEST_SKIP() << "the system tells nobody of closed ports now";
    }
};
INSTANTIATE_TEST_SUITE_P(Udp, UdpErrorTest, every_udp_setting, udp_setting_name);

/// Errors of sockets that have one peer.
class ConnectedUdpErrorTest : public UdpErrorTest {
protected:
    void SetUp() override {
        UdpErrorTest::SetUp();
        if (platform::Poller::datagram_errors() == platform::DatagramErrors::none) {
            GTEST_SKIP() << "this platform tells of none";
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Udp, ConnectedUdpErrorTest, every_udp_setting, udp_setting_name);

/// Errors of sockets that send to everybody.
class UnconnectedUdpErrorTest : public UdpErrorTest {
protected:
    void SetUp() override {
        UdpErrorTest::SetUp();
        if (!tells_unconnected_of_closed_ports()) GTEST_SKIP() << "the system does not tell of these";
    }
};
INSTANTIATE_TEST_SUITE_P(Udp, UnconnectedUdpErrorTest, every_udp_setting, udp_setting_name);

using Kind = DatagramError::Kind;

TEST_P(ConnectedUdpErrorTest, a_closed_port_is_told_to_a_connected_socket) {
    const InetAddress nobody = closed_port(peer_host());
    const auto udp = open({}, connected(nobody));
    ASSERT_TRUE(until_told([&] { return udp->send("anybody there?"); }, [&] { return !seen.seen().errors.empty(); }));
    const DatagramError error = seen.seen().errors[0];
    EXPECT_EQ(error.kind, Kind::unreachable);
    EXPECT_EQ(error.error, std::errc::connection_refused);
    EXPECT_EQ(error.peer, nobody);
    EXPECT_EQ(error.datagrams, 1u);
    EXPECT_GE(settled(*udp).errors, 1u);
    EXPECT_EQ(settled(*udp).datagrams_refused, 0u);
}

TEST_P(UnconnectedUdpErrorTest, a_closed_port_is_told_to_an_unconnected_socket) {
    const InetAddress nobody = closed_port(peer_host());
    const RawUdp peer{peer_host()};
    const auto udp = open(echo_hooks(), bound());
    ASSERT_TRUE(until_told([&] { return udp->send_to(nobody, "anybody there?"); },
                           [&] { return !seen.seen().errors.empty(); }));
    const DatagramError error = seen.seen().errors[0];
    EXPECT_EQ(error.kind, Kind::unreachable);
    EXPECT_EQ(error.error, std::errc::connection_refused);
    EXPECT_EQ(error.peer, nobody);
    EXPECT_GE(settled(*udp).errors, 1u);
    // And it goes on.
    ASSERT_TRUE(peer.send_to(reach(*udp), "still here?"));
    const auto answer = peer.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->bytes, "still here?");
}

TEST_P(UdpErrorTest, a_good_datagram_behind_an_error_is_not_lost) {
    const RawUdp peer{peer_host()};
    const InetAddress nobody = closed_port(peer_host());
    const auto udp = open({}, bound());
    for (int round = 0; round < 100; ++round) {
        // In turns of their own, so that the error waits in the socket when the good one is sent.
        ASSERT_EQ(udp->send_to(nobody, "lost"), Result::ok);
        turn_all(engine, 1);
        ASSERT_EQ(udp->send_to(peer.address(), std::to_string(round)), Result::ok);
        const auto datagram = peer.receive();
        ASSERT_TRUE(datagram) << "round " << round;
        ASSERT_EQ(datagram->bytes, std::to_string(round));
    }
    EXPECT_EQ(settled(*udp).datagrams_refused, 0u);
    EXPECT_EQ(settled(*udp).datagrams_sent, 200u);
    for (const DatagramError& error : seen.seen().errors) EXPECT_EQ(error.peer, nobody);
}

TEST_P(UnconnectedUdpErrorTest, good_and_lost_datagrams_in_one_turn) {
    const RawUdp peer{peer_host()};
    const InetAddress nobody = closed_port(peer_host());
    const auto udp = open({}, bound());
    with_socket(seen.id(), [&](UdpSocket& socket) {
        for (int i = 0; i < 100; ++i) {
            EXPECT_EQ(socket.send_to(nobody, "lost"), Result::ok);
            EXPECT_EQ(socket.send_to(peer.address(), std::to_string(i)), Result::ok);
        }
    });
    for (int i = 0; i < 100; ++i) {
        const auto datagram = peer.receive();
        ASSERT_TRUE(datagram) << i;
        ASSERT_EQ(datagram->bytes, std::to_string(i));
    }
    EXPECT_EQ(settled(*udp).datagrams_refused, 0u);
    EXPECT_TRUE(until_told([&] { return udp->send_to(nobody, "x"); }, [&] { return !seen.seen().errors.empty(); }));
}

TEST_P(ConnectedUdpErrorTest, a_connected_socket_hears_its_peer_again) {
    const InetAddress address = closed_port(peer_host());
    const auto udp = open({}, connected(address));
    ASSERT_TRUE(until_told([&] { return udp->send("too early"); }, [&] { return !seen.seen().errors.empty(); }));
    const RawUdp peer{peer_host(), address.port};
    ASSERT_TRUE(peer.valid());
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(udp->send(std::to_string(i)), Result::ok);
        const auto datagram = peer.receive();
        ASSERT_TRUE(datagram) << i;
        ASSERT_EQ(datagram->bytes, std::to_string(i));
    }
    ASSERT_TRUE(peer.send_to(reach(*udp), "at last"));
    EXPECT_TRUE(seen.wait_for_datagrams(1));
}

TEST_P(UnconnectedUdpErrorTest, thousands_of_errors_are_told_together_and_counted) {
    const RawUdp peer{peer_host()};
    const std::size_t count = scaled(3000);
    std::size_t sent = 0;
    const auto udp = open({}, bound());
    // The kernel's own sockets for ICMP are shared by all networks of the machine, and one that is stalled can fill
    // them.
    ASSERT_TRUE(eventually([&] {
        with_socket(seen.id(), [&](UdpSocket& socket) {
            // Each to a port of its own, of which few have a listener.
            for (std::size_t i = 0; i < count; ++i, ++sent) {
                const auto port = static_cast<std::uint16_t>(1024 + i);
                EXPECT_EQ(socket.send_to(at_port(peer_host(), port), "?"), Result::ok);
            }
        });
        return eventually([&] { return !seen.seen().errors.empty(); }, 100ms);
    }));
    EXPECT_EQ(udp->send_to(peer.address(), "good"), Result::ok);
    ASSERT_TRUE(peer.receive());
    // The system keeps as many errors as the receive buffer holds, and may tell fewer than there were.
    ASSERT_TRUE(eventually([&] {
        const auto now = seen.seen();
        return now.told(Kind::unreachable) == settled(*udp).errors;
    }));
    turn_all(engine);
    const auto after = seen.seen();
    EXPECT_EQ(after.told(Kind::unreachable), settled(*udp).errors);
    EXPECT_EQ(after.told(Kind::refused), settled(*udp).datagrams_refused);
    EXPECT_LE(after.errors.size(), sent);
    EXPECT_GT(after.told(Kind::unreachable), 0u);
    EXPECT_EQ(settled(*udp).datagrams_sent + settled(*udp).datagrams_refused, sent + 1);
}

TEST_P(UnconnectedUdpErrorTest, errors_to_one_peer_in_one_turn_are_one_call) {
    const InetAddress nobody = closed_port(peer_host());
    const auto udp = open({}, bound());
    const auto send_many = [&] {
        with_socket(seen.id(), [&](UdpSocket& socket) {
            for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(socket.send_to(nobody, pattern(i, 100 + i)), Result::ok);
        });
        return Result::ok;
    };
    ASSERT_TRUE(until_told(send_many, [&] { return seen.seen().told(Kind::unreachable) >= 40; }));
    turn_all(engine);
    const auto after = seen.seen();
    EXPECT_LT(after.errors.size(), after.told(Kind::unreachable));
    for (const DatagramError& error : after.errors) EXPECT_EQ(error.peer, nobody);
    EXPECT_EQ(udp->counters().errors, after.told(Kind::unreachable));
}

using UdpTruncationTest = UdpNetTest;
INSTANTIATE_TEST_SUITE_P(Udp, UdpTruncationTest, every_udp_setting, udp_setting_name);

TEST_P(UdpTruncationTest, what_is_larger_than_the_limit_is_cut) {
    const auto udp = open({}, bound({.max_datagram_bytes = 100}));
    const RawUdp peer{peer_host()};
    for (const std::size_t size : {0u, 99u, 100u, 101u, 5000u, 65'507u, 1u}) {
        ASSERT_TRUE(peer.send_to(reach(*udp), pattern(size, size)));
    }
    ASSERT_TRUE(seen.wait_for_datagrams(4));
    ASSERT_TRUE(seen.wait_for_truncated(3));
    const auto after = seen.seen();
    ASSERT_EQ(after.datagrams.size(), 4u);
    EXPECT_EQ(after.datagrams[0].bytes, "");
    EXPECT_EQ(after.datagrams[1].bytes, pattern(99, 99));
    EXPECT_EQ(after.datagrams[2].bytes, pattern(100, 100));
    EXPECT_EQ(after.datagrams[3].bytes, pattern(1, 1));
    ASSERT_EQ(after.truncated.size(), 3u);
    EXPECT_EQ(after.truncated[0].bytes, pattern(101, 100));
    EXPECT_EQ(after.truncated[1].bytes, pattern(5000, 100));
    EXPECT_EQ(after.truncated[2].bytes, pattern(65'507, 100));
    EXPECT_EQ(after.truncated[2].from, peer.address());
    const UdpCounters counters = settled(*udp);
    EXPECT_EQ(counters.datagrams_received, 7u);
    EXPECT_EQ(counters.datagrams_truncated, 3u);
}

TEST_P(UdpTruncationTest, within_a_run_each_datagram_is_cut_for_itself) {
    const auto receiver = open({}, bound({.max_datagram_bytes = 100}));
    const auto sender = open(other_seen, {}, connected(reach(*receiver)));
    // Sent in one piece where the system can: the last of a run is shorter, and short enough.
    with_socket(other_seen.id(), [&](UdpSocket& socket) {
        for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(socket.send(pattern(i, i % 10 == 9 ? 60 : 150)), Result::ok);
    });
    ASSERT_TRUE(seen.wait_for_truncated(18));
    ASSERT_TRUE(seen.wait_for_datagrams(2));
    const auto after = seen.seen();
    ASSERT_EQ(after.truncated.size(), 18u);
    for (std::size_t i = 0; i < 18; ++i) EXPECT_EQ(after.truncated[i].bytes, pattern(i + i / 9, 100)) << i;
    ASSERT_EQ(after.datagrams.size(), 2u);
    EXPECT_EQ(after.datagrams[0].bytes, pattern(9, 60));
    EXPECT_EQ(after.datagrams[1].bytes, pattern(19, 60));
    EXPECT_EQ(settled(*receiver).datagrams_truncated, 18u);
    EXPECT_EQ(settled(*receiver).datagrams_received, 20u);
}

TEST_P(UdpTruncationTest, counters_are_of_the_socket_and_of_all_that_were) {
    const auto udp = open(echo_hooks(), bound());
    const RawUdp peer{peer_host()};
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < 10; ++i) ASSERT_TRUE(peer.send_to(reach(*udp), pattern(0, i)));
        for (std::size_t i = 0; i < 10; ++i) ASSERT_TRUE(peer.receive());
        ASSERT_TRUE(udp->restart());
    }
    const UdpCounters counters = settled(*udp);
    EXPECT_EQ(counters.datagrams_received, 20u);
    EXPECT_EQ(counters.bytes_received, 90u);
    EXPECT_EQ(counters.datagrams_sent, 20u);
    EXPECT_EQ(counters.bytes_sent, 90u);
    EXPECT_EQ(counters.datagrams_refused, 0u);
    EXPECT_EQ(counters.datagrams_overflowed, 0u);
    EXPECT_EQ(counters.errors, 0u);
    EXPECT_EQ(counters.bytes_pending, 0u);
}

}  // namespace
}  // namespace pollux::test
