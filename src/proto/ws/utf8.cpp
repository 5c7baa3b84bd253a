// UTF-8, checked while it streams.
#include "proto/ws/utf8.h"

#include <cstddef>
#include <cstring>

namespace pollux::ws {

namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080;

/// Where the ASCII at the front ends, rounded down to a step.
std::size_t skip_ascii(const std::uint8_t* text, std::size_t size) noexcept {
    constexpr std::size_t step = 64;
    std::size_t at = 0;
    for (; at + step <= size; at += step) {
        std::uint64_t words[step / 8];
        std::memcpy(words, text + at, step);
        std::uint64_t all = 0;
        for (const std::uint64_t word : words) all |= word;
        if ((all & high_bits) != 0) break;
    }
    for (; at + 8 <= size; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, text + at, 8);
        if ((word & high_bits) != 0) break;
    }
    return at;
}

}  // namespace

/// The table of RFC 3629, 4: what follows a lead byte.
bool Utf8Validator::begin_character(std::uint8_t lead) noexcept {
    low_ = 0x80;
    high_ = 0xbf;
    if (lead < 0xc2) return false;
    if (lead < 0xe0) {
        missing_ = 1;
    } else if (lead < 0xf0) {
        missing_ = 2;
        if (lead == 0xe0) low_ = 0xa0;   // else it is overlong
        if (lead == 0xed) high_ = 0x9f;  // else it is a surrogate
    } else if (lead < 0xf5) {
        missing_ = 3;
        if (lead == 0xf0) low_ = 0x90;
        if (lead == 0xf4) high_ = 0x8f;
    } else {
        return false;
    }
    return true;
}

bool Utf8Validator::feed(Bytes part) noexcept {
    const auto* const text = reinterpret_cast<const std::uint8_t*>(part.data());
    const std::size_t size = part.size();
    std::size_t at = 0;
    while (at < size) {
        if (missing_ == 0) {
            if (text[at] < 0x80) {
                const std::size_t ascii = skip_ascii(text + at, size - at);
                at += ascii;
                while (at < size && text[at] < 0x80) ++at;
                continue;
            }
            if (!begin_character(text[at++])) return false;
            continue;
        }
        const std::uint8_t byte = text[at++];
        if (byte < low_ || byte > high_) return false;
        low_ = 0x80;
        high_ = 0xbf;
        --missing_;
    }
    return true;
}

}  // namespace pollux::ws
