// The system's sockets: what all POSIX systems have. For the system_sockets.h of each.
#pragma once

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace pollux::platform {

/// What the system's calls take.
using SocketHandle = int;

/// What no socket is.
inline constexpr SocketHandle invalid_socket = -1;

/// The options of KeepAlive: the time between probes, and their number.
inline constexpr int keep_alive_interval_option = TCP_KEEPINTVL;
inline constexpr int keep_alive_count_option = TCP_KEEPCNT;

}  // namespace pollux::platform
