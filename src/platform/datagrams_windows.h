// Datagrams on Windows: one call for each.
#pragma once

#include <cstddef>
#include <span>

#include "platform/platform.h"
#include "system_sockets.h"

namespace pollux::platform {

/// Receives one datagram into a slot. 0, or the error.
[[nodiscard]] int receive_datagram(SOCKET socket, DatagramArrival& arrival) noexcept;

/// Whether an error of a receive is one of a datagram that was sent before.
[[nodiscard]] bool is_datagram_fault(int error) noexcept;

/// The datagram of a run that begins at `offset`.
[[nodiscard]] Bytes datagram_at(const OutgoingRun& run, std::size_t offset) noexcept;

/// Sends one datagram: without `operation` at once or not at all, else as that operation. 0, or the error.
[[nodiscard]] int send_datagram(SOCKET socket, bool ipv6_socket, const InetAddress& to, Bytes datagram,
                                OVERLAPPED* operation) noexcept;

}  // namespace pollux::platform
