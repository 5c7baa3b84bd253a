// An open WebSocket: the short way of a short message.
#pragma once

#include <cstring>

#include "cork.h"
#include "ws/session.h"

namespace pollux::ws {

/// A copy without a call, in the steps in which the bytes were unmasked just now, if they were: a wider load would wait
/// until the stores have left the store buffer.
inline void copy_short(std::byte* to, Bytes data) noexcept {
    const std::byte* const from = data.data();
    const std::size_t size = data.size();
    if (size >= 16) {
        for (std::size_t at = 0; at + 16 <= size; at += 16) std::memcpy(to + at, from + at, 16);
        if (size % 16 != 0) std::memcpy(to + size - 16, from + size - 16, 16);
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

/// What a server sends mostly, when it answers many messages at once: laid down behind each other without a call. False
/// if it is not that; then nothing was done.
inline bool Session::send_short(MessageType type, Bytes data) noexcept {
    if (!sends_short_ || data.size() >= frame_bits::length16) return false;
    const std::size_t size = 2 + data.size();
    std::byte* const place = cork_->lane(*stream_, size);
    if (place == nullptr) return false;
    place[0] = std::byte{final_frame(static_cast<Opcode>(type))};
    place[1] = static_cast<std::byte>(data.size());
    copy_short(place + 2, data);
    cork_->add_lane_message(size);
    ++counters_.messages_sent;
    return true;
}

}  // namespace pollux::ws
