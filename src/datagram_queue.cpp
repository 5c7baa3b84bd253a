// Datagram queue.
#include "datagram_queue.h"

#include <new>

namespace pollux {

void DatagramQueue::append(Slab& slab, const InetAddress& to, Bytes datagram) {
    if (last_ == nullptr || !last_->batch.append(to, datagram)) {
        auto* block = ::new (slab.allocate()) Block;
        (last_ != nullptr ? last_->next : first_) = block;
        last_ = block;
        block->batch.append(to, datagram);
    }
    cost_ += cost(1, datagram.size());
}

void DatagramQueue::consume(Slab& slab, std::size_t count) noexcept {
    Block* block = first_;
    const std::size_t bytes_before = block->batch.bytes();
    block->batch.consume(count);
    cost_ -= cost(count, bytes_before - block->batch.bytes());
    if (!block->batch.empty()) return;
    first_ = block->next;
    if (first_ == nullptr) last_ = nullptr;
    block->~Block();
    slab.release(block);
}

std::size_t DatagramQueue::clear(Slab& slab) noexcept {
    std::size_t dropped = 0;
    while (!empty()) {
        const std::size_t count = front().datagrams();
        dropped += count;
        consume(slab, count);
    }
    return dropped;
}

}  // namespace pollux
