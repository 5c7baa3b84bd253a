// The short way of short messages: what `ws::WebSocket::send` does without a call into the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pollux/bytes.h>

namespace pollux::detail {

/// Where messages are laid down behind each other while a callback runs, as long as nothing has to be asked about for
/// that: nothing waits, nothing closes, no limit is near. Otherwise it has no owner.
struct MessageLane {
    /// What one message takes at most.
    static constexpr std::size_t longest_payload_bytes = 125;
    static constexpr std::size_t longest_bytes = 2 + longest_payload_bytes;

    const void* owner = nullptr;  // whose messages may be laid down now
    std::byte* next = nullptr;    // where the next one goes
    std::byte* last = nullptr;    // where one may still begin
    std::uint64_t messages = 0;   // how many were laid down since the callback began
};

/// A copy without a call. Its steps are of 16 bytes: a wider load would wait until what was stored in such steps just
/// now (unmasked, say) has left the store buffer.
inline void copy_short(std::byte* to, Bytes data) noexcept {
    const std::byte* const from = data.data();
    const std::size_t size = data.size();
    if (size > 16) {
        std::size_t at = 0;
        for (; size - at > 32; at += 16) std::memcpy(to + at, from + at, 16);
        std::memcpy(to + at, from + at, 16);
        std::memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        std::memcpy(to, from, 8);
        std::memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        std::memcpy(to, from, 4);
        std::memcpy(to + size - 4, from + size - 4, 4);
    } else if (size > 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}

/// Lays a frame down. False if that is not possible now; then nothing was done.
[[nodiscard]] inline bool lay_down(MessageLane& lane, const void* owner, std::uint8_t first, Bytes data) noexcept {
    if (lane.owner != owner || data.size() > MessageLane::longest_payload_bytes || lane.next > lane.last) return false;
    std::byte* const place = lane.next;
    place[0] = std::byte{first};
    place[1] = static_cast<std::byte>(data.size());
    copy_short(place + 2, data);
    lane.next = place + 2 + data.size();
    ++lane.messages;
    return true;
}

}  // namespace pollux::detail
