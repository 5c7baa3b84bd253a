// The short way of short messages that come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "proto/ws/frame.h"

namespace pollux::ws {

/// A message of a client that is all there in one short frame, as most are where there are many.
struct ShortFrame {
    static constexpr std::size_t longest_payload_bytes = frame_bits::length16 - 1;
    static constexpr std::size_t header_bytes = frame_header_bytes(0, Role::client);
    static constexpr std::size_t room_bytes = 128;  ///< For a payload.

    /// That many bytes have to be there, more than such a frame has: they are unmasked in whole steps.
    static constexpr std::size_t lookahead_bytes = header_bytes + room_bytes;

    Opcode opcode;
    std::size_t payload_bytes;

    [[nodiscard]] std::size_t bytes() const noexcept { return header_bytes + payload_bytes; }
};

/// Sixteen bytes; `mask` is the key twice.
inline void unmask_16(std::byte* to, const std::byte* from, std::uint64_t mask) noexcept {
    std::uint64_t words[2];
    std::memcpy(words, from, sizeof words);
    words[0] ^= mask;
    words[1] ^= mask;
    std::memcpy(to, words, sizeof words);
}

/// Takes the frame at the front if it is such a message, not compressed and with no more than `longest_payload_bytes`;
/// else `FrameDecoder` knows what it is. It is unmasked into `payload`, and stays as it is where it lies: so the
/// receive buffer is not written to a second time.
[[nodiscard]] inline bool take_short_frame(const std::byte* frame, std::size_t longest_payload_bytes,
                                           std::byte* payload, ShortFrame& out) noexcept {
    const unsigned kind = std::to_integer<unsigned>(frame[0]) - (frame_bits::fin | unsigned{1});  // text, or binary
    const std::size_t size = std::to_integer<std::size_t>(frame[1]) - frame_bits::mask;
    if (kind > 1 || size > longest_payload_bytes) return false;
    std::uint32_t key;
    std::memcpy(&key, frame + 2, sizeof key);
    const std::uint64_t mask = std::uint64_t{key} << 32 | key;
    const std::byte* const from = frame + ShortFrame::header_bytes;
    for (std::size_t at = 0; at < size; at += 32) {
        unmask_16(payload + at, from + at, mask);
        unmask_16(payload + at + 16, from + at + 16, mask);
    }
    out = {static_cast<Opcode>(kind + 1), size};
    return true;
}

/// Of a payload that was unmasked like that: true if it is surely ASCII. What lies behind it is looked at, too.
[[nodiscard]] inline bool is_short_ascii(const std::byte* payload, std::size_t size) noexcept {
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    std::uint64_t seen = 0;
    for (std::size_t at = 0; at < size; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, payload + at, sizeof word);
        seen |= word;
    }
    return (seen & high_bits) == 0;
}

}  // namespace pollux::ws
