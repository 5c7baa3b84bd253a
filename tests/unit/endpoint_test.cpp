// Endpoints and addresses as texts: every form that is taken, every one that is refused and what is said about it.
#include <pollux/address.h>

#include "unit/support.h"

namespace pollux::test {
namespace {

struct Valid {
    std::string text;
    Transport transport;
    std::string host;
    std::uint16_t port;
    std::string path;
};

class ValidEndpointTest : public testing::TestWithParam<Valid> {};

INSTANTIATE_TEST_SUITE_P(
    Endpoints, ValidEndpointTest,
    testing::Values(Valid{"tcp://127.0.0.1:1111", Transport::tcp, "127.0.0.1", 1111, ""},
                    Valid{"tcp://0.0.0.0:0", Transport::tcp, "0.0.0.0", 0, ""},
                    Valid{"tcp://[::1]:1111", Transport::tcp, "::1", 1111, ""},
                    Valid{"tcp://[::]:65535", Transport::tcp, "::", 65535, ""},
                    Valid{"tcp://[fe80::1%eth0]:80", Transport::tcp, "fe80::1%eth0", 80, ""},
                    Valid{"tcp://[::ffff:10.0.0.1]:80", Transport::tcp, "::ffff:10.0.0.1", 80, ""},
                    Valid{"tcp://example.org:443", Transport::tcp, "example.org", 443, ""},
                    Valid{"tcp://a:1", Transport::tcp, "a", 1, ""}, Valid{"tcp://*:1111", Transport::tcp, "", 1111, ""},
                    Valid{"udp://127.0.0.1:3333", Transport::udp, "127.0.0.1", 3333, ""},
                    Valid{"udp://239.255.0.1:0", Transport::udp, "239.255.0.1", 0, ""},
                    Valid{"udp://[::]:65535", Transport::udp, "::", 65535, ""},
                    Valid{"udp://[ff02::1%eth0]:80", Transport::udp, "ff02::1%eth0", 80, ""},
                    Valid{"udp://example.org:53", Transport::udp, "example.org", 53, ""},
                    Valid{"udp://*:3333", Transport::udp, "", 3333, ""},
                    Valid{"unix:///run/app.sock", Transport::unix_domain, "", 0, "/run/app.sock"},
                    Valid{"unix://relative/app.sock", Transport::unix_domain, "", 0, "relative/app.sock"},
                    Valid{"unix:///with space:and[colon]", Transport::unix_domain, "", 0, "/with space:and[colon]"},
                    Valid{"unix://@app", Transport::unix_domain, "", 0, "@app"}),
    numbered<Valid>);

TEST_P(ValidEndpointTest, is_parsed) {
    Endpoint endpoint{Transport::unix_domain, "left", 9, "over"};
    const Status status = Endpoint::parse(GetParam().text, endpoint);
    ASSERT_TRUE(status) << status;
    EXPECT_EQ(endpoint.transport, GetParam().transport);
    EXPECT_EQ(endpoint.host, GetParam().host);
    EXPECT_EQ(endpoint.port, GetParam().port);
    EXPECT_EQ(endpoint.path, GetParam().path);
}

TEST_P(ValidEndpointTest, comes_back_as_the_same_text) {
    Endpoint endpoint;
    ASSERT_TRUE(Endpoint::parse(GetParam().text, endpoint));
    EXPECT_EQ(endpoint.to_string(), GetParam().text);
}

TEST(EndpointTest, leading_zeros_of_a_port_are_harmless) {
    Endpoint endpoint;
    ASSERT_TRUE(Endpoint::parse("tcp://a:00080", endpoint));
    EXPECT_EQ(endpoint.port, 80);
    EXPECT_EQ(endpoint.to_string(), "tcp://a:80");
}

struct Invalid {
    std::string text;
    std::string reason;
};

class InvalidEndpointTest : public testing::TestWithParam<Invalid> {};

constexpr const char* scheme = "an endpoint begins with tcp://, udp:// or unix://";
constexpr const char* port_missing = "a port is missing";
constexpr const char* port_number = "the port is not a number from 0 to 65535";
constexpr const char* host_missing = "a host is missing; * is every address";
constexpr const char* brackets = "an IPv6 address needs brackets, as in [::1]:1111";

INSTANTIATE_TEST_SUITE_P(
    Endpoints, InvalidEndpointTest,
    testing::Values(Invalid{"", scheme}, Invalid{"127.0.0.1:80", scheme}, Invalid{"http://a:80", scheme},
                    Invalid{"TCP://a:80", scheme}, Invalid{"tcp:/a:80", scheme}, Invalid{" tcp://a:80", scheme},
                    Invalid{"unix:/run/app.sock", scheme}, Invalid{"udp:/a:80", scheme}, Invalid{"UDP://a:80", scheme},
                    Invalid{"udp//a:80", scheme}, Invalid{"tcp://", port_missing}, Invalid{"tcp://host", port_missing},
                    Invalid{"tcp://[::1]", port_missing}, Invalid{"tcp://[::1]80", port_missing},
                    Invalid{"tcp://[::1]x:80", port_missing}, Invalid{"tcp://host:", port_number},
                    Invalid{"tcp://[::1]:", port_number}, Invalid{"tcp://host:65536", port_number},
                    Invalid{"tcp://host:99999999999999999999", port_number}, Invalid{"tcp://host:-1", port_number},
                    Invalid{"tcp://host:+1", port_number}, Invalid{"tcp://host:80x", port_number},
                    Invalid{"tcp://host: 80", port_number}, Invalid{"tcp://host:80 ", port_number},
                    Invalid{"tcp://host:80/", port_number}, Invalid{"tcp://host:0x50", port_number},
                    Invalid{"tcp://host:http", port_number}, Invalid{"tcp://:80", host_missing},
                    Invalid{"tcp://::1:80", brackets}, Invalid{"tcp://a:b:80", brackets},
                    Invalid{"tcp://[::1:80", "the bracket of the IPv6 address is not closed"},
                    Invalid{"tcp://[", "the bracket of the IPv6 address is not closed"},
                    Invalid{"tcp://[host]:80", "brackets are for IPv6 addresses"},
                    Invalid{"tcp://[127.0.0.1]:80", "brackets are for IPv6 addresses"},
                    Invalid{"tcp://[]:80", "brackets are for IPv6 addresses"},
                    Invalid{"tcp://[*]:80", "brackets are for IPv6 addresses"}, Invalid{"unix://", "a path is missing"},
                    Invalid{"udp://", port_missing}, Invalid{"udp://host", port_missing},
                    Invalid{"udp://host:65536", port_number}, Invalid{"udp://:80", host_missing},
                    Invalid{"udp://::1:80", brackets}, Invalid{"udp://[host]:80", "brackets are for IPv6 addresses"},
                    Invalid{"udp://@app", port_missing}, Invalid{"udp:///run/app.sock", port_missing},
                    Invalid{"unix://@", "a path is missing"}),
    numbered<Invalid>);

TEST_P(InvalidEndpointTest, is_refused_with_the_text_and_the_reason) {
    Endpoint endpoint{Transport::unix_domain, "left", 9, "over"};
    const Status status = Endpoint::parse(GetParam().text, endpoint);
    EXPECT_FALSE(status);
    EXPECT_EQ(status.error(), Errc::invalid_endpoint);
    EXPECT_EQ(status.message(), "\"" + GetParam().text + "\": " + GetParam().reason + ": invalid endpoint");
    EXPECT_EQ(endpoint.transport, Transport::unix_domain);
    EXPECT_EQ(endpoint.host, "left") << "untouched on failure";
    EXPECT_EQ(endpoint.port, 9);
    EXPECT_EQ(endpoint.path, "over");
}

TEST(EndpointTest, a_zero_byte_is_refused) {
    using namespace std::string_view_literals;
    for (const std::string_view text : {"tcp://ho\0st:80"sv, "unix:///run/\0"sv, "unix://@a\0b"sv, "\0"sv}) {
        Endpoint endpoint;
        const Status status = Endpoint::parse(text, endpoint);
        EXPECT_EQ(status.error(), Errc::invalid_endpoint);
        EXPECT_NE(status.message().find("it contains a zero byte"), std::string::npos) << status;
        EXPECT_EQ(status.message().find('\0'), std::string::npos) << "a message is a text";
    }
}

TEST(EndpointTest, no_text_breaks_the_parser) {
    Random random{1};
    const std::string_view alphabet = "tcpudnix:/[]*@%.0123456789abf -+\\\"\xff";
    for (std::size_t i = 0; i < scaled(200'000); ++i) {
        std::string text{random.one_in(3) ? "tcp://" : random.one_in(2) ? "udp://" : random.one_in(2) ? "unix://" : ""};
        for (std::size_t length = random.size_up_to(20); length > 0; --length) {
            text += alphabet[random.size_up_to(alphabet.size() - 1)];
        }
        Endpoint endpoint;
        if (!Endpoint::parse(text, endpoint)) continue;
        Endpoint again;
        const Status status = Endpoint::parse(endpoint.to_string(), again);
        ASSERT_TRUE(status) << status << ", from \"" << text << '"';
        ASSERT_EQ(again.transport, endpoint.transport) << text;
        ASSERT_EQ(again.host, endpoint.host) << text;
        ASSERT_EQ(again.port, endpoint.port) << text;
        ASSERT_EQ(again.path, endpoint.path) << text;
    }
}

SocketAddress ipv6(const std::array<std::uint16_t, 8>& groups, std::uint16_t port = 80, std::uint32_t scope = 0) {
    SocketAddress address;
    address.family = SocketAddress::Family::ipv6;
    address.port = port;
    address.scope = scope;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        address.ip[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
        address.ip[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
    }
    return address;
}

TEST(SocketAddressTest, none_is_an_empty_text) {
    EXPECT_EQ(SocketAddress{}.to_string(), "");
}

TEST(SocketAddressTest, ipv4) {
    SocketAddress address;
    address.family = SocketAddress::Family::ipv4;
    address.port = 65535;
    EXPECT_EQ(address.to_string(), "0.0.0.0:65535");
    address.ip = {127, 0, 0, 1};
    address.port = 0;
    EXPECT_EQ(address.to_string(), "127.0.0.1:0");
    address.ip = {255, 10, 100, 9};
    EXPECT_EQ(address.to_string(), "255.10.100.9:0");
}

TEST(SocketAddressTest, ipv6_as_in_rfc_5952) {
    // 4.1: leading zeros go. 4.2.1: as short as possible. 4.2.2: one zero group stays. 4.2.3: the longest run, the
    // first of equal ones. 4.3: lower case.
    EXPECT_EQ(ipv6({0, 0, 0, 0, 0, 0, 0, 0}).to_string(), "[::]:80");
    EXPECT_EQ(ipv6({0, 0, 0, 0, 0, 0, 0, 1}).to_string(), "[::1]:80");
    EXPECT_EQ(ipv6({1, 0, 0, 0, 0, 0, 0, 0}).to_string(), "[1::]:80");
    EXPECT_EQ(ipv6({0x2001, 0xdb8, 0, 0, 0, 0, 2, 1}).to_string(), "[2001:db8::2:1]:80");
    EXPECT_EQ(ipv6({0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}).to_string(), "[2001:db8:0:1:1:1:1:1]:80");
    EXPECT_EQ(ipv6({0x2001, 0, 0, 1, 0, 0, 0, 1}).to_string(), "[2001:0:0:1::1]:80");
    EXPECT_EQ(ipv6({0x2001, 0xdb8, 0, 0, 1, 0, 0, 1}).to_string(), "[2001:db8::1:0:0:1]:80");
    EXPECT_EQ(ipv6({0x2001, 0xdb8, 0, 0, 0, 0, 0xAAAA, 0x0001}).to_string(), "[2001:db8::aaaa:1]:80");
    EXPECT_EQ(ipv6({1, 2, 3, 4, 5, 6, 7, 8}).to_string(), "[1:2:3:4:5:6:7:8]:80");
    EXPECT_EQ(ipv6({0, 0, 1, 0, 0, 0, 1, 0}).to_string(), "[0:0:1::1:0]:80");
    EXPECT_EQ(ipv6({0, 1, 0, 1, 0, 1, 0, 1}).to_string(), "[0:1:0:1:0:1:0:1]:80");
    EXPECT_EQ(ipv6({1, 0, 0, 2, 0, 0, 0, 0}).to_string(), "[1:0:0:2::]:80");
    EXPECT_EQ(ipv6({0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff}, 1).to_string(),
              "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1");
}

TEST(SocketAddressTest, ipv4_within_ipv6_is_shown_as_such) {
    EXPECT_EQ(ipv6({0, 0, 0, 0, 0, 0xffff, 0x7f00, 1}).to_string(), "[::ffff:127.0.0.1]:80");
    EXPECT_EQ(ipv6({0, 0, 0, 0, 0, 0xffff, 0, 0}).to_string(), "[::ffff:0.0.0.0]:80");
    EXPECT_EQ(ipv6({0, 0, 0, 0, 1, 0xffff, 0x7f00, 1}).to_string(), "[::1:ffff:7f00:1]:80");
}

TEST(SocketAddressTest, ipv6_with_a_zone) {
    EXPECT_EQ(ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 80, 3).to_string(), "[fe80::1%3]:80");
}

TEST(SocketAddressTest, unix_paths_are_themselves) {
    SocketAddress address;
    address.family = SocketAddress::Family::unix_domain;
    EXPECT_EQ(address.to_string(), "");
    address.path = "/run/app.sock";
    EXPECT_EQ(address.to_string(), "/run/app.sock");
    address.path = "@app";
    EXPECT_EQ(address.to_string(), "@app");
}

TEST(SocketAddressTest, equality_looks_at_everything) {
    const SocketAddress address = ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 80, 3);
    EXPECT_EQ(address, address);
    EXPECT_NE(address, ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 81, 3));
    EXPECT_NE(address, ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 80, 4));
    EXPECT_NE(address, ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 2}, 80, 3));
    EXPECT_NE(address, SocketAddress{});
}

}  // namespace
}  // namespace pollux::test
