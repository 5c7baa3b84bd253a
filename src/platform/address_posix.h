// Between the library's addresses and the system's sockaddr.
#pragma once

#include <sys/socket.h>

#include "platform/platform.h"

namespace pollux::platform {

/// Fills `out`; returns its length, 0 if the address has no family or its path is too long.
[[nodiscard]] socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& out) noexcept;

[[nodiscard]] SocketAddress from_sockaddr(const sockaddr_storage& storage, socklen_t length);

/// The compact form of an IP address; family none for everything else.
[[nodiscard]] InetAddress inet_from_sockaddr(const sockaddr_storage& storage, socklen_t length) noexcept;

[[nodiscard]] SocketAddress local_address_of(int descriptor);
[[nodiscard]] SocketAddress peer_address_of(int descriptor);

/// True for a TCP socket whose two ends are the same.
[[nodiscard]] bool is_connected_to_itself(int descriptor) noexcept;

}  // namespace pollux::platform
