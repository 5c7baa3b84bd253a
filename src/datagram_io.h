// What a reactor has for datagrams: memory to receive into, and the batch that collects what is sent.
#pragma once

#include <array>
#include <cstddef>
#include <functional>

#include "datagram_batch.h"
#include "datagram_queue.h"
#include "platform/datagrams.h"
#include "slab.h"

namespace pollux {

class UdpShard;

/// A reactor's, made for its first UDP socket. The slots are address space: of a slot that never held more than a small
/// datagram, one page is real.
class DatagramIo {
public:
    DatagramIo();
    ~DatagramIo();
    DatagramIo(const DatagramIo&) = delete;
    DatagramIo& operator=(const DatagramIo&) = delete;

    /// All slots, to receive into.
    [[nodiscard]] platform::DatagramIntake& intake() noexcept { return intake_; }

    /// True for bytes in a slot: what a handler was given and sends on need not be copied.
    [[nodiscard]] bool holds(Bytes bytes) const noexcept {
        return std::greater_equal<>{}(bytes.data(), memory_) && std::less<>{}(bytes.data(), memory_ + memory_bytes());
    }

    /// What one socket at a time collects here, to be sent in few calls. `owner` is that socket, or null.
    [[nodiscard]] DatagramBatch& batch() noexcept { return batch_; }
    UdpShard* owner = nullptr;

    /// For the queues of the sockets that wait.
    [[nodiscard]] Slab& queue_slab() noexcept { return queue_slab_; }

private:
    [[nodiscard]] static std::size_t memory_bytes() noexcept;

    std::byte* memory_;
    std::array<platform::DatagramArrival, platform::max_datagram_messages> arrivals_;
    platform::DatagramIntake intake_;
    DatagramBatch batch_;
    Slab queue_slab_;
};

}  // namespace pollux
