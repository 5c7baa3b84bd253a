// The datagram half of a platform's contract: what passes between the engine and the system's sockets. See platform.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include <pollux/address.h>
#include <pollux/bytes.h>
#include <pollux/udp.h>

namespace pollux::platform {

/// A system's limit on one call, and what a reactor has memory for.
inline constexpr std::size_t max_datagram_messages = 64;

/// What one slot holds: any datagram, and any run of them that the system puts together.
inline constexpr std::size_t datagram_slot_bytes = 65'536;

/// The most datagrams of a run. A system that takes fewer in one piece is given it in several.
inline constexpr std::size_t max_run_datagrams = 128;

/// Datagrams to one peer, one behind the other in memory, all of one size but the last, which may be shorter. A
/// datagram without bytes is a run of its own.
struct OutgoingRun {
    const std::byte* data = nullptr;
    std::uint32_t bytes = 0;          ///< Of the whole run.
    std::uint32_t segment_bytes = 0;  ///< Of each datagram.
    InetAddress to;                   ///< None: to the peer the socket is connected to.

    [[nodiscard]] std::size_t datagrams() const noexcept {
        return bytes == 0 ? 1 : (bytes + segment_bytes - 1) / segment_bytes;
    }
};

/// A message received: one datagram, or a run as above.
struct DatagramArrival {
    std::byte* slot = nullptr;  ///< The engine's: `datagram_slot_bytes` of memory.
    std::uint32_t bytes = 0;
    std::uint32_t segment_bytes = 0;  ///< 0: it is one datagram.
    bool truncated = false;           ///< The last datagram was longer.
    InetAddress from;                 ///< An IPv4 address also where IPv4 comes through an IPv6 socket.
};

/// What one call receives.
struct DatagramIntake {
    std::span<DatagramArrival> arrivals;  ///< To be filled from the front; their slots are given.
    std::size_t count = 0;                ///< How many were filled.
    std::uint32_t overflows = 0;  ///< Dropped since the socket was made because its buffer was full; 0: not told.
};

/// Of which sockets' datagrams a system tells that nobody received them.
enum class DatagramErrors : std::uint8_t {
    none,
    of_connected,
    of_all,
};

/// An error of a datagram that was sent before.
struct DatagramFault {
    std::error_code error;
    InetAddress peer;  ///< Who it was for; none: not known.
};

/// A group of a socket, by numbers.
struct Membership {
    InetAddress group;
    InetAddress source;            ///< None: any.
    unsigned interface_index = 0;  ///< 0: the system's choice.
};

}  // namespace pollux::platform
