// UDP sockets as they are made: options reach the system, mistakes are told, and groups are joined and left.
#include <array>

#include "common/own_group.h"
#include "common/socket_calls.h"
#include "common/wine.h"
#include "native_sockets.h"
#include "platform/datagram_handle.h"
#include "platform/datagram_support.h"

namespace pollux::platform::test {
namespace {

TEST(DatagramSocketTest, options_of_ipv4_reach_the_system) {
    UdpOptions options;
    options.hops = 7;
    options.broadcast = true;
    options.reuse_address = true;
    options.multicast.hops = 9;
    options.multicast.loopback = false;
    options.kernel_receive_buffer_bytes = 64 * 1024;
    options.kernel_send_buffer_bytes = 48 * 1024;
    const DatagramHandle handle{options};
    ASSERT_FALSE(handle.error());
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_TTL), 7);
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_MULTICAST_TTL), 9);
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_MULTICAST_LOOP), 0);
    EXPECT_NE(handle.option(SOL_SOCKET, SO_BROADCAST), 0);
    EXPECT_NE(handle.option(SOL_SOCKET, SO_REUSEADDR), 0);
    EXPECT_GE(handle.option(SOL_SOCKET, SO_RCVBUF), 64 * 1024);
    EXPECT_LT(handle.option(SOL_SOCKET, SO_RCVBUF), 200 * 1024);
    EXPECT_GE(handle.option(SOL_SOCKET, SO_SNDBUF), 48 * 1024);
}

TEST(DatagramSocketTest, options_of_both_versions_are_set_for_both) {
    UdpOptions options;
    options.hops = 7;
    options.multicast.hops = 9;
    options.multicast.loopback = false;
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    const DatagramHandle handle{options, SocketAddress::Family::ipv6};
    ASSERT_FALSE(handle.error());
    EXPECT_EQ(handle.option(IPPROTO_IPV6, IPV6_V6ONLY), 0);
    EXPECT_EQ(handle.option(IPPROTO_IPV6, IPV6_UNICAST_HOPS), 7);
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_TTL), 7);
    EXPECT_EQ(handle.option(IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 9);
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_MULTICAST_TTL), 9);
    EXPECT_EQ(handle.option(IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_MULTICAST_LOOP), 0);
}

TEST(DatagramSocketTest, the_defaults_are_those_of_the_options) {
    const DatagramHandle handle;
    ASSERT_FALSE(handle.error());
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_MULTICAST_TTL), 1);
    EXPECT_NE(handle.option(IPPROTO_IP, IP_MULTICAST_LOOP), 0);
    EXPECT_EQ(handle.option(SOL_SOCKET, SO_BROADCAST), 0);
    EXPECT_EQ(handle.option(SOL_SOCKET, SO_REUSEADDR), 0);
}

TEST(DatagramSocketTest, an_address_in_use_is_told) {
    const DatagramHandle first;
    ASSERT_FALSE(bind_datagram_socket(first.get(), at("127.0.0.1:0")));
    const DatagramHandle second;
    EXPECT_EQ(bind_datagram_socket(second.get(), first.address()), std::errc::address_in_use);
}

TEST(DatagramSocketTest, an_address_of_another_machine_cannot_be_bound) {
    if (!binds_to_addresses()) GTEST_SKIP() << binds_to_all;
    const DatagramHandle handle;
    EXPECT_EQ(bind_datagram_socket(handle.get(), at("192.0.2.1:0")), std::errc::address_not_available);
}

TEST(DatagramSocketTest, connects_without_having_been_bound) {
    for (const char* const peer : {"127.0.0.1:9", "[::1]:9"}) {
        const InetAddress address = at(peer);
        if (address.family == SocketAddress::Family::ipv6 && !has_ipv6()) GTEST_SKIP() << "no IPv6 here";
        const DatagramHandle handle{{}, address.family};
        EXPECT_FALSE(connect_datagram_socket(handle.get(), address)) << peer;
        EXPECT_EQ(handle.address().family, address.family) << peer;
        EXPECT_NE(handle.address().port, 0) << peer;
    }
}

TEST(DatagramSocketTest, a_peer_of_another_version_cannot_be_connected) {
    const DatagramHandle handle;
    EXPECT_EQ(connect_datagram_socket(handle.get(), at("[::1]:9")), std::errc::address_family_not_supported);
    EXPECT_FALSE(connect_datagram_socket(handle.get(), at("127.0.0.1:9")));
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    const DatagramHandle both{{}, SocketAddress::Family::ipv6};
    EXPECT_FALSE(connect_datagram_socket(both.get(), at("127.0.0.1:9")));
}

TEST(DatagramSocketTest, finds_interfaces_by_name_and_number) {
    const unsigned loopback = pollux::test::loopback_interface();
    ASSERT_NE(loopback, 0U);
    std::array<char, 256> name;
    ASSERT_NE(::if_indextoname(loopback, name.data()), nullptr);
    EXPECT_EQ(find_interface(name.data()), loopback);
    EXPECT_EQ(find_interface(std::to_string(loopback)), loopback);
    for (const char* none :
         {"", "0", "-1", "no-such-one", "4000000000", "99999999999999999999", "\xff", "\xed\xa0\x80"}) {
        EXPECT_EQ(find_interface(none), 0U) << none;
    }
}

/// Groups on the loopback device, which every machine has.
class DatagramGroupTest : public DatagramTest {
protected:
    void SetUp() override {
        device_ = pollux::test::loopback_interface();
        const DatagramHandle probe;
        if (device_ == 0 || set_membership(probe.get(), group(), true)) {
            GTEST_SKIP() << "no groups on the loopback device here";
        }
    }

    [[nodiscard]] Membership group(std::string_view source = {}) const {
        return {at(pollux::test::own_group("239.255") + ":0"), source.empty() ? InetAddress{} : at(source), device_};
    }

    /// Sends to the group from 127.0.0.1, and to the member directly, and returns what it heard.
    [[nodiscard]] std::vector<std::string> heard() {
        DatagramEnd sender{loop, UdpBatching::none, at("127.0.0.1:0"), {}, {}, device_};
        InetAddress to = group().group;
        to.port = member->address().port;
        sender.send(to, "to all");
        sender.send(at("127.0.0.1:" + std::to_string(to.port)), "to one");
        std::vector<std::string> texts;
        while (texts.empty() || texts.back() != "to one") {
            for (const Datagram& datagram : member->receive_exactly(1)) texts.push_back(datagram.bytes);
            if (HasFailure()) break;
        }
        return texts;
    }

    using Texts = std::vector<std::string>;

    std::unique_ptr<DatagramEnd> member = std::make_unique<DatagramEnd>(loop, GetParam(), at("0.0.0.0:0"));

private:
    unsigned device_ = 0;
};

POLLUX_WITH_EACH_BATCHING(DatagramGroupTest);

TEST_P(DatagramGroupTest, is_heard_from_joining_to_leaving) {
    EXPECT_EQ(heard(), Texts{"to one"});
    ASSERT_FALSE(set_membership(Poller::handle_of(*member), group(), true));
    EXPECT_EQ(heard(), (Texts{"to all", "to one"}));
    ASSERT_FALSE(set_membership(Poller::handle_of(*member), group(), false));
    EXPECT_EQ(heard(), Texts{"to one"});
}

TEST_P(DatagramGroupTest, that_another_socket_joined_is_not_heard) {
    if (pollux::test::under_wine()) GTEST_SKIP() << "Wine gives every socket what any has joined";
    DatagramEnd other{loop, GetParam(), at("0.0.0.0:0")};
    ASSERT_FALSE(set_membership(Poller::handle_of(other), group(), true));
    EXPECT_EQ(heard(), Texts{"to one"});
}

TEST_P(DatagramGroupTest, is_heard_from_its_source_alone) {
    if (pollux::test::under_wine()) GTEST_SKIP() << "Wine takes the source for the interface";
    const Membership from_stranger = group("127.0.0.2:0");
    ASSERT_FALSE(set_membership(Poller::handle_of(*member), from_stranger, true));
    EXPECT_EQ(heard(), Texts{"to one"});
    const Membership from_sender = group("127.0.0.1:0");
    ASSERT_FALSE(set_membership(Poller::handle_of(*member), from_sender, true));
    EXPECT_EQ(heard(), (Texts{"to all", "to one"}));
    ASSERT_FALSE(set_membership(Poller::handle_of(*member), from_sender, false));
    EXPECT_EQ(heard(), Texts{"to one"});
}

TEST_P(DatagramGroupTest, that_is_joined_twice_or_was_never_joined_is_a_mistake) {
    const NativeHandle handle = Poller::handle_of(*member);
    EXPECT_TRUE(set_membership(handle, group(), false));
    ASSERT_FALSE(set_membership(handle, group(), true));
    EXPECT_EQ(set_membership(handle, group(), true), std::errc::address_in_use);
}

}  // namespace
}  // namespace pollux::platform::test
