// Broadcast log: bytes laid down once and sent from there to every member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pollux/bytes.h>

#include "slab.h"

namespace pollux {

/// The shared run of bytes that the members of a server send from, in slab blocks. Each member holds a cursor; a block
/// goes back to the slab when the last cursor has left it. A broadcast costs one copy, however many members there are.
/// One thread.
class BroadcastLog {
    struct Block;

public:
    /// Where a member stands. Attached cursors keep the block they stand in.
    class Cursor {
    public:
        [[nodiscard]] bool attached() const noexcept { return block_ != nullptr; }

    private:
        friend class BroadcastLog;
        Block* block_ = nullptr;
        std::uint64_t position_ = 0;
    };

    explicit BroadcastLog(Slab& slab) noexcept
        : slab_(&slab), capacity_(static_cast<std::uint32_t>(slab.block_bytes() - sizeof(Block))) {}
    ~BroadcastLog();
    BroadcastLog(const BroadcastLog&) = delete;
    BroadcastLog& operator=(const BroadcastLog&) = delete;

    /// Puts a new member at the end: it gets what is appended from now on.
    void attach(Cursor& cursor);

    /// Takes a member out; blocks that only it still needed are freed.
    void detach(Cursor& cursor) noexcept;

    /// Copies bytes to the end. Nothing happens if there are no members.
    void append(Bytes bytes) {
        if (members_ == 0) return;
        Block* block = last_;
        if (bytes.size() > capacity_ - block->used) {
            append_over_blocks(bytes);
            return;
        }
        std::memcpy(block->data() + block->used, bytes.data(), bytes.size());
        block->used += static_cast<std::uint32_t>(bytes.size());
        end_ += bytes.size();
    }

    /// Bytes that a member has not consumed. 0 if it is not attached.
    [[nodiscard]] std::size_t lag(const Cursor& cursor) const noexcept {
        return cursor.attached() ? static_cast<std::size_t>(end_ - cursor.position_) : 0;
    }

    /// Fills `parts` with what a member has not consumed, in order; returns how many parts there are. Valid until the
    /// next call that changes the log.
    [[nodiscard]] std::size_t peek(const Cursor& cursor, std::span<Bytes> parts) const noexcept;

    /// Moves a member forward by `count` bytes.
    void consume(Cursor& cursor, std::size_t count) noexcept;

    /// All bytes ever appended.
    [[nodiscard]] std::uint64_t end() const noexcept { return end_; }

    [[nodiscard]] std::size_t members() const noexcept { return members_; }

private:
    struct Block {
        Block* next;
        std::uint64_t begin;  // the position of its first byte
        std::uint32_t used;
        std::uint32_t readers;

        [[nodiscard]] std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
        [[nodiscard]] const std::byte* data() const noexcept { return reinterpret_cast<const std::byte*>(this + 1); }
        [[nodiscard]] std::uint64_t end() const noexcept { return begin + used; }
    };

    Block* add_block();
    void append_over_blocks(Bytes bytes);
    void release_read_blocks() noexcept;

    Slab* slab_;
    std::uint32_t capacity_;  // bytes of a block
    Block* first_ = nullptr;
    Block* last_ = nullptr;
    std::uint64_t end_ = 0;
    std::size_t members_ = 0;
};

}  // namespace pollux
