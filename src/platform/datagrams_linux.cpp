// Datagrams on Linux.
#include "platform/datagrams_linux.h"

#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "platform/socket_calls.h"
#include "platform/socket_options.h"

// What the C library's headers may be too old to name.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

namespace pollux::platform {

namespace {

/// What a run was limited to before it was 128. The kernel does not tell; it refuses.
constexpr std::size_t short_run = 64;

std::size_t longest_run_of(const DatagramMode& mode) noexcept {
    return mode.short_runs ? short_run : max_run_datagrams;
}

/// Errors of a run for its length, its datagrams' size or its device; others come of where it goes, or pass.
bool is_about_form(int error) noexcept {
    return error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP;
}

bool would_block(int error) noexcept {
    return error == EAGAIN || error == EWOULDBLOCK;
}

template <class Value>
Value control_value(const cmsghdr& control) noexcept {
    Value value;
    std::memcpy(&value, CMSG_DATA(&control), sizeof value);
    return value;
}

/// A kernel or a sandbox may know the single call only.
bool offers_many(int descriptor) noexcept {
    mmsghdr none{};
    return ::recvmmsg(descriptor, &none, 0, MSG_DONTWAIT, nullptr) == 0;
}

}  // namespace

/// Where sending stands: within a run, or between two.
class LinuxDatagrams::Cursor {
public:
    explicit Cursor(std::span<const OutgoingRun> runs) noexcept : runs_(runs) {}

    [[nodiscard]] bool done() const noexcept { return runs_.empty(); }
    [[nodiscard]] const InetAddress& to() const noexcept { return runs_.front().to; }
    [[nodiscard]] std::uint32_t segment_bytes() const noexcept { return runs_.front().segment_bytes; }

    /// All that is left of the run.
    [[nodiscard]] Bytes rest() const noexcept { return {runs_.front().data + offset_, runs_.front().bytes - offset_}; }

    /// The next datagrams of the run.
    [[nodiscard]] Bytes datagrams(std::size_t count) const noexcept {
        return rest().first(std::min<std::size_t>(count * segment_bytes(), rest().size()));
    }

    /// Passes bytes of the run, as `datagrams` gave them.
    void advance(std::size_t bytes) noexcept {
        offset_ += bytes;
        if (offset_ < runs_.front().bytes) return;
        runs_ = runs_.subspan(1);
        offset_ = 0;
    }

private:
    std::span<const OutgoingRun> runs_;
    std::size_t offset_ = 0;
};

void tune_datagram_socket(SocketHandle descriptor, SocketAddress::Family family) noexcept {
    // Errors of what was sent wait in a queue with their addresses; and a send that the device's queue drops fails,
    // which without this it would not.
    set_option(descriptor, IPPROTO_IP, IP_RECVERR, 1);
    set_option(descriptor, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (family == SocketAddress::Family::ipv6) {
        set_option(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1);
        set_option(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    }
    set_option(descriptor, SOL_SOCKET, SO_RXQ_OVFL, 1);
}

DatagramMode LinuxDatagrams::prepare(int descriptor, UdpBatching batching) noexcept {
    DatagramMode mode;
    mode.present = true;
    mode.ipv6 = is_ipv6_socket(descriptor);
    mode.many = batching != UdpBatching::none && offers_many(descriptor);
    if (!mode.many || batching != UdpBatching::automatic) return mode;
    set_option(descriptor, IPPROTO_UDP, UDP_GRO, 1);
    if (set_option(descriptor, IPPROTO_UDP, UDP_SEGMENT, 0)) {
        mode.segment_limit = std::numeric_limits<std::uint16_t>::max();
    }
    return mode;
}

DatagramMessages::DatagramMessages() noexcept {
    for (std::size_t i = 0; i < headers.size(); ++i) {
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
}

// Receiving.

/// Sets up again what the last call has used, or everything for other slots.
void LinuxDatagrams::expect(const DatagramIntake& intake) noexcept {
    if (intake.arrivals.data() != prepared_for_.data() || intake.arrivals.size() != prepared_for_.size()) {
        prepared_for_ = intake.arrivals;
        unprepared_ = prepared_for_.size();
    }
    for (std::size_t i = 0; i < unprepared_; ++i) {
        incoming_.vectors[i] = {intake.arrivals[i].slot, datagram_slot_bytes};
        msghdr& message = incoming_.headers[i].msg_hdr;
        message.msg_name = &incoming_.addresses[i];
        message.msg_namelen = sizeof incoming_.addresses[i];
        message.msg_control = &incoming_.controls[i];
        message.msg_controllen = sizeof incoming_.controls[i];
    }
    unprepared_ = 0;
}

void LinuxDatagrams::collect(std::size_t count, DatagramIntake& intake) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        msghdr& message = incoming_.headers[i].msg_hdr;
        DatagramArrival& arrival = intake.arrivals[i];
        arrival.bytes = incoming_.headers[i].msg_len;
        arrival.segment_bytes = 0;
        arrival.truncated = (message.msg_flags & MSG_TRUNC) != 0;
        arrival.from = from_inet_sockaddr(incoming_.addresses[i], message.msg_namelen);
        for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
            if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
                arrival.segment_bytes = static_cast<std::uint32_t>(control_value<int>(*control));
            } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
                intake.overflows = control_value<std::uint32_t>(*control);
            }
        }
    }
    unprepared_ = count;
    intake.count = count;
}

IoResult LinuxDatagrams::receive(int descriptor, DatagramMode mode, DatagramIntake& intake) noexcept {
    int told_by_the_queue = 0;
    if (!mode.many) return receive_one_by_one(descriptor, intake, told_by_the_queue);
    intake.count = 0;
    intake.overflows = 0;
    expect(intake);
    for (int retries = 0;;) {
        const auto wanted = static_cast<unsigned>(intake.arrivals.size());
        const int count = ::recvmmsg(descriptor, incoming_.headers.data(), wanted, 0, nullptr);
        if (count >= 0) {
            collect(static_cast<std::size_t>(count), intake);
            return {IoStatus::done, 0, intake.count};
        }
        if (errno == EINTR) continue;
        if (would_block(errno)) return {IoStatus::would_block, 0, 0};
        if (retries++ == retries_after(errno)) return {IoStatus::failed, errno, 0};
    }
}

// Sending.

/// Fills in whom a message is for; false if this socket cannot send there.
bool LinuxDatagrams::address(std::size_t index, const DatagramMode& mode, const InetAddress& to) noexcept {
    msghdr& message = outgoing_.headers[index].msg_hdr;
    message.msg_name = nullptr;
    message.msg_namelen = 0;
    if (!to) return true;
    message.msg_namelen = to_inet_sockaddr(to, mode.ipv6, outgoing_.addresses[index]);
    message.msg_name = &outgoing_.addresses[index];
    return message.msg_namelen != 0;
}

/// Fills in as many messages as there are, or as fit: runs of at most `longest_run` where they may be sent so, else
/// single datagrams. Stops at one that cannot be sent.
std::size_t LinuxDatagrams::fill(const DatagramMode& mode, Cursor cursor, std::size_t longest_run) noexcept {
    std::size_t count = 0;
    for (; count < outgoing_.headers.size() && !cursor.done(); ++count) {
        if (!address(count, mode, cursor.to())) break;
        const std::uint32_t segment = cursor.segment_bytes();
        const Bytes bytes = cursor.datagrams(segment <= mode.segment_limit ? longest_run : 1);
        outgoing_.vectors[count] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
        outgoing_.headers[count].msg_hdr.msg_control = nullptr;
        outgoing_.headers[count].msg_hdr.msg_controllen = 0;
        if (bytes.size() > segment) ask_for_segments(count, segment);
        cursor.advance(bytes.size());
    }
    return count;
}

void LinuxDatagrams::ask_for_segments(std::size_t index, std::uint32_t segment_bytes) noexcept {
    const auto size = static_cast<std::uint16_t>(segment_bytes);
    msghdr& message = outgoing_.headers[index].msg_hdr;
    message.msg_control = &outgoing_.controls[index];
    message.msg_controllen = CMSG_SPACE(sizeof size);
    cmsghdr* control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = IPPROTO_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof size);
    std::memcpy(CMSG_DATA(control), &size, sizeof size);
}

/// Passes the messages that the system took; returns how many datagrams that were.
std::size_t LinuxDatagrams::pass(Cursor& cursor, std::size_t messages) const noexcept {
    std::size_t datagrams = 0;
    for (std::size_t i = 0; i < messages; ++i) {
        const std::size_t bytes = outgoing_.vectors[i].iov_len;
        const std::size_t segment = cursor.segment_bytes();
        datagrams += bytes > segment ? (bytes + segment - 1) / segment : 1;
        cursor.advance(bytes);
    }
    return datagrams;
}

IoResult LinuxDatagrams::send(int descriptor, DatagramMode& mode, std::span<const OutgoingRun> runs) noexcept {
    int told_by_the_queue = 0;
    if (!mode.many) return send_one_by_one(descriptor, mode.ipv6, runs, told_by_the_queue);
    Cursor cursor{runs};
    std::size_t taken = 0;
    std::size_t longest_run = longest_run_of(mode);
    int form_error = 0;  // with which a longer run was refused than the one that is tried now
    for (int retries = 0; !cursor.done();) {
        const std::size_t count = fill(mode, cursor, longest_run);
        if (count == 0) return {IoStatus::failed, EAFNOSUPPORT, taken};
        const int sent = ::sendmmsg(descriptor, outgoing_.headers.data(), static_cast<unsigned>(count), 0);
        if (sent > 0) {
            if (is_about_form(form_error)) learn(mode, longest_run, cursor.segment_bytes());
            taken += pass(cursor, static_cast<std::size_t>(sent));
            longest_run = longest_run_of(mode);
            form_error = retries = 0;
        } else if (would_block(errno)) {
            return {IoStatus::would_block, 0, taken};
        } else if (errno != EINTR && retries++ == retries_after(errno)) {
            const std::size_t bytes = outgoing_.vectors[0].iov_len;
            const std::size_t segment = cursor.segment_bytes();
            if (bytes <= segment) return {IoStatus::failed, errno, taken};
            longest_run = bytes > short_run * segment ? short_run : 1;
            form_error = errno;
            retries = 0;
        }
    }
    return {IoStatus::done, 0, taken};
}

/// What was refused in a longer run has passed in a shorter one, or singly: then the datagrams are too large for a run,
/// since they may not be larger than a packet, or the device has none.
void LinuxDatagrams::learn(DatagramMode& mode, std::size_t longest_run, std::uint32_t segment_bytes) noexcept {
    if (longest_run == short_run) {
        mode.short_runs = true;
    } else {
        mode.segment_limit = static_cast<std::uint16_t>(segment_bytes - 1);
    }
}

// Errors.

bool LinuxDatagrams::take_error(int descriptor, DatagramFault& out) noexcept {
    for (;;) {
        InetSockaddr peer{};
        alignas(cmsghdr) std::array<std::byte, 512> memory;
        msghdr message{};
        message.msg_name = &peer;
        message.msg_namelen = sizeof peer;
        message.msg_control = memory.data();
        message.msg_controllen = memory.size();
        if (::recvmsg(descriptor, &message, MSG_ERRQUEUE) < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
            const bool is_error = (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVERR) ||
                                  (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_RECVERR);
            if (!is_error) continue;
            const auto error = control_value<sock_extended_err>(*control);
            // What this machine itself refused, the send has told.
            if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
            out.error = system_error(static_cast<int>(error.ee_errno));
            out.peer = from_inet_sockaddr(peer, message.msg_namelen);
            return true;
        }
    }
}

}  // namespace pollux::platform
