// Masking of long runs.
#include "proto/ws/mask.h"

#include "processor.h"

namespace pollux::ws {

namespace {

/// A multiple of four: behind a step, the mask stands as it stood.
constexpr std::size_t mask_step = 64;

/// As many steps as there are; returns how many bytes that is.
std::size_t mask_steps(std::byte* to, const std::byte* from, std::size_t size, Mask mask) noexcept {
    const std::uint64_t word = std::uint64_t{mask.word()} << 32 | mask.word();
    std::size_t at = 0;
    for (; at + mask_step <= size; at += mask_step) {
        std::uint64_t words[mask_step / 8];
        std::memcpy(words, from + at, mask_step);
        for (std::uint64_t& each : words) each ^= word;
        std::memcpy(to + at, words, mask_step);
    }
    return at;
}

#ifdef POLLUX_FOR_AVX2
POLLUX_FOR_AVX2 std::size_t mask_steps_avx2(std::byte* to, const std::byte* from, std::size_t size,
                                            Mask mask) noexcept {
    const __m256i word = _mm256_set1_epi32(static_cast<int>(mask.word()));
    std::size_t at = 0;
    for (; at + mask_step <= size; at += mask_step) {
        __m256i words[2];
        for (std::size_t i = 0; i < 2; ++i) {
            words[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + at) + i);
        }
        for (std::size_t i = 0; i < 2; ++i) {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at) + i, _mm256_xor_si256(words[i], word));
        }
    }
    return at;
}
#endif

}  // namespace

void apply_long_mask(std::byte* to, const std::byte* from, std::size_t size, Mask mask) noexcept {
    // What is stored in steps crosses no cache line: that would take twice the time.
    const std::size_t head = (mask_step - reinterpret_cast<std::uintptr_t>(to) % mask_step) % mask_step;
    apply_mask(to, from, head, mask);
    to += head;
    from += head;
    size -= head;
    mask = mask.behind(head);
#ifdef POLLUX_FOR_AVX2
    const std::size_t done = has_avx2() ? mask_steps_avx2(to, from, size, mask) : mask_steps(to, from, size, mask);
#else
    const std::size_t done = mask_steps(to, from, size, mask);
#endif
    apply_mask(to + done, from + done, size - done, mask);
}

}  // namespace pollux::ws
