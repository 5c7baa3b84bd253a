// Send queue: bytes accepted and not yet taken by the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pollux/bytes.h>

#include "slab.h"

namespace pollux {

/// What send blocks are cut to: eight of them and a slab's header fill a chunk of 128 KiB.
inline constexpr std::size_t send_block_bytes = (128 * 1024 - 64) / 8 / 64 * 64;

/// A run of bytes in slab blocks, appended at one end and consumed at the other. Owns nothing while it is empty. The
/// slab is passed in with each call: a connection that waits for nothing should not remember one. One thread.
class SendQueue {
public:
    SendQueue() = default;
    SendQueue(const SendQueue&) = delete;
    SendQueue& operator=(const SendQueue&) = delete;

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Copies bytes to the end.
    void append(Slab& slab, Bytes bytes);

    /// Fills `parts` with the front of the queue, in order; returns how many parts there are. They are valid until the
    /// next call that changes the queue.
    [[nodiscard]] std::size_t peek(std::span<Bytes> parts) const noexcept;

    /// Drops the first `count` bytes; their blocks go back to the slab.
    void consume(Slab& slab, std::size_t count) noexcept;

    /// Drops everything.
    void clear(Slab& slab) noexcept { consume(slab, size_); }

private:
    struct Block {
        Block* next;
        std::uint32_t begin;
        std::uint32_t end;

        [[nodiscard]] std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
        [[nodiscard]] const std::byte* data() const noexcept { return reinterpret_cast<const std::byte*>(this + 1); }
    };

    Block* add_block(Slab& slab);

    Block* first_ = nullptr;
    Block* last_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace pollux
