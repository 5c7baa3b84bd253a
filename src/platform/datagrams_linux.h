// Datagrams on Linux: many in one call, and runs of them in one piece where the kernel offers it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/uio.h>

#include "platform/datagrams_posix.h"

namespace pollux::platform {

/// What is known of a UDP socket. Four bytes: every socket of the back end has room for them.
struct DatagramMode {
    bool present : 1 = false;  ///< It is one.
    bool ipv6 : 1 = false;
    bool many : 1 = false;            ///< Many datagrams a call.
    bool short_runs : 1 = false;      ///< The kernel takes runs of 64 at most, not of 128.
    std::uint16_t segment_limit = 0;  ///< The largest size that runs may be sent in one piece with; 0: none.
};

/// Messages as `recvmmsg` and `sendmmsg` take them: an address, a span and a control message each.
class DatagramMessages {
public:
    DatagramMessages() noexcept;
    DatagramMessages(const DatagramMessages&) = delete;
    DatagramMessages& operator=(const DatagramMessages&) = delete;

    /// Room for UDP_GRO's or UDP_SEGMENT's word and SO_RXQ_OVFL's.
    struct alignas(cmsghdr) Control {
        std::array<std::byte, 2 * CMSG_SPACE(sizeof(int))> bytes;
    };

    std::array<mmsghdr, max_datagram_messages> headers{};
    std::array<iovec, max_datagram_messages> vectors{};
    std::array<InetSockaddr, max_datagram_messages> addresses;
    std::array<Control, max_datagram_messages> controls;
};

/// The memory for calls that take many messages. A poller's; one thread.
class LinuxDatagrams {
public:
    /// Finds out what the kernel offers for a socket, and sets it up.
    [[nodiscard]] static DatagramMode prepare(int descriptor, UdpBatching batching) noexcept;

    [[nodiscard]] IoResult receive(int descriptor, DatagramMode mode, DatagramIntake& intake) noexcept;

    /// `IoResult::bytes` is how many datagrams were taken.
    [[nodiscard]] IoResult send(int descriptor, DatagramMode& mode, std::span<const OutgoingRun> runs) noexcept;

    /// The next error that the network told of a datagram sent before; false if there is none.
    [[nodiscard]] static bool take_error(int descriptor, DatagramFault& out) noexcept;

private:
    class Cursor;

    void expect(const DatagramIntake& intake) noexcept;
    void collect(std::size_t count, DatagramIntake& intake) noexcept;
    [[nodiscard]] std::size_t fill(const DatagramMode& mode, Cursor cursor, std::size_t longest_run) noexcept;
    static void learn(DatagramMode& mode, std::size_t longest_run, std::uint32_t segment_bytes) noexcept;
    [[nodiscard]] std::size_t pass(Cursor& cursor, std::size_t messages) const noexcept;
    [[nodiscard]] bool address(std::size_t index, const DatagramMode& mode, const InetAddress& to) noexcept;
    void ask_for_segments(std::size_t index, std::uint32_t segment_bytes) noexcept;

    DatagramMessages incoming_;
    DatagramMessages outgoing_;
    std::span<const DatagramArrival> prepared_for_;  // whose slots `incoming_` is set up with
    std::size_t unprepared_ = 0;                     // so many in front were used since
};

}  // namespace pollux::platform
