// The system's sockets: FreeBSD.
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

/// Whether Unix sockets may have names that are no paths.
inline constexpr bool has_abstract_names = false;

/// Flags of every send. None: each socket is told for good not to raise SIGPIPE.
inline constexpr int send_flags = 0;

/// The options of KeepAlive: its time before the first probe, that between probes, and their number.
inline constexpr int keep_alive_idle_option = TCP_KEEPIDLE;
inline constexpr int keep_alive_interval_option = TCP_KEEPINTVL;
inline constexpr int keep_alive_count_option = TCP_KEEPCNT;

/// Whether IPv6 sockets that speak IPv4 as well have the options of both.
inline constexpr bool ipv6_sockets_take_ipv4_options = false;

/// An address that is part of a request tells its own length, where addresses can.
inline void note_length(sockaddr_storage& address, socklen_t length) noexcept {
    address.ss_len = static_cast<decltype(address.ss_len)>(length);
}

}  // namespace pollux::platform
