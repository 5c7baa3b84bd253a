// What the POSIX back ends share of datagrams.
#include "platform/datagrams_posix.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace pollux::platform {

namespace {

bool would_block(int error) noexcept {
    return error == EAGAIN || error == EWOULDBLOCK;
}

IoResult failure(std::size_t taken) noexcept {
    if (would_block(errno)) return {IoStatus::would_block, 0, taken};
    return {IoStatus::failed, errno, taken};
}

/// One datagram into a slot. False: `errno` tells why not.
bool receive_one(int descriptor, DatagramArrival& arrival) noexcept {
    InetSockaddr from;
    iovec vector{arrival.slot, datagram_slot_bytes};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    const ssize_t count = ::recvmsg(descriptor, &message, 0);
    if (count < 0) return false;
    arrival.bytes = static_cast<std::uint32_t>(count);
    arrival.segment_bytes = 0;
    arrival.truncated = (message.msg_flags & MSG_TRUNC) != 0;
    arrival.from = from_inet_sockaddr(from, message.msg_namelen);
    return true;
}

/// One datagram of a run. False: `errno` tells why not.
bool send_one(int descriptor, bool ipv6_socket, const OutgoingRun& run, std::size_t offset) noexcept {
    InetSockaddr to;
    socklen_t length = 0;
    if (run.to) {
        length = to_inet_sockaddr(run.to, ipv6_socket, to);
        if (length == 0) {
            errno = EAFNOSUPPORT;
            return false;
        }
    }
    const std::size_t size = std::min<std::size_t>(run.segment_bytes, run.bytes - offset);
    return ::sendto(descriptor, run.data + offset, size, 0, length != 0 ? &to.any : nullptr, length) >= 0;
}

}  // namespace

int retries_after(int error) noexcept {
    return error == ECONNREFUSED ? 16 : 1;
}

IoResult receive_one_by_one(int descriptor, DatagramIntake& intake, int& fault) noexcept {
    intake.count = 0;
    intake.overflows = 0;
    int retries = 0;
    while (intake.count < intake.arrivals.size()) {
        if (receive_one(descriptor, intake.arrivals[intake.count])) {
            ++intake.count;
        } else if (errno != EINTR) {
            if (would_block(errno) || retries++ == retries_after(errno)) {
                return intake.count != 0 ? IoResult{IoStatus::done, 0, intake.count} : failure(0);
            }
            fault = errno;
        }
    }
    return {IoStatus::done, 0, intake.count};
}

IoResult send_one_by_one(int descriptor, bool ipv6_socket, std::span<const OutgoingRun> runs, int& fault) noexcept {
    std::size_t taken = 0;
    for (const OutgoingRun& run : runs) {
        const std::size_t count = run.datagrams();
        int retries = 0;
        int met = 0;  // it is known to be of a datagram sent before once this one is taken
        for (std::size_t i = 0; i < count;) {
            if (send_one(descriptor, ipv6_socket, run, i * run.segment_bytes)) {
                ++taken;
                ++i;
                retries = 0;
                if (met != 0) fault = std::exchange(met, 0);
            } else if (errno != EINTR) {
                if (would_block(errno) || retries++ == retries_after(errno)) return failure(taken);
                met = errno;
            }
        }
    }
    return {IoStatus::done, 0, taken};
}

}  // namespace pollux::platform
