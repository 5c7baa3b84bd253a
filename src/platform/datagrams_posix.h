// What the POSIX back ends share of datagrams: the plain path of one call for each.
#pragma once

#include "platform/datagram_sockets.h"
#include "platform/socket_address.h"

namespace pollux::platform {

/// Receives one datagram into each slot until there is none. `fault` becomes the error of a datagram sent before, if a
/// call met one.
[[nodiscard]] IoResult receive_one_by_one(int descriptor, DatagramIntake& intake, int& fault) noexcept;

/// Sends each datagram by itself. `IoResult::bytes` is how many were taken; `fault` as above.
[[nodiscard]] IoResult send_one_by_one(int descriptor, bool ipv6_socket, std::span<const OutgoingRun> runs,
                                       int& fault) noexcept;

/// How often a call is made again that failed with an error which may be that of a datagram sent before: the system
/// tells such errors by failing whatever call comes next. Nobody answers with connection_refused at once.
[[nodiscard]] int retries_after(int error) noexcept;

/// Where the system's default is smaller than a datagram may be.
inline constexpr int default_datagram_send_buffer = 256 * 1024;

}  // namespace pollux::platform
