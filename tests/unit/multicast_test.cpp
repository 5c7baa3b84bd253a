// Multicast groups as texts: every form that is taken, every one that is refused and what is said about it.
#include "multicast.h"

#include "common/socket_calls.h"
#include "unit/support.h"

namespace pollux::test {
namespace {

using platform::Membership;

InetAddress without_port(std::string_view text) {
    InetAddress address;
    const Status status = InetAddress::parse(text, address);
    EXPECT_TRUE(status) << status;
    return address;
}

Membership parsed_group(const MulticastGroup& group) {
    Membership membership;
    membership.source = without_port("1.2.3.4:0");
    membership.interface_index = 99;
    const Status status = parse_membership(group, membership);
    EXPECT_TRUE(status) << status;
    return membership;
}

TEST(MulticastGroupTest, of_ipv4) {
    const Membership membership = parsed_group({.group = "239.255.0.1"});
    EXPECT_EQ(membership.group, without_port("239.255.0.1:0"));
    EXPECT_FALSE(membership.source);
    EXPECT_EQ(membership.interface_index, 0U) << "the system's choice";
}

TEST(MulticastGroupTest, of_ipv6) {
    const Membership membership = parsed_group({.group = "ff15::1"});
    EXPECT_EQ(membership.group, without_port("[ff15::1]:0"));
    EXPECT_FALSE(membership.source);
    EXPECT_EQ(membership.interface_index, 0U);
}

TEST(MulticastGroupTest, from_a_source) {
    const Membership ipv4 = parsed_group({.group = "232.1.2.3", .source = "192.0.2.1"});
    EXPECT_EQ(ipv4.group, without_port("232.1.2.3:0"));
    EXPECT_EQ(ipv4.source, without_port("192.0.2.1:0"));
    const Membership ipv6 = parsed_group({.group = "ff35::1", .source = "2001:db8::1"});
    EXPECT_EQ(ipv6.group, without_port("[ff35::1]:0"));
    EXPECT_EQ(ipv6.source, without_port("[2001:db8::1]:0"));
}

TEST(MulticastGroupTest, on_an_interface) {
    const unsigned loopback = loopback_interface();
    const std::string number = std::to_string(loopback);
    for (const std::string& interface_name : {loopback_name(), number}) {
        const Membership membership = parsed_group({.group = "239.255.0.1", .interface_name = interface_name});
        EXPECT_EQ(membership.interface_index, loopback) << interface_name;
    }
    EXPECT_EQ(parsed_group({.group = "ff02::1", .interface_name = loopback_name()}).interface_index, loopback);
}

TEST(MulticastGroupTest, a_zone_is_an_interface) {
    EXPECT_EQ(parsed_group({.group = "ff02::1%7"}).interface_index, 7U);
    const unsigned loopback = loopback_interface();
    EXPECT_EQ(parsed_group({.group = "ff02::1%" + loopback_name()}).interface_index, loopback);
    EXPECT_EQ(parsed_group({.group = "ff02::1%7", .interface_name = loopback_name()}).interface_index, loopback)
        << "the name is said last";
}

TEST(MulticastGroupTest, mistakes_are_named_with_their_values) {
    const auto no_group = [](const std::string& value) {
        return "MulticastGroup::group is \"" + value + "\", not the address of a multicast group";
    };
    const auto no_source = [](const std::string& value, const std::string& group) {
        return "MulticastGroup::source is \"" + value + "\", not an address of the IP version of " + group;
    };
    const auto no_interface = [](const std::string& value) {
        return "MulticastGroup::interface_name is \"" + value + "\", which this machine does not have";
    };
    const std::string group = "239.255.0.1";
    const std::vector<std::pair<MulticastGroup, std::string>> mistakes{
        {{.group = ""}, no_group("")},
        {{.group = "239.255.0.1:3334"}, no_group("239.255.0.1:3334")},
        {{.group = "udp://239.255.0.1"}, no_group("udp://239.255.0.1")},
        {{.group = "127.0.0.1"}, no_group("127.0.0.1")},
        {{.group = "255.255.255.255"}, no_group("255.255.255.255")},
        {{.group = "fe80::1"}, no_group("fe80::1")},
        {{.group = "[ff02::1]"}, no_group("[ff02::1]")},
        {{.group = "::ffff:239.255.0.1"}, no_group("::ffff:239.255.0.1")},
        {{.group = "localhost"}, no_group("localhost")},
        {{.group = group, .source = "host"}, no_source("host", group)},
        {{.group = group, .source = "192.0.2.1:80"}, no_source("192.0.2.1:80", group)},
        {{.group = group, .source = "2001:db8::1"}, no_source("2001:db8::1", group)},
        {{.group = "ff15::1", .source = "192.0.2.1"}, no_source("192.0.2.1", "ff15::1")},
        {{.group = group, .interface_name = "no-such-one"}, no_interface("no-such-one")},
        {{.group = group, .interface_name = "0"}, no_interface("0")},
        {{.group = group, .interface_name = "4000000000"}, no_interface("4000000000")},
        {{.group = group, .interface_name = "99999999999999999999"}, no_interface("99999999999999999999")},
        {{.group = group, .interface_name = "-1"}, no_interface("-1")},
        {{.group = group, .interface_name = "1x"}, no_interface("1x")},
    };
    for (const auto& [mistake, sentence] : mistakes) {
        Membership membership;
        membership.interface_index = 99;
        const Status status = parse_membership(mistake, membership);
        EXPECT_EQ(status.error(), Errc::invalid_option);
        EXPECT_EQ(status.message(), sentence + ": invalid option");
        EXPECT_EQ(membership.interface_index, 99U) << "untouched on failure";
        EXPECT_FALSE(membership.group);
    }
}

TEST(MulticastGroupTest, has_a_text_for_messages) {
    EXPECT_EQ(to_string(MulticastGroup{.group = "239.255.0.1"}), "239.255.0.1");
    EXPECT_EQ(to_string(MulticastGroup{.group = "239.255.0.1", .interface_name = "eth0"}), "239.255.0.1 on eth0");
    EXPECT_EQ(to_string(MulticastGroup{.group = "232.1.1.1", .source = "10.0.0.1"}), "232.1.1.1, from 10.0.0.1");
    EXPECT_EQ(to_string(MulticastGroup{.group = "232.1.1.1", .source = "10.0.0.1", .interface_name = "2"}),
              "232.1.1.1 on 2, from 10.0.0.1");
}

}  // namespace
}  // namespace pollux::test
