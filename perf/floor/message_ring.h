// Where the multicast loops lay down their messages, once for all clients.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "../common/pattern.h"
#include "floor.h"

namespace perf_floor {

/// A ring of messages. Positions are counted from the start of the run, in bytes.
class MessageRing {
public:
    explicit MessageRing(const perf::Pattern& pattern) : pattern_(pattern) {}
    MessageRing(const MessageRing&) = delete;
    MessageRing& operator=(const MessageRing&) = delete;

    /// One past the last byte that was laid down.
    [[nodiscard]] std::uint64_t head() const { return head_; }

    /// What was laid down from `position` on, in one piece.
    [[nodiscard]] std::string_view after(std::uint64_t position) const {
        return {ring_ + position % ring_bytes, static_cast<std::size_t>(head_ - position)};
    }

    /// Lays down as many messages, one by one, as there is room for before the slowest client, up to a turn's worth.
    /// False if there was no room.
    bool produce(std::uint64_t slowest) {
        const std::size_t size = pattern_.message_bytes();
        const std::size_t room = std::min(turn_bytes, ring_bytes - static_cast<std::size_t>(head_ - slowest));
        const std::size_t messages = room / size;
        char* to = ring_ + head_ % ring_bytes;
        perf::PatternWriter writer = writer_;  // in registers: the copies below could alias a member
        for (std::size_t i = 0; i < messages; ++i) {
            std::memcpy(to, writer.message(), size);
            writer.advance();
            to += size;
        }
        writer_ = writer;
        head_ += messages * size;
        return messages > 0;
    }

private:
    // The best of the sizes measured: smaller turns cost system calls, larger rings fall out of the second-level cache.
    static constexpr std::size_t ring_bytes = 512 * 1024;
    static constexpr std::size_t turn_bytes = 128 * 1024;

    // The same memory twice in a row, so that no piece of the ring is ever split.
    static char* map_ring() {
        const int memory = memfd_create("ring", 0);
        if (memory < 0 || ftruncate(memory, ring_bytes) != 0) die("memfd_create");
        char* ring = static_cast<char*>(mmap(nullptr, 2 * ring_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        for (char* half : {ring, ring + ring_bytes}) {
            if (mmap(half, ring_bytes, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_SHARED | MAP_POPULATE, memory, 0) ==
                MAP_FAILED)
                die("mmap");
        }
        return ring;
    }

    perf::Pattern pattern_;
    perf::PatternWriter writer_{pattern_};
    char* ring_ = map_ring();
    std::uint64_t head_ = 0;
};

}  // namespace perf_floor
