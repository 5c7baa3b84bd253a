// The system's sockets: Winsock.
#pragma once

// This order: windows.h, which the others include, must not bring the sockets of Windows 3.
#include <winsock2.h>
#include <ws2tcpip.h>

#include <afunix.h>
#include <mswsock.h>
#include <windows.h>

namespace pollux::platform {

/// What the system's calls take.
using SocketHandle = SOCKET;

/// Whether Unix sockets may have names that are no paths.
inline constexpr bool has_abstract_names = false;

// Windows 10 has the names TCP_KEEPIDLE, TCP_KEEPCNT and TCP_KEEPINTVL for them, not every header does.
inline constexpr int keep_alive_idle_option = 3;
inline constexpr int keep_alive_count_option = 16;
inline constexpr int keep_alive_interval_option = 17;

}  // namespace pollux::platform
