// Masking of long runs.
#include "proto/ws/mask.h"

namespace pollux::ws {

void apply_long_mask(std::byte* to, const std::byte* from, std::size_t size, Mask mask) noexcept {
    constexpr std::size_t step = 64;
    const std::uint64_t word = std::uint64_t{mask.word()} << 32 | mask.word();
    while (size >= step) {
        std::uint64_t words[step / 8];
        std::memcpy(words, from, step);
        for (std::uint64_t& each : words) each ^= word;
        std::memcpy(to, words, step);
        to += step;
        from += step;
        size -= step;
    }
    // Steps are multiples of four: the mask stands as it stood.
    if (size != 0) apply_mask(to, from, size, mask);
}

}  // namespace pollux::ws
