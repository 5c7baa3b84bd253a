// Names: digits without asking anybody, and what the system knows of this machine.
#include <algorithm>

#include "platform/support.h"

namespace pollux::platform::test {
namespace {

TEST(NumericTest, digits_are_an_address) {
    for (const auto& [host, text] :
         {std::pair{"127.0.0.1", "127.0.0.1:80"}, std::pair{"0.0.0.0", "0.0.0.0:80"},
          std::pair{"255.255.255.255", "255.255.255.255:80"}, std::pair{"::1", "[::1]:80"}, std::pair{"::", "[::]:80"},
          std::pair{"2001:DB8:0:0::1", "[2001:db8::1]:80"}, std::pair{"::ffff:10.0.0.1", "[::ffff:10.0.0.1]:80"},
          std::pair{"fe80::1%1", "[fe80::1%1]:80"}}) {
        SocketAddress address;
        EXPECT_TRUE(parse_numeric(host, 80, address)) << host;
        EXPECT_EQ(address.to_string(), text);
    }
}

TEST(NumericTest, names_are_not) {
    for (const char* host :
         {"localhost", "example.org", "", "*", "256.0.0.1", "1.2.3.4.5", ":::", "::g", "[::1]", "1:2:3:4:5:6:7:8:9",
          "127.0.0.1 ", "127.0.0.1:80", "fe80::1%no-such-one", "fe80::1%\xff"}) {
        SocketAddress address;
        address.port = 7;
        EXPECT_FALSE(parse_numeric(host, 80, address)) << host << " is " << address.to_string();
        EXPECT_EQ(address.port, 7) << "untouched";
    }
}

TEST(ResolveTest, localhost_is_this_machine) {
    std::vector<SocketAddress> addresses;
    const std::error_code error = resolve("localhost", 8080, addresses);
    ASSERT_FALSE(error) << error.message();
    ASSERT_FALSE(addresses.empty());
    for (const SocketAddress& address : addresses) {
        EXPECT_TRUE(address == loopback(SocketAddress::Family::ipv4, 8080) ||
                    address == loopback(SocketAddress::Family::ipv6, 8080))
            << address.to_string();
        EXPECT_EQ(std::count(addresses.begin(), addresses.end(), address), 1) << "twice: " << address.to_string();
    }
}

TEST(ResolveTest, digits_are_themselves) {
    for (const char* host : {"127.0.0.1", "10.1.2.3", "::1"}) {
        SocketAddress expected;
        ASSERT_TRUE(parse_numeric(host, 99, expected));
        std::vector<SocketAddress> addresses;
        const std::error_code error = resolve(host, 99, addresses);
        ASSERT_FALSE(error) << host << ": " << error.message();
        EXPECT_EQ(addresses, std::vector<SocketAddress>{expected});
    }
}

TEST(ResolveTest, what_is_no_name_is_not_resolved) {
    std::vector<SocketAddress> addresses;
    EXPECT_EQ(resolve("300.300.300.300.", 1, addresses), Errc::name_not_resolved);
    EXPECT_TRUE(addresses.empty());
}

}  // namespace
}  // namespace pollux::platform::test
