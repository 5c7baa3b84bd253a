// What the network tells of datagrams sent before: with whom it was, and without harm to anything else.
#include <algorithm>

#include "common/closed_ports.h"
#include "platform/datagram_support.h"

namespace pollux::platform::test {
namespace {

class DatagramErrorTest : public DatagramTest {
protected:
    void SetUp() override {
        if (!pollux::test::tells_of_closed_ports()) GTEST_SKIP() << "the system tells nobody of closed ports now";
    }

    /// Has the network tell of a datagram to where nobody is, and checks what it tells.
    void expect_fault(DatagramEnd& of, const InetAddress& to, const InetAddress& peer) {
        of.provoke_fault(to);
        const std::vector<DatagramFault> faults = of.take_faults();
        EXPECT_FALSE(faults.empty());
        for (const DatagramFault& fault : faults) {
            EXPECT_EQ(fault.error, std::errc::connection_refused) << fault.error.message();
            EXPECT_EQ(fault.peer, peer);
        }
    }

    DatagramEnd end{loop, GetParam()};
    DatagramEnd other{loop, UdpBatching::none};
    DatagramBatch batch;
};

POLLUX_WITH_EACH_BATCHING(DatagramErrorTest);

/// Errors of sockets that send to everybody.
class UnconnectedDatagramErrorTest : public DatagramErrorTest {
protected:
    void SetUp() override {
        DatagramErrorTest::SetUp();
        if (Poller::datagram_errors() != DatagramErrors::of_all) GTEST_SKIP() << "this platform does not tell of these";
    }
};

POLLUX_WITH_EACH_BATCHING(UnconnectedDatagramErrorTest);

/// Errors of sockets that have one peer.
class ConnectedDatagramErrorTest : public DatagramErrorTest {
protected:
    void SetUp() override {
        DatagramErrorTest::SetUp();
        if (Poller::datagram_errors() == DatagramErrors::none) GTEST_SKIP() << "this platform tells of none";
    }

    /// An error that waits in the socket when `call` is made is told in the end, once.
    template <class Call>
    void expect_told_behind(const Call& call) {
        DatagramEnd connected{loop, GetParam(), at("127.0.0.1:0"), {}, closed_port(3)};
        const Time deadline = Poller::now() + patience;
        while ((connected.seen & failed) == 0 && Poller::now() < deadline) {
            connected.send({}, "is anybody there?");
            call(connected);
            loop.settle();
        }
        const std::vector<DatagramFault> faults = connected.take_faults();
        EXPECT_FALSE(faults.empty());
        for (const DatagramFault& fault : faults) {
            EXPECT_EQ(fault.error, std::errc::connection_refused) << fault.error.message();
            EXPECT_EQ(fault.peer, closed_port(3));
        }
        connected.take_seen();
        loop.settle();
        EXPECT_EQ(connected.take_seen(), 0U);
        EXPECT_TRUE(connected.take_faults().empty());
    }
};

POLLUX_WITH_EACH_BATCHING(ConnectedDatagramErrorTest);

TEST_P(UnconnectedDatagramErrorTest, a_closed_port_is_told_with_its_peer) {
    expect_fault(end, closed_port(), closed_port());
}

TEST_P(UnconnectedDatagramErrorTest, it_is_told_whether_armed_or_not_and_once) {
    expect_fault(end, closed_port(), closed_port());
    loop.settle();
    EXPECT_EQ(end.take_seen(), 0U);
    EXPECT_TRUE(end.take_faults().empty());
    EXPECT_EQ(end.receive_all(), std::vector<Datagram>{});
}

TEST_P(UnconnectedDatagramErrorTest, each_peer_is_told_by_itself) {
    for (int host = 2; host < 12; ++host) expect_fault(end, closed_port(host), closed_port(host));
    // And in the order in which they were met, however many wait.
    for (int host = 2; host < 12; ++host) end.send(closed_port(host), "is anybody there?");
    std::uint8_t last = 0;
    for (const DatagramFault& fault : end.take_faults()) {
        EXPECT_GT(fault.peer.ip[3], last);
        last = fault.peer.ip[3];
    }
}

TEST_P(ConnectedDatagramErrorTest, a_connected_socket_is_told_too) {
    DatagramEnd connected{loop, GetParam(), at("127.0.0.1:0"), {}, closed_port(3)};
    expect_fault(connected, {}, closed_port(3));
}

TEST_P(ConnectedDatagramErrorTest, it_is_told_whether_armed_or_not_and_once) {
    DatagramEnd connected{loop, GetParam(), at("127.0.0.1:0"), {}, closed_port(3)};
    expect_fault(connected, {}, closed_port(3));
    loop.settle();
    EXPECT_EQ(connected.take_seen(), 0U);
    EXPECT_TRUE(connected.take_faults().empty());
    EXPECT_EQ(connected.receive_all(), std::vector<Datagram>{});
}

TEST_P(ConnectedDatagramErrorTest, an_error_that_a_receive_meets_is_told) {
    expect_told_behind([](DatagramEnd& connected) {
        EXPECT_EQ(connected.receive().status, IoStatus::would_block) << "the error is told by its event";
    });
}

TEST_P(ConnectedDatagramErrorTest, an_error_that_a_send_meets_is_told) {
    expect_told_behind([](DatagramEnd& connected) { connected.send({}, "and now?"); });
}

TEST_P(UnconnectedDatagramErrorTest, ipv6_is_told_likewise) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    DatagramEnd ipv6{loop, GetParam(), at("[::1]:0")};
    expect_fault(ipv6, at("[::1]:1"), at("[::1]:1"));
    DatagramEnd both{loop, GetParam(), at("[::]:0")};
    expect_fault(both, closed_port(), closed_port());  // an IPv4 peer has an IPv4 address
}

TEST_P(DatagramErrorTest, an_error_between_good_datagrams_does_not_stop_receiving) {
    loop.poller.arm_receive(end);
    for (std::uint64_t i = 0; i < 50; ++i) {
        other.send(end.address(), pattern(i, 10));
        end.send(closed_port(), "is anybody there?");
        other.send(end.address(), pattern(i, 20));
        const std::vector<Datagram> expected{{other.address(), pattern(i, 10)}, {other.address(), pattern(i, 20)}};
        ASSERT_EQ(end.receive_exactly(2), expected);
    }
    EXPECT_TRUE(end.receive_all().empty());
    for (const DatagramFault& fault : end.take_faults()) EXPECT_EQ(fault.peer, closed_port());
}

TEST_P(UnconnectedDatagramErrorTest, an_error_that_nobody_takes_does_not_hide_what_comes) {
    end.provoke_fault(closed_port());
    for (std::uint64_t i = 0; i < 5; ++i) {
        other.send(end.address(), pattern(i, 10));
        EXPECT_EQ(end.receive_exactly(1), (std::vector<Datagram>{{other.address(), pattern(i, 10)}}));
    }
    EXPECT_FALSE(end.take_faults().empty()) << "it is still there";
}

TEST_P(UnconnectedDatagramErrorTest, the_receive_that_meets_an_error_may_find_nothing) {
    end.provoke_fault(closed_port());
    EXPECT_EQ(end.receive().status, IoStatus::would_block) << "the error is told by its event";
    EXPECT_FALSE(end.take_faults().empty());
}

TEST_P(DatagramErrorTest, an_error_between_sends_does_not_lose_a_datagram) {
    std::vector<Datagram> expected;
    for (std::uint64_t i = 0; i < 10; ++i) {
        append(batch, closed_port(), {30, 30, 10}, {});
        for (Datagram& datagram : append(batch, other.address(), {30, 30, 10}, end.address(), i)) {
            expected.push_back(std::move(datagram));
        }
    }
    const Sent sent = send_all(end, batch);
    EXPECT_EQ(sent.taken, 60U);
    EXPECT_TRUE(sent.refused.empty()) << system_error(sent.errors.at(0)).message();
    EXPECT_EQ(other.receive_exactly(expected.size()), expected);
}

TEST_P(ConnectedDatagramErrorTest, a_connected_socket_goes_on_after_errors) {
    // Its peer is away for a while.
    const InetAddress address = other.address();
    DatagramEnd connected{loop, GetParam(), at("127.0.0.1:0"), {}, address};
    loop.close(other);
    append(batch, {}, std::vector<std::size_t>(30, 10), {});
    append(batch, {}, std::vector<std::size_t>(30, 20), {});
    const Sent sent = send_all(connected, batch);
    EXPECT_EQ(sent.taken, 60U);
    EXPECT_TRUE(sent.refused.empty()) << system_error(sent.errors.at(0)).message();
    expect_fault(connected, {}, address);
    DatagramEnd back{loop, UdpBatching::none, address};
    connected.send({}, "hello again");
    EXPECT_EQ(back.receive_exactly(1), (std::vector<Datagram>{{connected.address(), "hello again"}}));
    back.send(connected.address(), "hello");
    EXPECT_EQ(connected.receive_exactly(1), (std::vector<Datagram>{{address, "hello"}}));
}

TEST_P(UnconnectedDatagramErrorTest, bursts_of_errors_end) {
    constexpr std::size_t rounds = 100;
    std::vector<Datagram> expected;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        for (int host = 2; host < 22; ++host) append(batch, closed_port(host), {10}, {});
        expected = append(batch, other.address(), {40, 40, 15}, end.address(), round);
        const Sent sent = send_all(end, batch);
        ASSERT_EQ(sent.taken, 23U);
        ASSERT_TRUE(sent.refused.empty()) << system_error(sent.errors.at(0)).message();
        ASSERT_EQ(other.receive_exactly(3), expected);
        other.send(end.address(), pattern(round, 10));
        ASSERT_EQ(end.receive_exactly(1), (std::vector<Datagram>{{other.address(), pattern(round, 10)}}));
        if (round % 10 != 0) continue;  // else they pile up, as far as the system keeps them
        for (const DatagramFault& fault : end.take_faults()) {
            ASSERT_EQ(fault.error, std::errc::connection_refused);
            ASSERT_EQ(fault.peer.port, 1);
        }
    }
    loop.settle();
    for (const DatagramFault& fault : end.take_faults()) ASSERT_EQ(fault.error, std::errc::connection_refused);
    end.take_seen();
    expect_fault(end, closed_port(), closed_port());
    loop.settle();
    EXPECT_TRUE(end.take_faults().empty());
    EXPECT_TRUE(end.receive_all().empty());
}

TEST_P(DatagramErrorTest, what_the_machine_itself_refused_is_not_told_again) {
    append(batch, at("127.0.0.1:0"), {10}, {});
    append(batch, other.address(), {max_datagram_bytes}, {});
    EXPECT_EQ(send_all(end, batch).refused, std::vector<std::size_t>{0});
    EXPECT_EQ(other.receive_exactly(1).size(), 1U);
    const std::string large = pattern(0, max_datagram_bytes + 20);
    ASSERT_TRUE(batch.append(other.address(), as_bytes(large)));
    EXPECT_EQ(send_all(end, batch).refused, std::vector<std::size_t>{0});
    loop.settle();
    EXPECT_TRUE(end.take_faults().empty());
}

}  // namespace
}  // namespace pollux::platform::test
