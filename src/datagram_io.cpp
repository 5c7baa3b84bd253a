// What a reactor has for datagrams.
#include "datagram_io.h"

#include <bit>

#include "platform/memory.h"

namespace pollux {

namespace {

/// Three lines more than a slot: the beginnings of slots at a distance of a power of two would all meet in the same set
/// of the cache.
constexpr std::size_t slot_distance = platform::datagram_slot_bytes + std::size_t{3} * 64;
constexpr std::size_t slots_bytes = std::bit_ceil(slot_distance * platform::max_datagram_messages);

}  // namespace

std::size_t DatagramIo::memory_bytes() noexcept {
    return slots_bytes;
}

DatagramIo::DatagramIo()
    : memory_(static_cast<std::byte*>(platform::allocate_pages(slots_bytes))),
      queue_slab_(DatagramQueue::block_bytes()) {
    for (std::size_t i = 0; i < arrivals_.size(); ++i) arrivals_[i].slot = memory_ + i * slot_distance;
    intake_.arrivals = arrivals_;
}

DatagramIo::~DatagramIo() {
    platform::release_pages(memory_, slots_bytes);
}

}  // namespace pollux
