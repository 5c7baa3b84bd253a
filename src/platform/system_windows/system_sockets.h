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

/// What no socket is.
inline constexpr SocketHandle invalid_socket = INVALID_SOCKET;

/// Whether Unix sockets may have names that are no paths.
inline constexpr bool has_abstract_names = false;

/// The options of KeepAlive: its time before the first probe, that between probes, and their number. Windows 10 has the
/// names TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT for them, not every header does.
inline constexpr int keep_alive_idle_option = 3;
inline constexpr int keep_alive_interval_option = 17;
inline constexpr int keep_alive_count_option = 16;

/// Whether IPv6 sockets that speak IPv4 as well have the options of both.
inline constexpr bool ipv6_sockets_take_ipv4_options = true;

}  // namespace pollux::platform
