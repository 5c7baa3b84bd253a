// What the bare UDP loops share: their sockets, and batches of messages as the kernel takes and hands them out.
#pragma once

#include <netinet/udp.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../common/datagram_pattern.h"
#include "floor.h"

// What the C library's headers may be too old to name.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace perf_floor {

inline Options parse_multicast_options(int argc, char** argv) {
    Options options = parse_options(argc, argv, {.address = "239.255.0.1", .port = 3334});
    if (options.size < perf::min_datagram_bytes || options.size > perf::max_datagram_bytes) {
        std::fprintf(stderr, "-s: the size of a datagram must be %zu to %zu\n", perf::min_datagram_bytes,
                     perf::max_datagram_bytes);
        std::exit(2);
    }
    return options;
}

inline sockaddr_in address_of(const Options& options) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    if (inet_pton(AF_INET, options.address.c_str(), &address.sin_addr) != 1) die(options.address.c_str());
    return address;
}

inline void set_option(int fd, int level, int name, int value, const char* what) {
    if (setsockopt(fd, level, name, &value, sizeof value) != 0) die(what);
}

/// A blocking socket that receives what is sent to the address, with a receive buffer as large as the system allows:
/// it cuts the size down to its limit.
inline int bind_udp(const Options& options) {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    set_option(fd, SOL_SOCKET, SO_RCVBUF, 64 * 1024 * 1024, "SO_RCVBUF");
    const sockaddr_in address = address_of(options);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
    std::printf("listening on udp://%s:%u\n", options.address.c_str(), options.port);
    std::fflush(stdout);
    return fd;
}

/// How many datagrams the kernel takes in one piece: 64, newer ones 128. They do not tell, so it is tried.
inline std::size_t max_run_datagrams() {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in self{};
    self.sin_family = AF_INET;
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof self;
    if (bind(fd, reinterpret_cast<const sockaddr*>(&self), size) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&self), &size) != 0)
        die("bind");
    set_option(fd, IPPROTO_UDP, UDP_SEGMENT, 1, "UDP_SEGMENT");
    const std::array<char, 128> datagrams{};
    const ssize_t sent =
        sendto(fd, datagrams.data(), datagrams.size(), 0, reinterpret_cast<const sockaddr*>(&self), size);
    close(fd);
    return sent < 0 ? 64 : 128;
}

/// A blocking socket that sends to a group, by the loopback interface.
inline int connect_to_group(const Options& options) {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    in_addr loopback{};
    loopback.s_addr = htonl(INADDR_LOOPBACK);
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback) != 0) die("IP_MULTICAST_IF");
    const sockaddr_in group = address_of(options);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&group), sizeof group) != 0) die("connect");
    std::printf("sending to udp://%s:%u\n", options.address.c_str(), options.port);
    std::fflush(stdout);
    return fd;
}

/// Room for what one `recvmmsg` hands out: in each slot a datagram, or a run of one peer that the kernel put together.
class Intake {
public:
    static constexpr std::size_t slots = 64;

    struct Arrival {
        const sockaddr_in& from;
        char* data;
        std::size_t bytes;
        std::size_t segment_bytes;  // of each datagram but the last, which may be shorter
    };

    Intake() : memory_(slots * slot_stride), headers_(slots), vectors_(slots), addresses_(slots), controls_(slots) {
        for (std::size_t i = 0; i < slots; ++i) {
            vectors_[i] = {memory_.data() + i * slot_stride, slot_bytes};
            msghdr& header = headers_[i].msg_hdr;
            header.msg_name = &addresses_[i];
            header.msg_iov = &vectors_[i];
            header.msg_iovlen = 1;
            header.msg_control = &controls_[i];
        }
    }

    /// Waits until there is something, and takes what is there. Returns how many slots were filled.
    std::size_t receive(int fd) {
        for (std::size_t i = 0; i < filled_; ++i) {
            headers_[i].msg_hdr.msg_namelen = sizeof addresses_[i];
            headers_[i].msg_hdr.msg_controllen = sizeof controls_[i];
        }
        const int received = recvmmsg(fd, headers_.data(), slots, MSG_WAITFORONE, nullptr);
        filled_ = received < 0 ? 0 : static_cast<std::size_t>(received);
        return filled_;
    }

    [[nodiscard]] Arrival at(std::size_t index) const {
        const std::size_t bytes = headers_[index].msg_len;
        const msghdr& header = headers_[index].msg_hdr;
        std::size_t segment_bytes = bytes;
        if (const cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr) {  // UDP_GRO is all that is asked for
            int value;
            std::memcpy(&value, CMSG_DATA(control), sizeof value);
            segment_bytes = static_cast<std::size_t>(value);
        }
        return {addresses_[index], static_cast<char*>(vectors_[index].iov_base), bytes, segment_bytes};
    }

private:
    static constexpr std::size_t slot_bytes = 64 * 1024;

    // Slots a power of two apart would all compete for the same lines of the caches.
    static constexpr std::size_t slot_stride = slot_bytes + 4096 + 64;

    struct alignas(cmsghdr) Control {
        std::array<char, CMSG_SPACE(sizeof(int))> bytes;
    };

    std::vector<char> memory_;
    std::vector<mmsghdr> headers_;
    std::vector<iovec> vectors_;
    std::vector<sockaddr_in> addresses_;
    std::vector<Control> controls_;
    std::size_t filled_ = slots;
};

/// What one `sendmmsg` takes: runs of datagrams of equal size, each run to one peer.
class Outgoing {
public:
    /// Adds what arrived, to go back where it came from; to the last run if it fits there.
    void add(const Intake::Arrival& arrival) {
        if (!extends_last(arrival)) begin_run(arrival);
        Run& run = runs_[count_ - 1];
        msghdr& header = headers_[count_ - 1].msg_hdr;
        vectors_[vector_count_++] = {arrival.data, arrival.bytes};
        ++header.msg_iovlen;
        run.bytes += arrival.bytes;
        run.datagrams += datagrams_of(arrival);
    }

    /// Sends all, and is empty again. What the system refuses is lost, as datagrams are.
    void send(int fd) {
        for (std::size_t i = 0; i < count_; ++i) ask_for_segments(i);
        for (std::size_t done = 0; done < count_;) {
            const int sent = sendmmsg(fd, headers_.data() + done, static_cast<unsigned>(count_ - done), 0);
            done += sent > 0 ? static_cast<std::size_t>(sent) : 1;
        }
        count_ = 0;
        vector_count_ = 0;
    }

private:
    struct Run {
        std::size_t bytes;
        std::size_t segment_bytes;
        std::size_t datagrams;
    };

    struct alignas(cmsghdr) Control {
        std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
    };

    static std::size_t datagrams_of(const Intake::Arrival& arrival) {
        return arrival.bytes == 0 ? 1 : (arrival.bytes + arrival.segment_bytes - 1) / arrival.segment_bytes;
    }

    // Only the last datagram of a run may be shorter than the rest.
    [[nodiscard]] bool extends_last(const Intake::Arrival& arrival) const {
        if (count_ == 0 || arrival.bytes == 0) return false;
        const Run& run = runs_[count_ - 1];
        const auto& to = *static_cast<const sockaddr_in*>(headers_[count_ - 1].msg_hdr.msg_name);
        return to.sin_port == arrival.from.sin_port && to.sin_addr.s_addr == arrival.from.sin_addr.s_addr &&
               run.segment_bytes == arrival.segment_bytes && run.bytes == run.datagrams * run.segment_bytes &&
               run.datagrams + datagrams_of(arrival) <= max_run_datagrams_ &&
               run.bytes + arrival.bytes <= perf::max_datagram_bytes;
    }

    void begin_run(const Intake::Arrival& arrival) {
        runs_[count_] = {0, arrival.segment_bytes, 0};
        msghdr& header = headers_[count_].msg_hdr;
        header.msg_name = const_cast<sockaddr_in*>(&arrival.from);
        header.msg_namelen = sizeof arrival.from;
        header.msg_iov = &vectors_[vector_count_];
        header.msg_iovlen = 0;
        ++count_;
    }

    void ask_for_segments(std::size_t index) {
        msghdr& header = headers_[index].msg_hdr;
        header.msg_control = nullptr;
        header.msg_controllen = 0;
        if (runs_[index].datagrams < 2) return;
        const auto size = static_cast<std::uint16_t>(runs_[index].segment_bytes);
        header.msg_control = &controls_[index];
        header.msg_controllen = sizeof controls_[index];
        cmsghdr* control = CMSG_FIRSTHDR(&header);
        control->cmsg_level = IPPROTO_UDP;
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN(sizeof size);
        std::memcpy(CMSG_DATA(control), &size, sizeof size);
    }

    std::size_t max_run_datagrams_ = max_run_datagrams();
    std::array<mmsghdr, Intake::slots> headers_{};
    std::array<iovec, Intake::slots> vectors_{};
    std::array<Run, Intake::slots> runs_{};
    std::array<Control, Intake::slots> controls_{};
    std::size_t count_ = 0;
    std::size_t vector_count_ = 0;
};

}  // namespace perf_floor
