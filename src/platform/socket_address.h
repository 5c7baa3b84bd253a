// Between the library's addresses and the system's sockaddr.
#pragma once

#include "platform/platform.h"
#include "system_sockets.h"

namespace pollux::platform {

/// Fills `out`; returns its length, 0 if the address has no family or its path is too long.
[[nodiscard]] socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& out) noexcept;

[[nodiscard]] SocketAddress from_sockaddr(const sockaddr_storage& storage, socklen_t length);

/// The compact form of an IP address; family none for everything else.
[[nodiscard]] InetAddress inet_from_sockaddr(const sockaddr_storage& storage, socklen_t length) noexcept;

[[nodiscard]] SocketAddress local_address_of(SocketHandle socket);
[[nodiscard]] SocketAddress peer_address_of(SocketHandle socket);

/// True for a TCP socket whose two ends are the same.
[[nodiscard]] bool is_connected_to_itself(SocketHandle socket) noexcept;

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
[[nodiscard]] bool is_ipv6_socket(SocketHandle socket) noexcept;

}  // namespace pollux::platform
