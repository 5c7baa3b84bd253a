// Broadcast log: bytes laid down once and sent from there to every member.
#include "broadcast_log.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

namespace pollux {

BroadcastLog::~BroadcastLog() {
    assert(members_ == 0 && first_ == nullptr && "a member outlives its log");
}

BroadcastLog::Block* BroadcastLog::add_block() {
    auto* block = ::new (slab_->allocate()) Block{nullptr, end_, 0, 0};
    (last_ != nullptr ? last_->next : first_) = block;
    last_ = block;
    return block;
}

void BroadcastLog::attach(Cursor& cursor) {
    if (last_ == nullptr) add_block();
    cursor.block_ = last_;
    cursor.position_ = end_;
    ++last_->readers;
    ++members_;
}

void BroadcastLog::detach(Cursor& cursor) noexcept {
    if (!cursor.attached()) return;
    --cursor.block_->readers;
    cursor.block_ = nullptr;
    --members_;
    release_read_blocks();
}

void BroadcastLog::append_over_blocks(Bytes bytes) {
    while (!bytes.empty()) {
        Block* block = last_->used < capacity_ ? last_ : add_block();
        const std::size_t count = std::min<std::size_t>(bytes.size(), capacity_ - block->used);
        std::memcpy(block->data() + block->used, bytes.data(), count);
        block->used += static_cast<std::uint32_t>(count);
        end_ += count;
        bytes = bytes.subspan(count);
    }
}

std::size_t BroadcastLog::peek(const Cursor& cursor, std::span<Bytes> parts) const noexcept {
    if (!cursor.attached()) return 0;
    std::size_t count = 0;
    std::uint64_t position = cursor.position_;
    for (const Block* block = cursor.block_; block != nullptr && count < parts.size(); block = block->next) {
        const auto offset = static_cast<std::size_t>(position - block->begin);
        if (offset < block->used) parts[count++] = {block->data() + offset, block->used - offset};
        position = block->end();
    }
    return count;
}

void BroadcastLog::consume(Cursor& cursor, std::size_t count) noexcept {
    cursor.position_ += count;
    Block* block = cursor.block_;
    // At the end of the last block the cursor stays, for what will be appended to it.
    if (cursor.position_ < block->end() || block->next == nullptr) return;
    --block->readers;
    while (cursor.position_ >= block->end() && block->next != nullptr) block = block->next;
    ++block->readers;
    cursor.block_ = block;
    release_read_blocks();
}

void BroadcastLog::release_read_blocks() noexcept {
    while (first_ != nullptr && first_->readers == 0 && (first_ != last_ || members_ == 0)) {
        Block* block = first_;
        first_ = block->next;
        slab_->release(block);
    }
    if (first_ == nullptr) last_ = nullptr;
}

}  // namespace pollux
