// Send queue: bytes accepted and not yet taken by the kernel.
#include "send_queue.h"

#include <algorithm>
#include <new>

namespace pollux {

SendQueue::Block* SendQueue::add_block(Slab& slab) {
    auto* block = ::new (slab.allocate()) Block{nullptr, 0, 0};
    (last_ != nullptr ? last_->next : first_) = block;
    last_ = block;
    return block;
}

void SendQueue::append(Slab& slab, Bytes bytes) {
    const auto capacity = static_cast<std::uint32_t>(slab.block_bytes() - sizeof(Block));
    while (!bytes.empty()) {
        Block* block = last_ != nullptr && last_->end < capacity ? last_ : add_block(slab);
        const std::size_t count = std::min<std::size_t>(bytes.size(), capacity - block->end);
        std::memcpy(block->data() + block->end, bytes.data(), count);
        block->end += static_cast<std::uint32_t>(count);
        size_ += count;
        bytes = bytes.subspan(count);
    }
}

std::size_t SendQueue::peek(std::span<Bytes> parts) const noexcept {
    std::size_t count = 0;
    for (const Block* block = first_; block != nullptr && count < parts.size(); block = block->next) {
        parts[count++] = {block->data() + block->begin, block->end - block->begin};
    }
    return count;
}

void SendQueue::consume(Slab& slab, std::size_t count) noexcept {
    size_ -= count;
    while (count > 0) {
        Block* block = first_;
        const std::size_t here = block->end - block->begin;
        if (count < here) {
            block->begin += static_cast<std::uint32_t>(count);
            return;
        }
        count -= here;
        first_ = block->next;
        if (first_ == nullptr) last_ = nullptr;
        slab.release(block);
    }
}

}  // namespace pollux
