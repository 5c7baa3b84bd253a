// The system's sockets: Linux.
#pragma once

#include "platform/posix_sockets.h"

namespace pollux::platform {

/// Whether Unix sockets may have names that are no paths.
inline constexpr bool has_abstract_names = true;

/// A flag of every send, so that none raises SIGPIPE.
inline constexpr int send_flags = MSG_NOSIGNAL;

/// The option of KeepAlive for how long a connection is idle before the first probe.
inline constexpr int keep_alive_idle_option = TCP_KEEPIDLE;

/// Whether IPv6 sockets that speak IPv4 as well have the options of both.
inline constexpr bool ipv6_sockets_take_ipv4_options = true;

/// An address that is part of a request tells its own length, where addresses can.
inline void note_length(sockaddr_storage& /*address*/, socklen_t /*length*/) noexcept {}

}  // namespace pollux::platform
