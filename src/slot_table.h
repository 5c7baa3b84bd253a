// Slot table: from an id to what it names, and for any thread whether an id is stale.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include <pollux/connection.h>
#include <pollux/udp_socket.h>

namespace pollux {

class StreamConnection;
class UdpShard;

/// The things of one kind on one reactor, by slot; their ids are 64 bits of reactor, slot and generation. Chunks are
/// added when needed and stay until the end, so other threads may look at generations at any time; all else belongs to
/// the reactor's thread.
template <class Item, class Id>
class SlotTable {
public:
    static constexpr unsigned slot_bits = 22;
    static constexpr unsigned reactor_bits = 10;

    SlotTable() = default;
    SlotTable(const SlotTable&) = delete;
    SlotTable& operator=(const SlotTable&) = delete;
    ~SlotTable();

    /// Puts an item into a free slot. Returns no id when four million are in use.
    [[nodiscard]] Id insert(std::size_t reactor, Item* item);

    /// Frees the slot of an id; from now on the id is stale.
    void remove(Id id) noexcept;

    /// What an id names, or null.
    [[nodiscard]] Item* find(Id id) const noexcept;

    /// True unless the id is stale. Any thread.
    [[nodiscard]] bool contains(Id id) const noexcept;

    /// The reactor an id names.
    [[nodiscard]] static std::size_t reactor_of(Id id) noexcept {
        return static_cast<std::size_t>(id.value >> (32 + slot_bits));
    }

    /// Calls `visit(Item&)` for each that is in the table now.
    template <class Visit>
    void for_each(Visit&& visit) {
        for (std::uint32_t slot = 0; slot < next_fresh_; ++slot) {
            const Entry& entry = chunk(slot / chunk_slots)[slot % chunk_slots];
            if (entry.generation.load(std::memory_order_relaxed) != 0) visit(*entry.item);
        }
    }

private:
    static constexpr std::uint32_t chunk_slots = 1024;
    static constexpr std::uint32_t max_slots = 1U << slot_bits;

    struct Entry {
        union {
            Item* item;
            std::uint64_t next_free;  // slot + 1 of the next free one
        };
        std::atomic<std::uint32_t> generation{0};  // 0: free
        Entry() : next_free(0) {}
    };

    [[nodiscard]] static std::uint32_t slot_of(Id id) noexcept {
        return static_cast<std::uint32_t>(id.value >> 32) & (max_slots - 1);
    }
    [[nodiscard]] static std::uint32_t generation_of(Id id) noexcept { return static_cast<std::uint32_t>(id.value); }
    [[nodiscard]] Entry* chunk(std::uint32_t index) const noexcept {
        return chunks_[index].load(std::memory_order_acquire);
    }
    [[nodiscard]] const Entry* find_entry(Id id) const noexcept;

    std::array<std::atomic<Entry*>, max_slots / chunk_slots> chunks_{};
    std::uint64_t first_free_ = 0;  // slot + 1; 0: none
    std::uint32_t next_fresh_ = 0;
    std::uint32_t last_generation_ = 0;  // one counter for all slots, so that a slot's generations never repeat soon
};

using ConnectionTable = SlotTable<StreamConnection, ConnectionId>;
using UdpTable = SlotTable<UdpShard, UdpSocketId>;

}  // namespace pollux
