// UDP sockets as they are made: options reach the system, mistakes are told, and groups are joined and left.
#include <net/if.h>

#include "platform/datagram_support.h"

#if __has_include(<netinet/in.h>)
#include <netinet/in.h>
#include <sys/socket.h>
#endif

namespace pollux::platform::test {
namespace {

/// A handle that nobody has attached.
class Handle {
public:
    explicit Handle(const UdpOptions& options = {}, SocketAddress::Family family = SocketAddress::Family::ipv4,
                    unsigned interface_index = 0, bool share_port = false) {
        error_ = open_datagram_socket(family, options, interface_index, share_port, value_);
    }
    ~Handle() { close_handle(value_); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    [[nodiscard]] NativeHandle get() const { return value_; }
    [[nodiscard]] std::error_code error() const { return error_; }

    [[nodiscard]] int option(int level, int name) const {
        int value = -1;
        socklen_t size = sizeof value;
        EXPECT_EQ(::getsockopt(static_cast<int>(value_), level, name, &value, &size), 0);
        return value;
    }

private:
    NativeHandle value_ = invalid_handle;
    std::error_code error_;
};

InetAddress address_of(const Handle& handle) {
    const SocketAddress address = local_address(handle.get());
    return {address.family, address.port, address.scope, address.ip};
}

TEST(DatagramSocketTest, options_of_ipv4_reach_the_system) {
    UdpOptions options;
    options.hops = 7;
    options.broadcast = true;
    options.reuse_address = true;
    options.multicast.hops = 9;
    options.multicast.loopback = false;
    options.kernel_receive_buffer_bytes = 64 * 1024;
    options.kernel_send_buffer_bytes = 48 * 1024;
    const Handle handle{options, SocketAddress::Family::ipv4, 0, true};
    ASSERT_FALSE(handle.error());
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_TTL), 7);
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_MULTICAST_TTL), 9);
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_MULTICAST_LOOP), 0);
    EXPECT_NE(handle.option(SOL_SOCKET, SO_BROADCAST), 0);
    EXPECT_NE(handle.option(SOL_SOCKET, SO_REUSEADDR), 0);
    EXPECT_NE(handle.option(SOL_SOCKET, SO_REUSEPORT), 0);
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
    const Handle handle{options, SocketAddress::Family::ipv6};
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
    const Handle handle;
    ASSERT_FALSE(handle.error());
    EXPECT_EQ(handle.option(IPPROTO_IP, IP_MULTICAST_TTL), 1);
    EXPECT_NE(handle.option(IPPROTO_IP, IP_MULTICAST_LOOP), 0);
    EXPECT_EQ(handle.option(SOL_SOCKET, SO_BROADCAST), 0);
    EXPECT_EQ(handle.option(SOL_SOCKET, SO_REUSEADDR), 0);
    EXPECT_EQ(handle.option(SOL_SOCKET, SO_REUSEPORT), 0);
}

TEST(DatagramSocketTest, an_address_in_use_is_told) {
    const Handle first;
    ASSERT_FALSE(bind_datagram_socket(first.get(), at("127.0.0.1:0")));
    const Handle second;
    EXPECT_EQ(bind_datagram_socket(second.get(), address_of(first)), std::errc::address_in_use);
}

TEST(DatagramSocketTest, an_address_may_be_shared) {
    const Handle first{{}, SocketAddress::Family::ipv4, 0, true};
    ASSERT_FALSE(bind_datagram_socket(first.get(), at("127.0.0.1:0")));
    const Handle second{{}, SocketAddress::Family::ipv4, 0, true};
    EXPECT_FALSE(bind_datagram_socket(second.get(), address_of(first)));
}

TEST(DatagramSocketTest, an_address_of_another_machine_cannot_be_bound) {
    const Handle handle;
    EXPECT_EQ(bind_datagram_socket(handle.get(), at("192.0.2.1:0")), std::errc::address_not_available);
}

TEST(DatagramSocketTest, a_peer_of_another_version_cannot_be_connected) {
    const Handle handle;
    EXPECT_EQ(connect_datagram_socket(handle.get(), at("[::1]:9")), std::errc::address_family_not_supported);
    EXPECT_FALSE(connect_datagram_socket(handle.get(), at("127.0.0.1:9")));
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    const Handle both{{}, SocketAddress::Family::ipv6};
    EXPECT_FALSE(connect_datagram_socket(both.get(), at("127.0.0.1:9")));
}

TEST(DatagramSocketTest, finds_interfaces_by_name_and_number) {
    const unsigned loopback = ::if_nametoindex("lo");
    if (loopback == 0) GTEST_SKIP() << "no interface is called lo here";
    EXPECT_EQ(find_interface("lo"), loopback);
    EXPECT_EQ(find_interface(std::to_string(loopback)), loopback);
    for (const char* name : {"", "0", "-1", "no-such-one", "4000000000", "99999999999999999999"}) {
        EXPECT_EQ(find_interface(name), 0U) << name;
    }
}

/// Groups on the loopback device, which every machine has.
class DatagramGroupTest : public DatagramTest {
protected:
    void SetUp() override {
        device_ = find_interface("lo");
        const Handle probe;
        if (device_ == 0 || set_membership(probe.get(), group(), true)) {
            GTEST_SKIP() << "no groups on the loopback device here";
        }
    }

    [[nodiscard]] Membership group(std::string_view source = {}) const {
        return {at("239.255.0.9:0"), source.empty() ? InetAddress{} : at(source), device_};
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
    DatagramEnd other{loop, GetParam(), at("0.0.0.0:0")};
    ASSERT_FALSE(set_membership(Poller::handle_of(other), group(), true));
    EXPECT_EQ(heard(), Texts{"to one"});
}

TEST_P(DatagramGroupTest, is_heard_from_its_source_alone) {
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
