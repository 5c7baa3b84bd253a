// Classes of characters in HTTP messages: what looks at many of them at once.
#include "proto/http/characters.h"

#include <bit>
#include <cstring>

#include "processor.h"

namespace pollux::http {

const char* find_control(const char* at, const char* end) noexcept {
#ifdef POLLUX_HAS_SSE2
    for (; end - at >= 16; at += 16) {
        const __m128i word = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i below_space = _mm_cmpeq_epi8(_mm_min_epu8(word, _mm_set1_epi8(0x1F)), word);
        const __m128i del = _mm_cmpeq_epi8(word, _mm_set1_epi8(0x7F));
        const int found = _mm_movemask_epi8(_mm_or_si128(below_space, del));
        if (found != 0) return at + std::countr_zero(static_cast<unsigned>(found));
    }
#endif
    constexpr std::uint64_t ones = 0x0101010101010101;
    if constexpr (std::endian::native == std::endian::little) {
        for (; end - at >= 8; at += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, at, sizeof word);
            // The high bit of each byte that is below 0x20 or is DEL. A borrow can only set bits behind such a byte, so
            // the first is right.
            const std::uint64_t below_space = (word - 0x20 * ones) & ~word;
            const std::uint64_t del = word ^ (0x7F * ones);
            const std::uint64_t found = (below_space | ((del - ones) & ~del)) & (0x80 * ones);
            if (found != 0) return at + std::countr_zero(found) / 8;
        }
    }
    while (at != end && static_cast<unsigned char>(*at) >= 0x20 && *at != 0x7F) ++at;
    return at;
}

bool is_field_value(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    const char* at = find_control(text.data(), end);
    while (at != end && *at == '\t') at = find_control(at + 1, end);
    return at == end;
}

}  // namespace pollux::http
