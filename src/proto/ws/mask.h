// Masking (RFC 6455, 5.3): exclusive or with four bytes, again and again.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "proto/ws/frame.h"

namespace pollux::ws {

/// A mask as a word whose bytes in memory are those of the key, for whoever goes on in the middle of a frame.
class Mask {
public:
    Mask() = default;
    explicit Mask(MaskKey key) noexcept : word_(std::bit_cast<std::uint32_t>(key)) {}

    [[nodiscard]] std::uint32_t word() const noexcept { return word_; }

    /// The mask for what follows behind `count` bytes.
    [[nodiscard]] Mask behind(std::size_t count) const noexcept {
        const auto bits = static_cast<std::uint32_t>(count % 4 * 8);
        const std::uint32_t rest = (32 - bits) % 32;
        Mask mask;
        mask.word_ =
            std::endian::native == std::endian::little ? word_ >> bits | word_ << rest : word_ << bits | word_ >> rest;
        return mask;
    }

private:
    std::uint32_t word_ = 0;
};

/// From here on a call to what is made for long runs pays.
inline constexpr std::size_t long_mask_bytes = 128;

/// `apply_mask` for any length, at the speed of memory.
void apply_long_mask(std::byte* to, const std::byte* from, std::size_t size, Mask mask) noexcept;

/// Masks, or unmasks, which is the same. `to` may be `from`; they do not overlap otherwise.
inline void apply_mask(std::byte* to, const std::byte* from, std::size_t size, Mask mask) noexcept {
    if (size >= long_mask_bytes) {
        apply_long_mask(to, from, size, mask);
        return;
    }
    const std::uint64_t word = std::uint64_t{mask.word()} << 32 | mask.word();
    std::size_t at = 0;
    for (; at + 16 <= size; at += 16) {
        std::uint64_t words[2];
        std::memcpy(words, from + at, 16);
        words[0] ^= word;
        words[1] ^= word;
        std::memcpy(to + at, words, 16);
    }
    if (at + 8 <= size) {
        std::uint64_t bytes;
        std::memcpy(&bytes, from + at, 8);
        bytes ^= word;
        std::memcpy(to + at, &bytes, 8);
        at += 8;
    }
    const std::uint32_t half = mask.word();
    if (at + 4 <= size) {
        std::uint32_t bytes;
        std::memcpy(&bytes, from + at, 4);
        bytes ^= half;
        std::memcpy(to + at, &bytes, 4);
        at += 4;
    }
    if (at == size) return;
    std::byte key[4];
    std::memcpy(key, &half, 4);
    to[at] = from[at] ^ key[0];
    if (at + 1 < size) to[at + 1] = from[at + 1] ^ key[1];
    if (at + 2 < size) to[at + 2] = from[at + 2] ^ key[2];
}

inline void apply_mask(MutableBytes bytes, Mask mask) noexcept {
    apply_mask(bytes.data(), bytes.data(), bytes.size(), mask);
}

}  // namespace pollux::ws
