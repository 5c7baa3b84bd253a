// Datagrams out: runs go in few calls or in many, and what arrives is the same; what is refused does not hold up the
// rest; what there is no room for goes when there is.
#include <algorithm>
#include <random>

#include "common/closed_ports.h"
#include "platform/datagram_support.h"

#if __has_include(<netinet/udp.h>)
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#endif

namespace pollux::platform::test {
namespace {

class DatagramSendTest : public DatagramTest {
protected:
    /// Sends the batch, all of which must be taken, and checks what arrives.
    void expect_arrival(const std::vector<Datagram>& expected) {
        const std::size_t count = batch.datagrams();
        const Sent sent = send_all(end, batch);
        EXPECT_EQ(sent.taken, count);
        EXPECT_TRUE(sent.refused.empty());
        EXPECT_EQ(other.receive_exactly(expected.size()), expected);
        EXPECT_TRUE(other.receive_all().empty());
    }

    std::vector<Datagram> append_for_other(const std::vector<std::size_t>& sizes, std::uint64_t offset = 0) {
        return append(batch, other.address(), sizes, end.address(), offset);
    }

    DatagramEnd end{loop, GetParam()};
    DatagramEnd other{loop, UdpBatching::none};
    DatagramBatch batch;
};

POLLUX_WITH_EACH_BATCHING(DatagramSendTest);

TEST_P(DatagramSendTest, nothing_is_done_at_once) {
    const IoResult result = end.send(batch);
    EXPECT_EQ(result.status, IoStatus::done);
    EXPECT_EQ(result.bytes, 0U);
}

TEST_P(DatagramSendTest, one_of_every_size) {
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0, 1, 32, 1'472, 1'473, 20'000, max_datagram_bytes}) {
        expect_arrival(append_for_other({size}, size));
    }
}

TEST_P(DatagramSendTest, a_run_arrives_as_its_datagrams) {
    expect_arrival(append_for_other(std::vector<std::size_t>(10, 100)));
    expect_arrival(append_for_other({100, 100, 100, 1}));
    expect_arrival(append_for_other({1, 1, 1, 1, 1}));
    expect_arrival(append_for_other({1'472, 1'472, 1'471}));
    expect_arrival(append_for_other({30'000, 30'000}));
}

TEST_P(DatagramSendTest, the_longest_runs_that_may_be) {
    const std::vector<Datagram> sent = append_for_other(std::vector<std::size_t>(max_run_datagrams, 20));
    ASSERT_EQ(batch.runs().size(), 1U);
    expect_arrival(sent);
    const std::vector<Datagram> large = append_for_other(std::vector<std::size_t>(44, 1'472));
    ASSERT_EQ(batch.runs().size(), 1U);
    expect_arrival(large);
}

TEST_P(DatagramSendTest, datagrams_without_bytes_are_sent) {
    expect_arrival(append_for_other({0, 0, 0}));
    expect_arrival(append_for_other({10, 0, 10, 10, 0, 0, 5}));
}

TEST_P(DatagramSendTest, runs_go_in_their_order) {
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < 40; ++i) {
        for (std::size_t j = 0; j <= i % 5; ++j) sizes.push_back(10 + i % 7);
    }
    expect_arrival(append_for_other(sizes));
}

TEST_P(DatagramSendTest, more_runs_than_one_call_takes) {
    std::vector<std::size_t> sizes;
    for (std::size_t i = 1; i <= 2 * max_datagram_messages + 9; ++i)
        sizes.push_back(i);  // each is longer than the last
    const std::vector<Datagram> sent = append_for_other(sizes);
    ASSERT_GT(batch.runs().size(), 2 * max_datagram_messages);
    expect_arrival(sent);
}

TEST_P(DatagramSendTest, a_connected_socket_sends_to_its_peer) {
    DatagramEnd connected{loop, GetParam(), at("127.0.0.1:0"), {}, other.address()};
    const std::vector<Datagram> sent = append(batch, {}, {100, 100, 50, 0, 7}, connected.address());
    EXPECT_EQ(send_all(connected, batch).taken, 5U);
    EXPECT_EQ(other.receive_exactly(5), sent);
}

TEST_P(DatagramSendTest, each_peer_gets_its_own) {
    DatagramEnd third{loop, UdpBatching::none, at("127.0.0.3:0")};
    std::vector<Datagram> for_other;
    std::vector<Datagram> for_third;
    for (std::uint64_t i = 0; i < 30; ++i) {
        DatagramEnd& to = i % 3 == 0 ? third : other;
        std::vector<Datagram>& list = i % 3 == 0 ? for_third : for_other;
        for (Datagram& datagram : append(batch, to.address(), {60, 60, 20}, end.address(), 100 * i)) {
            list.push_back(std::move(datagram));
        }
    }
    EXPECT_EQ(send_all(end, batch).taken, 90U);
    EXPECT_EQ(other.receive_exactly(for_other.size()), for_other);
    EXPECT_EQ(third.receive_exactly(for_third.size()), for_third);
}

TEST_P(DatagramSendTest, whatever_is_sent_arrives_with_every_way_to_receive) {
    std::mt19937_64 random{31};
    const auto up_to = [&](std::size_t last) { return std::uniform_int_distribution<std::size_t>{0, last}(random); };
    DatagramEnd automatic{loop, UdpBatching::automatic};
    DatagramEnd calls{loop, UdpBatching::calls};
    const std::array<DatagramEnd*, 3> receivers{&other, &automatic, &calls};
    std::uint64_t offset = 0;
    for (int round = 0; round < (sanitized ? 50 : 500); ++round) {
        std::array<std::vector<Datagram>, 3> expected;
        std::size_t bytes = 0;
        while (batch.datagrams() < 80 && bytes < 40'000) {
            const std::size_t which = up_to(2);
            std::vector<std::size_t> sizes(1 + up_to(15), up_to(3) == 0 ? up_to(1'500) : up_to(100));
            if (up_to(2) == 0) sizes.back() = up_to(sizes.back());
            for (Datagram& datagram : append(batch, receivers[which]->address(), sizes, end.address(), offset)) {
                bytes += datagram.bytes.size();
                expected[which].push_back(std::move(datagram));
            }
            offset += sizes.size();
        }
        EXPECT_TRUE(send_all(end, batch).refused.empty());
        for (std::size_t i = 0; i < receivers.size(); ++i) {
            ASSERT_EQ(receivers[i]->receive_exactly(expected[i].size()), expected[i]) << "round " << round;
        }
    }
}

// What is refused.

/// Bad datagrams between good ones: the good ones arrive, and each bad one is told with its place.
class DatagramRefusalTest : public DatagramSendTest {
protected:
    void append_good(std::initializer_list<std::size_t> sizes) {
        for (Datagram& datagram : append_for_other(sizes, expected_.size())) expected_.push_back(std::move(datagram));
    }
    void append_bad(const InetAddress& to, const std::vector<std::size_t>& sizes) {
        for (const std::size_t size : sizes) {
            bad_.push_back(batch.datagrams());
            append(batch, to, {size}, {});
        }
    }

    void expect_the_rest_goes(std::errc error) {
        const Sent sent = send_all(end, batch);
        EXPECT_EQ(sent.taken, expected_.size());
        EXPECT_EQ(sent.refused, bad_);
        for (const int number : sent.errors) EXPECT_EQ(system_error(number), error);
        EXPECT_EQ(other.receive_exactly(expected_.size()), expected_);
        EXPECT_TRUE(other.receive_all().empty());
    }

private:
    std::vector<Datagram> expected_;
    std::vector<std::size_t> bad_;
};

POLLUX_WITH_EACH_BATCHING(DatagramRefusalTest);

TEST_P(DatagramRefusalTest, port_0) {
    append_good({50, 50, 50});
    append_bad(at("127.0.0.1:0"), {50});
    append_good({50, 50, 20, 0});
    append_bad(at("127.0.0.1:0"), {50, 50, 50});
    append_good({50, 50});
    expect_the_rest_goes(std::errc::invalid_argument);
}

TEST_P(DatagramRefusalTest, ipv6_on_a_socket_of_ipv4) {
    append_bad(at("[::1]:9"), {50, 50});
    append_good({50, 50, 50});
    append_bad(at("[::1]:9"), {0});
    append_good({50});
    append_bad(at("[::1]:9"), {10});
    expect_the_rest_goes(std::errc::address_family_not_supported);
}

TEST_P(DatagramRefusalTest, a_datagram_that_is_too_large) {
    append_bad(other.address(), {max_datagram_bytes + 1});
    append_good({5, 5});
    expect_the_rest_goes(std::errc::message_size);
}

TEST_P(DatagramRefusalTest, broadcast_without_leave) {
    append_good({50, 50});
    append_bad(at("255.255.255.255:9"), {50, 50, 50});
    append_good({50, 50});
    expect_the_rest_goes(std::errc::permission_denied);
}

TEST_P(DatagramRefusalTest, all_of_them) {
    append_bad(at("127.0.0.1:0"), std::vector<std::size_t>(100, 10));
    expect_the_rest_goes(std::errc::invalid_argument);
}

TEST_P(DatagramRefusalTest, runs_still_go_in_one_piece_after_one_was_refused) {
    append_bad(at("127.0.0.1:0"), {100, 100, 100});
    append_good({100, 100, 100});
    expect_the_rest_goes(std::errc::invalid_argument);
    // It was the peer that was wrong, not the run.
    DatagramEnd receiver{loop, UdpBatching::automatic};
    std::array<std::size_t, 2> pieces{};
    for (std::size_t& count : pieces) {
        DatagramEnd fresh{loop, GetParam()};
        DatagramEnd& sender = &count == pieces.data() ? end : fresh;
        const std::vector<Datagram> sent = append(batch, receiver.address(), {100, 100, 100}, sender.address());
        EXPECT_EQ(send_all(sender, batch).taken, 3U);
        loop.poller.arm_receive(receiver);
        ASSERT_NE(loop.wait_for(receiver, receivable), 0U);
        ASSERT_EQ(receiver.receive().status, IoStatus::done);
        EXPECT_EQ(loop.slots.datagrams(), sent);
        count = loop.slots.intake().count;
    }
    EXPECT_EQ(pieces[0], pieces[1]) << "as with a socket to which nothing happened";
}

TEST_P(DatagramRefusalTest, broadcast_with_leave_is_taken) {
    UdpOptions options;
    options.broadcast = true;
    DatagramEnd sender{loop, GetParam(), at("127.0.0.1:0"), options};
    append(batch, at("127.255.255.255:9"), {50, 50}, {});
    EXPECT_EQ(send_all(sender, batch).taken, 2U);
}

}  // namespace
}  // namespace pollux::platform::test
