// Endpoints as the user writes them, and socket addresses as the system reports them.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <pollux/error.h>

namespace pollux {

/// What carries the bytes.
enum class Transport : std::uint8_t {
    tcp,          ///< TCP over IPv4 or IPv6.
    unix_domain,  ///< A Unix-domain stream socket.
    udp,          ///< UDP over IPv4 or IPv6: datagrams, not connections.
};

/// Where to listen or to connect, parsed from a text:
///   tcp://127.0.0.1:1111        IPv4
///   tcp://[::1]:1111            IPv6; `tcp://[::]:1111` listens on IPv6 and IPv4 (dual stack) unless told otherwise
///   tcp://example.org:1111      a name: clients try each of its addresses, servers take the first
///   tcp://*:1111                every address of the machine, IPv6 and IPv4; IPv4 alone where there is no IPv6
///   unix:///run/app.sock        a path in the file system
///   unix://@app                 a Linux abstract name
///   udp://127.0.0.1:3333        as for TCP, for `Udp`
/// Port 0 lets the system choose; `ServerBase::address()` tells the choice.
struct Endpoint {
    Transport transport = Transport::tcp;
    std::string host;        ///< TCP, UDP: address or name, without brackets; empty for `*`.
    std::uint16_t port = 0;  ///< TCP, UDP.
    std::string path;        ///< Unix only: the path, or '@' and an abstract name.

    /// Parses `text` into `out`. On failure `out` is untouched and the status says what is wrong with which text.
    [[nodiscard]] static Status parse(std::string_view text, Endpoint& out);

    /// The text form that `parse` takes.
    [[nodiscard]] std::string to_string() const;
};

/// The address of one end of a socket. A plain value.
struct SocketAddress {
    enum class Family : std::uint8_t { none, ipv4, ipv6, unix_domain };

    Family family = Family::none;
    std::uint16_t port = 0;             ///< TCP, UDP; host byte order.
    std::uint32_t scope = 0;            ///< IPv6 zone index, 0 if none.
    std::array<std::uint8_t, 16> ip{};  ///< Network byte order; IPv4 uses the first four.
    std::string path;                   ///< Unix: path, '@' and abstract name, or empty for an unnamed socket.

    /// "127.0.0.1:80", "[::1]:80", "/run/app.sock", "@app" or "" for none.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

/// The address of one end of a TCP or UDP socket. 24 bytes, trivially copyable: datagrams come and go with it, and it
/// can be a key.
struct InetAddress {
    SocketAddress::Family family = SocketAddress::Family::none;  ///< `none`, `ipv4` or `ipv6`.
    std::uint16_t port = 0;                                      ///< Host byte order.
    std::uint32_t scope = 0;                                     ///< IPv6 zone index, 0 if none.
    std::array<std::uint8_t, 16> ip{};                           ///< Network byte order; IPv4 uses the first four.

    /// Parses "127.0.0.1:80" or "[::1]:80", also with a zone ("[fe80::1%eth0]:80"). Names are not looked up. On failure
    /// `out` is untouched and the status says what is wrong with which text.
    [[nodiscard]] static Status parse(std::string_view text, InetAddress& out);

    /// True if there is an address.
    explicit operator bool() const noexcept { return family != SocketAddress::Family::none; }

    /// True for 224.0.0.0/4 and ff00::/8.
    [[nodiscard]] bool is_multicast() const noexcept;

    /// The text that `parse` takes, with the zone as a number; "" for none.
    [[nodiscard]] std::string to_string() const;

    /// Word by word: it is asked for every datagram sent.
    friend bool operator==(const InetAddress& a, const InetAddress& b) noexcept {
        using Words = std::array<std::uint64_t, 2>;
        return a.family == b.family && a.port == b.port && a.scope == b.scope &&
               std::bit_cast<Words>(a.ip) == std::bit_cast<Words>(b.ip);
    }
};

}  // namespace pollux

template <>
struct std::hash<pollux::InetAddress> {
    std::size_t operator()(const pollux::InetAddress& address) const noexcept;
};
