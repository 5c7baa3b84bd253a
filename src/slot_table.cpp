// Slot table: from an id to what it names.
#include "slot_table.h"

namespace pollux {

template <class Item, class Id>
SlotTable<Item, Id>::~SlotTable() {
    for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
}

template <class Item, class Id>
Id SlotTable<Item, Id>::insert(std::size_t reactor, Item* item) {
    std::uint32_t slot;
    if (first_free_ != 0) {
        slot = static_cast<std::uint32_t>(first_free_ - 1);
        first_free_ = chunk(slot / chunk_slots)[slot % chunk_slots].next_free;
    } else {
        if (next_fresh_ == max_slots) return {};
        slot = next_fresh_;
        auto& chunk_pointer = chunks_[slot / chunk_slots];
        if (chunk_pointer.load(std::memory_order_relaxed) == nullptr) {
            chunk_pointer.store(new Entry[chunk_slots], std::memory_order_release);
        }
        ++next_fresh_;
    }
    if (++last_generation_ == 0) ++last_generation_;
    Entry& entry = chunk(slot / chunk_slots)[slot % chunk_slots];
    entry.item = item;
    entry.generation.store(last_generation_, std::memory_order_release);
    return {static_cast<std::uint64_t>(reactor) << (32 + slot_bits) | static_cast<std::uint64_t>(slot) << 32 |
            last_generation_};
}

template <class Item, class Id>
void SlotTable<Item, Id>::remove(Id id) noexcept {
    const std::uint32_t slot = slot_of(id);
    Entry& entry = chunk(slot / chunk_slots)[slot % chunk_slots];
    entry.generation.store(0, std::memory_order_release);
    entry.next_free = first_free_;
    first_free_ = std::uint64_t{slot} + 1;
}

template <class Item, class Id>
auto SlotTable<Item, Id>::find_entry(Id id) const noexcept -> const Entry* {
    const std::uint32_t slot = slot_of(id);
    const Entry* entries = chunk(slot / chunk_slots);
    if (entries == nullptr || generation_of(id) == 0) return nullptr;
    const Entry& entry = entries[slot % chunk_slots];
    return entry.generation.load(std::memory_order_acquire) == generation_of(id) ? &entry : nullptr;
}

template <class Item, class Id>
Item* SlotTable<Item, Id>::find(Id id) const noexcept {
    const Entry* entry = find_entry(id);
    return entry != nullptr ? entry->item : nullptr;
}

template <class Item, class Id>
bool SlotTable<Item, Id>::contains(Id id) const noexcept {
    return find_entry(id) != nullptr;
}

template class SlotTable<StreamConnection, ConnectionId>;
template class SlotTable<UdpShard, UdpSocketId>;

}  // namespace pollux
