// The system's sockets: what macOS and FreeBSD have in common. For the system_sockets.h of each.
#pragma once

#include "platform/posix_sockets.h"

namespace pollux::platform {

/// Whether Unix sockets may have names that are no paths.
inline constexpr bool has_abstract_names = false;

/// Flags of every send. None: each socket is told for good not to raise SIGPIPE.
inline constexpr int send_flags = 0;

/// Whether IPv6 sockets that speak IPv4 as well have the options of both.
inline constexpr bool ipv6_sockets_take_ipv4_options = false;

/// An address that is part of a request tells its own length, where addresses can.
inline void note_length(sockaddr_storage& address, socklen_t length) noexcept {
    address.ss_len = static_cast<decltype(address.ss_len)>(length);
}

}  // namespace pollux::platform
