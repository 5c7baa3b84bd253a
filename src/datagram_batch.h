// Datagram batch: datagrams accepted and not yet taken by the system, in runs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pollux/address.h>
#include <pollux/bytes.h>
#include <pollux/udp_socket.h>

#include "platform/datagrams.h"

namespace pollux {

/// Datagrams appended at one end and consumed at the other, laid down one behind the other or where they were. Those of
/// one size to one peer that follow each other make a run, which the system can take in one piece. Of fixed size: it is
/// a block of a slab. One thread.
class DatagramBatch {
public:
    DatagramBatch() = default;
    DatagramBatch(const DatagramBatch&) = delete;
    DatagramBatch& operator=(const DatagramBatch&) = delete;

    [[nodiscard]] bool empty() const noexcept { return first_ == runs_used_; }

    /// Datagrams that are not consumed, and their payload.
    [[nodiscard]] std::size_t datagrams() const noexcept { return datagrams_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    /// Copies a datagram to the end; false if there is no room. An empty batch takes any. `to` is none for the peer
    /// that the socket is connected to.
    bool append(const InetAddress& to, Bytes datagram) noexcept {
        return extend(to, datagram) || begin_run(to, DatagramRun{datagram, 0});
    }

    /// Copies a datagram to the end if it goes on with the last run.
    bool extend(const InetAddress& to, Bytes datagram) noexcept {
        const std::size_t size = datagram.size();
        if (size - 1 >= open_segment_ || size > open_bytes_) return false;
        platform::OutgoingRun& last = runs_[runs_used_ - 1];
        if (!(last.to == to)) return false;
        if (last_is_borrowed_) {
            if (datagram.data() != last.data + last.bytes) return false;
        } else {
            std::memcpy(memory_.data() + used_bytes_, datagram.data(), size);
            used_bytes_ += size;
        }
        last.bytes += static_cast<std::uint32_t>(size);
        open_bytes_ -= size;
        bytes_ += size;
        ++datagrams_;
        if (--open_datagrams_ == 0 || size != open_segment_) open_segment_ = 0;
        return true;
    }

    /// Copies datagrams to the end as a run; false if there is no room. At most `max_run_datagrams` of together
    /// `max_datagram_bytes`.
    bool begin_run(const InetAddress& to, const DatagramRun& run) noexcept;

    /// The same without a copy: the bytes stay where they are until the batch is empty or cleared.
    bool borrow_run(const InetAddress& to, const DatagramRun& run) noexcept;

    /// True while bytes are borrowed.
    [[nodiscard]] bool borrows() const noexcept { return borrows_; }

    /// What is not consumed; valid until the next call that changes the batch.
    [[nodiscard]] std::span<const platform::OutgoingRun> runs() const noexcept {
        return {runs_.data() + first_, runs_used_ - first_};
    }

    /// The payload of the first `count` datagrams.
    [[nodiscard]] std::size_t bytes_of(std::size_t count) const noexcept;

    /// Where a datagram goes, counted from the front.
    [[nodiscard]] InetAddress address_of(std::size_t index) const noexcept;

    /// Drops the first `count` datagrams.
    void consume(std::size_t count) noexcept;

    void clear() noexcept { consume(datagrams_); }

private:
    static constexpr std::size_t capacity_bytes = 65'536;
    static constexpr std::size_t capacity_runs = 256;
    static_assert(max_datagram_bytes <= capacity_bytes);

    void add_run(const InetAddress& to, const std::byte* place, const DatagramRun& run, std::size_t room) noexcept;

    std::size_t used_bytes_ = 0;
    std::size_t first_ = 0;
    std::size_t runs_used_ = 0;
    std::size_t bytes_ = 0;
    std::size_t datagrams_ = 0;
    std::size_t open_segment_ = 0;    // the size of what may go on with the last run; 0: nothing
    std::size_t open_datagrams_ = 0;  // how many may, and of how many bytes
    std::size_t open_bytes_ = 0;
    bool last_is_borrowed_ = false;
    bool borrows_ = false;
    std::array<platform::OutgoingRun, capacity_runs> runs_;
    std::array<std::byte, capacity_bytes> memory_;
};

}  // namespace pollux
