// Datagrams in: attaching, the events that tell of them, and that each arrives as it was sent.
#include <algorithm>

#include "platform/datagram_support.h"

namespace pollux::platform::test {
namespace {

class DatagramReceiveTest : public DatagramTest {
protected:
    /// Sends datagrams of the pattern, each in a call of its own, and says what they are.
    std::vector<Datagram> send_each(std::size_t count, std::size_t size) {
        std::vector<Datagram> datagrams;
        for (std::size_t i = 0; i < count; ++i) {
            datagrams.push_back({other.address(), pattern(offset_++, size)});
            other.send(end.address(), datagrams.back().bytes);
        }
        return datagrams;
    }

    DatagramEnd end{loop, GetParam()};
    DatagramEnd other{loop, UdpBatching::none};

private:
    std::uint64_t offset_ = 0;
};

POLLUX_WITH_EACH_BATCHING(DatagramReceiveTest);

TEST_P(DatagramReceiveTest, nothing_would_block) {
    EXPECT_EQ(end.receive().status, IoStatus::would_block);
    EXPECT_EQ(loop.slots.intake().count, 0U);
    loop.poller.arm_receive(end);
    loop.settle();
    EXPECT_EQ(end.seen, 0U);
    EXPECT_TRUE(end.take_faults().empty());
}

TEST_P(DatagramReceiveTest, nothing_is_told_before_it_is_armed) {
    const std::vector<Datagram> sent = send_each(1, 100);
    loop.settle();
    EXPECT_EQ(end.seen, 0U);
    loop.poller.arm_receive(end);
    EXPECT_EQ(loop.wait_for(end, receivable), receivable);
    ASSERT_EQ(end.receive().status, IoStatus::done);
    EXPECT_EQ(loop.slots.datagrams(), sent);
}

TEST_P(DatagramReceiveTest, attaching_nothing_fails) {
    End nothing;
    EXPECT_TRUE(loop.poller.attach_datagrams(nothing, invalid_handle, GetParam()));
    EXPECT_FALSE(nothing.is_open());
}

TEST_P(DatagramReceiveTest, knows_its_address_and_its_handle) {
    EXPECT_NE(end.address().port, 0);
    const SocketAddress local = loop.poller.local_address(end);
    EXPECT_EQ(local.ip, end.address().ip);
    EXPECT_EQ(local.port, end.address().port);
    EXPECT_EQ(local_address(Poller::handle_of(end)), local);
}

TEST_P(DatagramReceiveTest, every_size_arrives_as_it_is) {
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0, 1, 32, 1'471, 1'472, 1'473, 9'000, 65'506, max_datagram_bytes}) {
        const std::vector<Datagram> sent = send_each(1, size);
        EXPECT_EQ(end.receive_exactly(1), sent);
    }
}

TEST_P(DatagramReceiveTest, less_than_all_slots_means_that_there_was_no_more) {
    for (std::size_t count = 1; count < 20; ++count) {
        const std::vector<Datagram> sent = send_each(count, 50 + count);
        loop.poller.arm_receive(end);
        ASSERT_NE(loop.wait_for(end, receivable), 0U);
        const IoResult result = end.receive();
        ASSERT_EQ(result.status, IoStatus::done);
        EXPECT_EQ(loop.slots.intake().count, count);
        EXPECT_EQ(loop.slots.datagrams(), sent);
        loop.poller.arm_receive(end);
        loop.settle();
        ASSERT_EQ(end.take_seen(), 0U) << "told of what was taken";
    }
}

TEST_P(DatagramReceiveTest, more_than_all_slots_lead_to_another_event) {
    constexpr std::size_t count = 2 * max_datagram_messages + 20;
    const std::vector<Datagram> sent = send_each(count, 20);
    std::vector<Datagram> received;
    while (received.size() < count) {
        loop.poller.arm_receive(end);
        ASSERT_EQ(loop.wait_for(end, receivable), receivable);
        ASSERT_EQ(end.receive().status, IoStatus::done);
        EXPECT_EQ(loop.slots.intake().count, std::min(max_datagram_messages, count - received.size()));
        for (Datagram& datagram : loop.slots.datagrams()) received.push_back(std::move(datagram));
    }
    EXPECT_EQ(received, sent);
}

TEST_P(DatagramReceiveTest, exactly_all_slots_lose_nothing_that_follows) {
    for (int round = 0; round < 3; ++round) {
        const std::vector<Datagram> sent = send_each(max_datagram_messages, 20);
        loop.poller.arm_receive(end);
        ASSERT_NE(loop.wait_for(end, receivable), 0U);
        ASSERT_EQ(end.receive().status, IoStatus::done);
        EXPECT_EQ(loop.slots.datagrams(), sent);
        loop.poller.arm_receive(end);
        loop.settle();  // there may be an event for nothing
        end.take_seen();
        EXPECT_EQ(end.receive().status, IoStatus::would_block);
    }
    const std::vector<Datagram> sent = send_each(1, 20);
    EXPECT_EQ(end.receive_exactly(1), sent);
}

TEST_P(DatagramReceiveTest, a_few_slots_are_filled_from_the_front) {
    Slots few{3};
    DatagramLoop fresh;
    DatagramEnd narrow{fresh, GetParam()};
    std::vector<Datagram> sent;
    for (std::uint64_t i = 0; i < 10; ++i) {
        sent.push_back({other.address(), pattern(i, 30)});
        other.send(narrow.address(), sent.back().bytes);
    }
    std::vector<Datagram> received;
    for (const std::size_t expected : std::initializer_list<std::size_t>{3, 3, 3, 1}) {
        fresh.poller.arm_receive(narrow);
        ASSERT_NE(fresh.wait_for(narrow, receivable), 0U);
        ASSERT_EQ(fresh.poller.receive_datagrams(narrow, few.intake()).status, IoStatus::done);
        EXPECT_EQ(few.intake().count, expected);
        for (Datagram& datagram : few.datagrams()) received.push_back(std::move(datagram));
    }
    EXPECT_EQ(received, sent);
}

TEST_P(DatagramReceiveTest, what_came_while_it_was_disarmed_is_told) {
    loop.poller.arm_receive(end);
    loop.poller.disarm_receive(end);
    const std::vector<Datagram> sent = send_each(2, 40);
    loop.settle();
    end.take_seen();  // one that was under way may still come
    EXPECT_EQ(end.receive_exactly(2), sent);
}

TEST_P(DatagramReceiveTest, what_comes_after_a_receive_is_told) {
    loop.poller.arm_receive(end);
    send_each(1, 40);
    ASSERT_NE(loop.wait_for(end, receivable), 0U);
    ASSERT_EQ(end.receive().status, IoStatus::done);
    const std::vector<Datagram> sent = send_each(1, 40);  // before it is armed again
    EXPECT_EQ(end.receive_exactly(1), sent);
}

TEST_P(DatagramReceiveTest, peers_are_told_apart) {
    if (!binds_to_addresses()) GTEST_SKIP() << binds_to_all;
    std::vector<std::unique_ptr<DatagramEnd>> peers;
    for (int i = 0; i < 20; ++i) {
        peers.push_back(
            std::make_unique<DatagramEnd>(loop, UdpBatching::none, at("127.0.0." + std::to_string(i + 1) + ":0")));
    }
    std::vector<Datagram> sent;
    for (int round = 0; round < 3; ++round) {
        for (auto& peer : peers) {
            sent.push_back({peer->address(), pattern(sent.size(), 33)});
            peer->send(end.address(), sent.back().bytes);
        }
    }
    EXPECT_EQ(end.receive_exactly(sent.size()), sent);
}

TEST_P(DatagramReceiveTest, a_connected_socket_hears_its_peer_alone) {
    DatagramEnd stranger{loop, UdpBatching::none};
    DatagramEnd connected{loop, GetParam(), at("127.0.0.1:0"), {}, other.address()};
    stranger.send(connected.address(), "from a stranger");
    other.send(connected.address(), "from the peer");
    const std::vector<Datagram> expected{{other.address(), "from the peer"}};
    EXPECT_EQ(connected.receive_exactly(1), expected);
    EXPECT_TRUE(connected.receive_all().empty());
}

TEST_P(DatagramReceiveTest, a_closed_socket_is_used_again) {
    send_each(3, 100);
    loop.poller.arm_receive(end);
    ASSERT_NE(loop.wait_for(end, receivable), 0U);
    end.tag = 7;
    loop.close(end);
    EXPECT_EQ(end.tag, 7) << "the tag is the engine's";
    loop.settle();
    EXPECT_EQ(end.take_seen(), 0U);
    for (const UdpBatching batching : {UdpBatching::none, UdpBatching::automatic, UdpBatching::calls}) {
        NativeHandle handle = invalid_handle;
        ASSERT_FALSE(open_datagram_socket(SocketAddress::Family::ipv4, {}, 0, false, handle));
        ASSERT_FALSE(bind_datagram_socket(handle, at("127.0.0.1:0")));
        ASSERT_FALSE(loop.poller.attach_datagrams(end, handle, batching));
        const std::uint16_t port = loop.poller.local_address(end).port;
        other.send(at("127.0.0.1:" + std::to_string(port)), "again");
        EXPECT_EQ(end.receive_exactly(1), (std::vector<Datagram>{{other.address(), "again"}}));
        loop.close(end);
    }
}

TEST_P(DatagramReceiveTest, closing_with_datagrams_that_wait_is_quiet) {
    send_each(100, 10);
    loop.poller.arm_receive(end);
    ASSERT_NE(loop.wait_for(end, receivable), 0U);
    ASSERT_EQ(end.receive().status, IoStatus::done);
    loop.poller.arm_receive(end);  // an event is due
    loop.close(end);
    loop.settle();
    EXPECT_EQ(end.take_seen(), 0U);
}

TEST_P(DatagramReceiveTest, what_did_not_fit_the_buffer_is_counted) {
    UdpOptions options;
    options.kernel_receive_buffer_bytes = 8 * 1024;
    DatagramEnd small{loop, GetParam(), at("127.0.0.1:0"), options};
    constexpr std::uint32_t count = 100;
    for (std::uint32_t i = 0; i < count; ++i) other.send(small.address(), pattern(i, 1'000));
    const std::vector<Datagram> kept = small.receive_all();
    ASSERT_LT(kept.size(), count) << "the buffer is larger than was asked for";
    for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].bytes, pattern(i, 1'000)) << "the first are kept";
    other.send(small.address(), "what comes next tells it");
    loop.poller.arm_receive(small);
    ASSERT_NE(loop.wait_for(small, receivable), 0U);
    ASSERT_EQ(small.receive().status, IoStatus::done);
    ASSERT_EQ(loop.slots.intake().count, 1U);
    const std::uint32_t told = loop.slots.intake().overflows;
    if (told == 0 && Poller::batching(GetParam()) == UdpBatching::none) GTEST_SKIP() << "not told by the plain calls";
    EXPECT_EQ(told, count - kept.size());
}

TEST_P(DatagramReceiveTest, overflows_are_counted_from_the_start_of_the_socket) {
    if (Poller::batching(GetParam()) == UdpBatching::none) GTEST_SKIP() << "not told by the plain calls";
    UdpOptions options;
    options.kernel_receive_buffer_bytes = 8 * 1024;
    DatagramEnd small{loop, GetParam(), at("127.0.0.1:0"), options};
    std::size_t sent = 0;
    std::size_t received = 0;
    std::uint32_t told = 0;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 50; ++i, ++sent) other.send(small.address(), pattern(0, 1'000));
        received += small.receive_all().size();
        other.send(small.address(), "next");
        ++sent;
        ASSERT_EQ(small.receive().status, IoStatus::done);
        received += loop.slots.intake().count;
        EXPECT_GT(loop.slots.intake().overflows, told);
        told = loop.slots.intake().overflows;
        EXPECT_EQ(told, sent - received);
    }
}

/// What needs IPv6.
class DatagramIpv6Test : public DatagramTest {
protected:
    void SetUp() override {
        if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    }
};

POLLUX_WITH_EACH_BATCHING(DatagramIpv6Test);

TEST_P(DatagramIpv6Test, passes_datagrams_both_ways) {
    DatagramEnd end{loop, GetParam(), at("[::1]:0")};
    DatagramEnd other{loop, UdpBatching::none, at("[::1]:0")};
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 1'472, max_datagram_bytes}) {
        const std::string bytes = pattern(size, size);
        other.send(end.address(), bytes);
        EXPECT_EQ(end.receive_exactly(1), (std::vector<Datagram>{{other.address(), bytes}}));
        end.send(other.address(), bytes);
        EXPECT_EQ(other.receive_exactly(1), (std::vector<Datagram>{{end.address(), bytes}}));
    }
}

TEST_P(DatagramIpv6Test, a_socket_of_both_versions_knows_ipv4_peers_as_such) {
    DatagramEnd both{loop, GetParam(), at("[::]:0")};
    DatagramEnd ipv4{loop, UdpBatching::none};
    DatagramEnd ipv6{loop, UdpBatching::none, at("[::1]:0")};
    const std::string port = std::to_string(both.address().port);
    ipv4.send(at("127.0.0.1:" + port), "four");
    ipv6.send(at("[::1]:" + port), "six");
    EXPECT_EQ(both.receive_exactly(2), (std::vector<Datagram>{{ipv4.address(), "four"}, {ipv6.address(), "six"}}));
    DatagramBatch batch;
    append(batch, ipv4.address(), {10, 10, 5}, {});
    append(batch, ipv6.address(), {10, 10, 5}, {});
    EXPECT_EQ(send_all(both, batch).taken, 6U);
    const std::vector<Datagram> from_ipv4 = ipv4.receive_exactly(3);
    const std::vector<Datagram> from_ipv6 = ipv6.receive_exactly(3);
    EXPECT_EQ(from_ipv4.at(0).peer, at("127.0.0.1:" + port));
    EXPECT_EQ(from_ipv6.at(0).peer, at("[::1]:" + port));
    EXPECT_EQ(from_ipv4.at(2).bytes, pattern(2, 5));
}

TEST_P(DatagramIpv6Test, ipv6_only_does_not_hear_ipv4) {
    UdpOptions options;
    options.ipv6_only = true;
    DatagramEnd end{loop, GetParam(), at("[::]:0"), options};
    DatagramEnd ipv4{loop, UdpBatching::none};
    ipv4.send(at("127.0.0.1:" + std::to_string(end.address().port)), "nobody hears this");
    DatagramEnd ipv6{loop, UdpBatching::none, at("[::1]:0")};
    ipv6.send(at("[::1]:" + std::to_string(end.address().port)), "this one is heard");
    EXPECT_EQ(end.receive_exactly(1), (std::vector<Datagram>{{ipv6.address(), "this one is heard"}}));
    EXPECT_TRUE(end.receive_all().empty());
}

}  // namespace
}  // namespace pollux::platform::test
