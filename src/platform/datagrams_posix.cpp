// What the POSIX back ends share of datagrams.
#include "platform/datagrams_posix.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pollux::platform {

namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IoResult failure(std::size_t taken) noexcept {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::would_block, 0, taken};
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

socklen_t to_inet_sockaddr(const InetAddress& address, bool ipv6_socket, InetSockaddr& out) noexcept {
    if (address.family == SocketAddress::Family::ipv4 && !ipv6_socket) {
        out.ipv4 = {};
        out.ipv4.sin_family = AF_INET;
        out.ipv4.sin_port = htons(address.port);
        std::memcpy(&out.ipv4.sin_addr, address.ip.data(), sizeof out.ipv4.sin_addr);
        return sizeof out.ipv4;
    }
    if (!ipv6_socket || !address) return 0;
    out.ipv6 = {};
    out.ipv6.sin6_family = AF_INET6;
    out.ipv6.sin6_port = htons(address.port);
    auto* bytes = reinterpret_cast<std::uint8_t*>(&out.ipv6.sin6_addr);
    if (address.family == SocketAddress::Family::ipv4) {
        std::memcpy(bytes, mapped_prefix.data(), mapped_prefix.size());
        std::memcpy(bytes + mapped_prefix.size(), address.ip.data(), 4);
    } else {
        std::memcpy(bytes, address.ip.data(), address.ip.size());
        out.ipv6.sin6_scope_id = address.scope;
    }
    return sizeof out.ipv6;
}

InetAddress from_inet_sockaddr(const InetSockaddr& address, socklen_t length) noexcept {
    InetAddress result;
    if (length >= sizeof address.ipv4 && address.any.sa_family == AF_INET) {
        result.family = SocketAddress::Family::ipv4;
        result.port = ntohs(address.ipv4.sin_port);
        std::memcpy(result.ip.data(), &address.ipv4.sin_addr, 4);
    } else if (length >= sizeof address.ipv6 && address.any.sa_family == AF_INET6) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(&address.ipv6.sin6_addr);
        result.port = ntohs(address.ipv6.sin6_port);
        if (std::memcmp(bytes, mapped_prefix.data(), mapped_prefix.size()) == 0) {
            result.family = SocketAddress::Family::ipv4;
            std::memcpy(result.ip.data(), bytes + mapped_prefix.size(), 4);
        } else {
            result.family = SocketAddress::Family::ipv6;
            result.scope = address.ipv6.sin6_scope_id;
            std::memcpy(result.ip.data(), bytes, result.ip.size());
        }
    }
    return result;
}

bool is_ipv6_socket(int descriptor) noexcept {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    return ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
           address.ss_family == AF_INET6;
}

int retries_after(int error) noexcept {
    return error == ECONNREFUSED ? 16 : 1;
}

IoResult receive_one_by_one(int descriptor, DatagramIntake& intake) noexcept {
    intake.count = 0;
    intake.overflows = 0;
    int retries = 0;
    while (intake.count < intake.arrivals.size()) {
        if (receive_one(descriptor, intake.arrivals[intake.count])) {
            ++intake.count;
        } else if (errno != EINTR) {
            if (errno == EAGAIN || errno == EWOULDBLOCK || retries++ == retries_after(errno)) {
                return intake.count != 0 ? IoResult{IoStatus::done, 0, intake.count} : failure(0);
            }
        }
    }
    return {IoStatus::done, 0, intake.count};
}

IoResult send_one_by_one(int descriptor, bool ipv6_socket, std::span<const OutgoingRun> runs) noexcept {
    std::size_t taken = 0;
    for (const OutgoingRun& run : runs) {
        const std::size_t count = run.datagrams();
        int retries = 0;
        for (std::size_t i = 0; i < count;) {
            if (send_one(descriptor, ipv6_socket, run, i * run.segment_bytes)) {
                ++taken;
                ++i;
                retries = 0;
            } else if (errno != EINTR) {
                if (errno == EAGAIN || errno == EWOULDBLOCK || retries++ == retries_after(errno)) return failure(taken);
            }
        }
    }
    return {IoStatus::done, 0, taken};
}

}  // namespace pollux::platform
