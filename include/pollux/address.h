// Endpoints as the user writes them, and socket addresses as the system reports them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <pollux/error.h>

namespace pollux {

/// What carries a connection's bytes.
enum class Transport : std::uint8_t {
    tcp,          ///< TCP over IPv4 or IPv6.
    unix_domain,  ///< A Unix-domain stream socket.
};

/// Where to listen or to connect, parsed from a text:
///   tcp://127.0.0.1:1111        IPv4
///   tcp://[::1]:1111            IPv6; `tcp://[::]:1111` listens on IPv6 and IPv4 (dual stack) unless told otherwise
///   tcp://example.org:1111      a name: clients try each of its addresses, servers take the first
///   tcp://*:1111                every address of the machine, IPv6 and IPv4; IPv4 alone where there is no IPv6
///   unix:///run/app.sock        a path in the file system
///   unix://@app                 a Linux abstract name
/// Port 0 lets the system choose; `ServerBase::address()` tells the choice.
struct Endpoint {
    Transport transport = Transport::tcp;
    std::string host;        ///< TCP: address or name, without brackets; empty for `*`.
    std::uint16_t port = 0;  ///< TCP only.
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
    std::uint16_t port = 0;             ///< TCP, host byte order.
    std::uint32_t scope = 0;            ///< IPv6 zone index, 0 if none.
    std::array<std::uint8_t, 16> ip{};  ///< Network byte order; IPv4 uses the first four.
    std::string path;                   ///< Unix: path, '@' and abstract name, or empty for an unnamed socket.

    /// "127.0.0.1:80", "[::1]:80", "/run/app.sock", "@app" or "" for none.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

}  // namespace pollux
