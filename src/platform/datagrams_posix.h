// What the POSIX back ends share of datagrams: addresses, and the plain path of one call for each datagram.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "platform/datagram_sockets.h"

namespace pollux::platform {

/// The addresses that datagrams come with: a quarter of a sockaddr_storage.
union InetSockaddr {
    sockaddr any;
    sockaddr_in ipv4;
    sockaddr_in6 ipv6;
};

/// Fills `out` for a socket of IPv6 or IPv4; returns its length, 0 if such a socket cannot send there.
[[nodiscard]] socklen_t to_inet_sockaddr(const InetAddress& address, bool ipv6_socket, InetSockaddr& out) noexcept;

/// An IPv4 address that is mapped into IPv6 comes out as IPv4.
[[nodiscard]] InetAddress from_inet_sockaddr(const InetSockaddr& address, socklen_t length) noexcept;

/// True for a socket of IPv6, that of both versions included.
[[nodiscard]] bool is_ipv6_socket(int descriptor) noexcept;

/// Receives one datagram into each slot until there is none.
[[nodiscard]] IoResult receive_one_by_one(int descriptor, DatagramIntake& intake) noexcept;

/// Sends each datagram by itself. `IoResult::bytes` is how many were taken.
[[nodiscard]] IoResult send_one_by_one(int descriptor, bool ipv6_socket, std::span<const OutgoingRun> runs) noexcept;

/// How often a call is made again that failed with an error which may be that of a datagram sent before: the system
/// tells such errors by failing whatever call comes next. Nobody answers with connection_refused at once.
[[nodiscard]] int retries_after(int error) noexcept;

/// Settings that no option asks for, of the system at hand: errors of datagrams sent are told, and groups that other
/// sockets have joined are not heard.
void tune_datagram_socket(int descriptor, SocketAddress::Family family) noexcept;

}  // namespace pollux::platform
