// Datagram queue: what waits until the system has room again.
#pragma once

#include <cstddef>

#include "datagram_batch.h"
#include "slab.h"

namespace pollux {

/// A chain of batches in slab blocks. Owns nothing while it is empty. The slab, whose blocks are of `block_bytes()`, is
/// passed in with each call. One thread.
class DatagramQueue {
public:
    DatagramQueue() = default;
    DatagramQueue(const DatagramQueue&) = delete;
    DatagramQueue& operator=(const DatagramQueue&) = delete;

    [[nodiscard]] static std::size_t block_bytes() noexcept { return sizeof(Block); }

    /// What a datagram counts for: many that are empty take memory as well.
    [[nodiscard]] static std::size_t cost(std::size_t datagrams, std::size_t bytes) noexcept {
        return bytes + datagrams * sizeof(platform::OutgoingRun);
    }

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

    /// What everything in it counts for.
    [[nodiscard]] std::size_t cost() const noexcept { return cost_; }

    /// Copies a datagram to the end.
    void append(Slab& slab, const InetAddress& to, Bytes datagram);

    /// The datagrams in front, some of those that wait. Not while empty.
    [[nodiscard]] const DatagramBatch& front() const noexcept { return first_->batch; }

    /// Drops the first `count` datagrams, all of `front` at most.
    void consume(Slab& slab, std::size_t count) noexcept;

    /// Drops everything; returns how many datagrams that were.
    std::size_t clear(Slab& slab) noexcept;

private:
    struct Block {
        Block* next = nullptr;
        DatagramBatch batch;
    };

    Block* first_ = nullptr;
    Block* last_ = nullptr;
    std::size_t cost_ = 0;
};

}  // namespace pollux
