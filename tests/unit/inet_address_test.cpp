// Addresses of datagrams: their texts, what they are equal to, and that they are good keys.
#include <pollux/address.h>

#include <set>
#include <type_traits>
#include <unordered_set>

#include "common/socket_calls.h"
#include "unit/support.h"

namespace pollux::test {
namespace {

using Family = SocketAddress::Family;

// Every datagram comes and goes with one.
static_assert(sizeof(InetAddress) == 24 && std::is_trivially_copyable_v<InetAddress>);

InetAddress parsed(std::string_view text) {
    InetAddress address;
    const Status status = InetAddress::parse(text, address);
    EXPECT_TRUE(status) << status;
    return address;
}

TEST(InetAddressTest, is_none_at_first) {
    const InetAddress none;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.family, Family::none);
    EXPECT_EQ(none.to_string(), "");
    EXPECT_FALSE(none.is_multicast());
}

TEST(InetAddressTest, parses_ipv4) {
    const InetAddress address = parsed("192.0.2.7:3333");
    EXPECT_TRUE(address);
    EXPECT_EQ(address.family, Family::ipv4);
    EXPECT_EQ(address.port, 3333);
    EXPECT_EQ(address.scope, 0U);
    EXPECT_EQ(address.ip, (std::array<std::uint8_t, 16>{192, 0, 2, 7}));
}

TEST(InetAddressTest, parses_ipv6) {
    const InetAddress address = parsed("[2001:db8::1:2]:65535");
    EXPECT_EQ(address.family, Family::ipv6);
    EXPECT_EQ(address.port, 65535);
    EXPECT_EQ(address.scope, 0U);
    EXPECT_EQ(address.ip, (std::array<std::uint8_t, 16>{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2}));
}

TEST(InetAddressTest, parses_a_zone_by_number) {
    const InetAddress address = parsed("[fe80::1%7]:80");
    EXPECT_EQ(address.scope, 7U);
    EXPECT_EQ(address.to_string(), "[fe80::1%7]:80");
}

TEST(InetAddressTest, parses_a_zone_by_name) {
    const unsigned loopback = loopback_interface();
    const InetAddress address = parsed("[fe80::1%" + loopback_name() + "]:80");
    EXPECT_EQ(address.scope, loopback);
    EXPECT_EQ(address.to_string(), "[fe80::1%" + std::to_string(loopback) + "]:80") << "by its number";
    EXPECT_EQ(parsed(address.to_string()), address);
}

TEST(InetAddressTest, comes_back_as_the_same_text) {
    for (const std::string text :
         {"0.0.0.0:0", "127.0.0.1:80", "255.255.255.255:65535", "239.255.0.1:3334", "[::]:0", "[::1]:80",
          "[2001:db8::2:1]:80", "[::ffff:10.0.0.1]:80", "[ff02::1%3]:9", "[fe80::1234:5678:9abc:def0%12]:53"}) {
        EXPECT_EQ(parsed(text).to_string(), text);
    }
}

TEST(InetAddressTest, says_what_is_wrong_with_which_text) {
    constexpr const char* digits = "an address is digits, as in 127.0.0.1:80 or [::1]:80";
    constexpr const char* port = "the port is not a number from 0 to 65535";
    constexpr const char* brackets = "an IPv6 address needs brackets, as in [::1]:1111";
    const std::vector<std::pair<std::string, std::string>> mistakes{
        {"", "a port is missing"},
        {"127.0.0.1", "a port is missing"},
        {"[::1]", "a port is missing"},
        {"[::1]80", "a port is missing"},
        {"::1", brackets},
        {"::1:80", brackets},
        {"udp://127.0.0.1:80", brackets},
        {"[::1:80", "the bracket of the IPv6 address is not closed"},
        {"[127.0.0.1]:80", "brackets are for IPv6 addresses"},
        {":80", "a host is missing; * is every address"},
        {"127.0.0.1:", port},
        {"127.0.0.1:65536", port},
        {"127.0.0.1:-1", port},
        {"127.0.0.1:80 ", port},
        {"[::1]:x", port},
        {"*:80", digits},
        {"localhost:80", digits},
        {"example.org:80", digits},
        {"256.0.0.1:80", digits},
        {"1.2.3.4.5:80", digits},
        {"127.1:80", digits},
        {"2130706433:80", digits},
        {"0x7f.0.0.1:80", digits},
        {"010.0.0.1:80", digits},
        {"127.0.0.01:80", digits},
        {" 127.0.0.1:80", digits},
        {"[::g]:80", digits},
        {"[1:2:3:4:5:6:7:8:9]:80", digits},
        {"[fe80::1%]:80", digits},
        {"[fe80::1%no-such-zone]:80", digits},
    };
    for (const auto& [text, reason] : mistakes) {
        const InetAddress before{Family::ipv4, 9, 1, {1, 2, 3, 4}};
        InetAddress address = before;
        const Status status = InetAddress::parse(text, address);
        EXPECT_EQ(status.error(), Errc::invalid_endpoint) << text;
        EXPECT_EQ(status.message(), "\"" + text + "\": " + reason + ": invalid endpoint");
        EXPECT_EQ(address, before) << "untouched on failure";
    }
}

TEST(InetAddressTest, a_zero_byte_is_refused) {
    using namespace std::string_view_literals;
    for (const std::string_view text : {"127.0.0.1\0:80"sv, "127.0.0.1:80\0"sv, "[::1\0]:80"sv, "\0"sv}) {
        InetAddress address;
        const Status status = InetAddress::parse(text, address);
        EXPECT_EQ(status.error(), Errc::invalid_endpoint);
        EXPECT_FALSE(address);
    }
}

TEST(InetAddressTest, every_address_survives_its_text) {
    Random random{21};
    for (std::size_t i = 0; i < scaled(20'000); ++i) {
        InetAddress address;
        const bool ipv6 = random.one_in(2);
        address.family = ipv6 ? Family::ipv6 : Family::ipv4;
        address.port = static_cast<std::uint16_t>(random.up_to(65535));
        for (std::size_t byte = 0; byte < (ipv6 ? 16U : 4U); ++byte) {
            address.ip[byte] = random.one_in(2) ? 0 : static_cast<std::uint8_t>(random.up_to(255));
        }
        InetAddress again;
        const Status status = InetAddress::parse(address.to_string(), again);
        ASSERT_TRUE(status) << status;
        ASSERT_EQ(again, address) << address.to_string();
    }
}

TEST(InetAddressTest, knows_multicast) {
    for (const char* text : {"224.0.0.0:1", "224.0.0.1:1", "232.1.2.3:1", "239.255.255.255:1", "[ff00::]:1",
                             "[ff02::1]:1", "[ff15::1]:1", "[ffff::]:1"}) {
        EXPECT_TRUE(parsed(text).is_multicast()) << text;
    }
    for (const char* text : {"223.255.255.255:1", "240.0.0.0:1", "255.255.255.255:1", "127.0.0.1:1", "0.0.0.0:1",
                             "[::]:1", "[fe80::1]:1", "[feff::]:1", "[::ffff:239.0.0.1]:1", "[e000::]:1"}) {
        EXPECT_FALSE(parsed(text).is_multicast()) << text;
    }
}

/// An address and all that differ from it in one place.
std::vector<InetAddress> neighbours() {
    const InetAddress address = parsed("[2001:db8::1:2%3]:80");
    std::vector<InetAddress> all{address};
    for (unsigned bit = 0; bit < 16; ++bit) {
        all.push_back(address);
        all.back().port = static_cast<std::uint16_t>(address.port ^ 1U << bit);
    }
    for (unsigned bit = 0; bit < 32; ++bit) {
        all.push_back(address);
        all.back().scope ^= 1U << bit;
    }
    for (std::size_t bit = 0; bit < 128; ++bit) {
        all.push_back(address);
        all.back().ip[bit / 8] = static_cast<std::uint8_t>(address.ip[bit / 8] ^ 1U << bit % 8);
    }
    return all;
}

TEST(InetAddressTest, equality_looks_at_everything) {
    const std::vector<InetAddress> all = neighbours();
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t j = 0; j < all.size(); ++j) ASSERT_EQ(all[i] == all[j], i == j);
    }
    InetAddress other = all.front();
    other.family = Family::ipv4;
    EXPECT_NE(other, all.front());
}

TEST(InetAddressHashTest, every_bit_counts) {
    std::set<std::size_t> hashes;
    const std::vector<InetAddress> all = neighbours();
    for (const InetAddress& address : all) hashes.insert(std::hash<InetAddress>{}(address));
    EXPECT_EQ(hashes.size(), all.size());
    EXPECT_EQ(std::hash<InetAddress>{}(all[0]), std::hash<InetAddress>{}(parsed("[2001:db8::1:2%3]:80")));
}

TEST(InetAddressHashTest, spreads_the_peers_of_a_server) {
    // Neighbours in ports and addresses, as peers are; in tables of a power of two, which look at the low bits alone.
    constexpr std::size_t buckets = 4096;
    std::vector<std::size_t> by_port(buckets);
    std::vector<std::size_t> by_ipv4(buckets);
    std::vector<std::size_t> by_ipv6(buckets);
    for (std::size_t i = 0; i < 8 * buckets; ++i) {
        const auto high = static_cast<std::uint8_t>(i >> 8);
        const auto low = static_cast<std::uint8_t>(i);
        const auto port = static_cast<std::uint16_t>(32'768 + i);
        const std::hash<InetAddress> hash;
        ++by_port[hash({Family::ipv4, port, 0, {127, 0, 0, 1}}) % buckets];
        ++by_ipv4[hash({Family::ipv4, 3333, 0, {10, 0, high, low}}) % buckets];
        InetAddress ipv6 = parsed("[2001:db8::]:3333");
        ipv6.ip[6] = high;
        ipv6.ip[7] = low;
        ++by_ipv6[hash(ipv6) % buckets];
    }
    // 8 in each on average; for a good hash one with 40 is as likely as the end of the world.
    for (const auto* counts : {&by_port, &by_ipv4, &by_ipv6}) {
        EXPECT_LT(*std::max_element(counts->begin(), counts->end()), 40U);
    }
}

TEST(InetAddressHashTest, is_a_key) {
    std::unordered_set<InetAddress> peers;
    for (int round = 0; round < 2; ++round) {
        for (std::uint16_t port = 1; port <= 1'000; ++port) {
            peers.insert({Family::ipv4, port, 0, {127, 0, 0, 1}});
        }
    }
    EXPECT_EQ(peers.size(), 1'000U);
    EXPECT_TRUE(peers.contains(parsed("127.0.0.1:1000")));
    EXPECT_FALSE(peers.contains(parsed("127.0.0.1:1001")));
}

}  // namespace
}  // namespace pollux::test
