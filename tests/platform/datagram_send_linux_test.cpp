// Datagrams out, where the system sends runs in one piece, and where a device has limits.
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "common/closed_ports.h"
#include "platform/datagram_support.h"
#include "platform/own_network_linux.h"

namespace pollux::platform::test {
namespace {

class DatagramSegmentTest : public DatagramTest {};

POLLUX_WITH_EACH_BATCHING(DatagramSegmentTest);

TEST_P(DatagramSegmentTest, runs_travel_in_one_piece_where_the_system_has_that) {
    DatagramEnd end{loop, GetParam()};
    const int none = 0;
    if (::setsockopt(static_cast<int>(Poller::handle_of(end)), IPPROTO_UDP, UDP_SEGMENT, &none, sizeof none) != 0) {
        GTEST_SKIP() << "this kernel has no UDP_SEGMENT";
    }
    DatagramEnd receiver{loop, GetParam()};
    DatagramBatch batch;
    const std::vector<Datagram> sent =
        append(batch, receiver.address(), std::vector<std::size_t>(30, 100), end.address());
    EXPECT_EQ(send_all(end, batch).taken, 30U);
    loop.poller.arm_receive(receiver);
    ASSERT_NE(loop.wait_for(receiver, receivable), 0U);
    ASSERT_EQ(receiver.receive().status, IoStatus::done);
    EXPECT_EQ(loop.slots.datagrams(), sent);
    EXPECT_EQ(loop.slots.intake().count, Poller::batching(GetParam()) == UdpBatching::automatic ? 1U : 30U);
}

// What needs a device with limits.

class DatagramDeviceTest : public testing::TestWithParam<UdpBatching> {};

POLLUX_WITH_EACH_BATCHING(DatagramDeviceTest);

/// Datagrams to a group, of which the machine's own members get copies: larger than the packets of the device.
void send_larger_runs_than_packets(UdpBatching batching) {
    DatagramLoop loop;
    const unsigned device = ::if_nametoindex("pollux0");
    DatagramEnd sender{loop, batching, at("10.9.0.1:0"), {}, {}, device};
    DatagramEnd member{loop, UdpBatching::none, at("0.0.0.0:0")};
    InetAddress group = at("239.255.0.7:0");
    ASSERT_FALSE(set_membership(Poller::handle_of(member), {group, {}, device}, true));
    group.port = member.address().port;
    // The first of each size finds out; sizes that were fine stay in one piece, and everything arrives in any case.
    for (const std::size_t size :
         std::initializer_list<std::size_t>{1'472, 3'000, 3'000, 1'472, 1'473, 1'473, 1'472, 9'000, 100}) {
        DatagramBatch batch;
        std::vector<Datagram> sent = append(batch, group, {200, 200, 100}, sender.address());
        for (Datagram& datagram : append(batch, group, {size, size, size, size / 2}, sender.address(), size)) {
            sent.push_back(std::move(datagram));
        }
        for (Datagram& datagram : append(batch, group, {40, 40, 40}, sender.address(), 2 * size)) {
            sent.push_back(std::move(datagram));
        }
        const Sent result = send_all(sender, batch);
        EXPECT_EQ(result.taken, sent.size()) << size;
        EXPECT_TRUE(result.refused.empty()) << size << ", " << system_error(result.errors.at(0)).message();
        EXPECT_EQ(member.receive_exactly(sent.size()), sent) << size;
    }
    EXPECT_TRUE(member.receive_all().empty());
}

TEST_P(DatagramDeviceTest, runs_of_more_than_a_packet_are_sent_one_by_one) {
    const std::string problem = in_network_of_its_own([] { send_larger_runs_than_packets(GetParam()); });
    if (!problem.empty()) GTEST_SKIP() << problem;
}

/// The system keeps what waits for the hardware address of a neighbour, and it counts for the sender's buffer: nobody
/// answers, so that the buffer is full until the test itself says what the address is.
void fill_and_drain(UdpBatching batching, const std::vector<std::size_t>& sizes) {
    DatagramLoop loop;
    UdpOptions options;
    options.kernel_send_buffer_bytes = 8 * 1024;
    DatagramEnd end{loop, batching, at("10.9.0.1:0"), options};
    const InetAddress neighbour = at("10.9.0.2:9");
    DatagramBatch batch;
    for (int i = 0; i < 20; ++i) append(batch, neighbour, sizes, {});
    const std::size_t total = batch.datagrams();
    const Sent sent = send_all(end, batch);
    EXPECT_TRUE(sent.refused.empty());
    ASSERT_TRUE(sent.blocked) << "the buffer was never full";
    const std::size_t taken = sent.taken;
    EXPECT_GT(taken, 0U) << "what went before it was full";
    EXPECT_EQ(taken + batch.datagrams(), total);
    EXPECT_EQ(end.send(batch).status, IoStatus::would_block) << "still";
    loop.settle();
    EXPECT_EQ(end.take_seen(), 0U) << "not armed";
    loop.poller.arm_send(end, {});
    loop.settle();
    EXPECT_EQ(end.take_seen(), 0U) << "there is no room yet";
    ASSERT_TRUE(run_command("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:09 dev pollux0"));
    EXPECT_EQ(loop.wait_for(end, sendable | failed), sendable);
    const Sent rest = send_all(end, batch);
    EXPECT_TRUE(rest.refused.empty());
    EXPECT_FALSE(rest.blocked);
    EXPECT_EQ(taken + rest.taken, total);
    loop.settle();
    EXPECT_EQ(end.take_seen(), 0U) << "told once";
}

TEST_P(DatagramDeviceTest, a_full_buffer_would_block_and_room_is_told) {
    const std::string problem = in_network_of_its_own([] { fill_and_drain(GetParam(), {1'000, 990}); });
    if (!problem.empty()) GTEST_SKIP() << problem;
}

TEST_P(DatagramDeviceTest, a_full_buffer_is_met_within_runs_too) {
    const std::string problem = in_network_of_its_own([] { fill_and_drain(GetParam(), {300, 300, 300, 100, 0, 40}); });
    if (!problem.empty()) GTEST_SKIP() << problem;
}

/// Nobody answers for the neighbour, and after a while the system gives up.
void send_to_nobody(UdpBatching batching) {
    ASSERT_TRUE(
        run_command("echo 1 >/proc/sys/net/ipv4/neigh/pollux0/mcast_solicit && "
                    "echo 20 >/proc/sys/net/ipv4/neigh/pollux0/retrans_time_ms"));
    DatagramLoop loop;
    DatagramEnd end{loop, batching, at("10.9.0.1:0")};
    end.provoke_fault(at("10.9.0.2:9"));
    const std::vector<DatagramFault> faults = end.take_faults();
    ASSERT_FALSE(faults.empty());
    for (const DatagramFault& fault : faults) {
        EXPECT_EQ(fault.error, std::errc::host_unreachable) << fault.error.message();
        EXPECT_EQ(fault.peer, at("10.9.0.2:9"));
    }
}

TEST_P(DatagramDeviceTest, a_host_that_is_not_there_is_told) {
    if (Poller::datagram_errors() != DatagramErrors::of_all) GTEST_SKIP() << "this platform does not tell of these";
    if (!pollux::test::tells_of_closed_ports()) GTEST_SKIP() << "the system tells nobody of what is not there now";
    const std::string problem = in_network_of_its_own([] { send_to_nobody(GetParam()); });
    if (!problem.empty()) GTEST_SKIP() << problem;
}

}  // namespace
}  // namespace pollux::platform::test
