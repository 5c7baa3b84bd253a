// UTF-8 beside a reference that decodes, for all short sequences, however a text is cut.
#include "proto/ws/utf8.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <string_view>
#include <vector>

#include "unit/ws_support.h"

namespace pollux::test {
namespace {

using ws::is_utf8;
using ws::Utf8Validator;

enum class Utf8Verdict { good, cut, bad };

/// The code points that a character's first bytes leave open, from the least to the greatest.
struct Range {
    std::uint32_t low;
    std::uint32_t high;
};

/// True if there is a character of so many bytes among them: none that fits into fewer, no surrogate, and none beyond
/// the last.
bool has_character(Range range, std::size_t bytes) {
    constexpr std::array<Range, 5> sizes{{{}, {0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xffff}, {0x10000, 0x10ffff}}};
    const std::uint32_t low = std::max(range.low, sizes[bytes].low);
    const std::uint32_t high = std::min(range.high, sizes[bytes].high);
    return low <= high && !(low >= 0xd800 && high <= 0xdfff);
}

/// Takes the character at the front, bit by bit.
Utf8Verdict take_character(std::string_view& text) {
    const auto lead = static_cast<std::uint8_t>(text.front());
    const int ones = std::countl_one(lead);
    const std::size_t bytes = ones == 0 ? 1 : static_cast<std::size_t>(ones);
    if (ones == 1 || bytes > 4) return Utf8Verdict::bad;
    Range range{lead & (0xffU >> (ones + 1)), lead & (0xffU >> (ones + 1))};
    for (std::size_t i = 1; i < bytes; ++i) {
        Range bits{0, 0x3f};
        if (i < text.size()) {
            const auto byte = static_cast<std::uint8_t>(text[i]);
            if ((byte & 0xc0) != 0x80) return Utf8Verdict::bad;
            bits = {byte & 0x3fU, byte & 0x3fU};
        }
        range = {range.low << 6 | bits.low, range.high << 6 | bits.high};
    }
    if (!has_character(range, bytes)) return Utf8Verdict::bad;
    if (text.size() < bytes) return Utf8Verdict::cut;
    text.remove_prefix(bytes);
    return Utf8Verdict::good;
}

Utf8Verdict reference(std::string_view text) {
    while (!text.empty()) {
        if (const Utf8Verdict verdict = take_character(text); verdict != Utf8Verdict::good) return verdict;
    }
    return Utf8Verdict::good;
}

Utf8Verdict judged(std::string_view text) {
    Utf8Validator validator;
    if (!validator.feed(as_bytes(text))) return Utf8Verdict::bad;
    return validator.complete() ? Utf8Verdict::good : Utf8Verdict::cut;
}

Utf8Verdict judged(Cut pieces) {
    Utf8Validator validator;
    for (const std::string_view piece : pieces) {
        if (!validator.feed(as_bytes(piece))) return Utf8Verdict::bad;
    }
    return validator.complete() ? Utf8Verdict::good : Utf8Verdict::cut;
}

std::string hex(std::string_view text) {
    std::string out;
    for (const char c : text) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto byte = static_cast<std::uint8_t>(c);
        out.append({digits[byte >> 4], digits[byte & 15], ' '});
    }
    return out;
}

/// Where a byte's meaning changes.
constexpr std::array<std::uint8_t, 24> borders{0x00, 0x41, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x9f, 0xa0, 0xa1, 0xbe, 0xbf,
                                               0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xf8, 0xff};

std::vector<std::uint8_t> all_bytes() {
    std::vector<std::uint8_t> bytes;
    for (unsigned byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<std::uint8_t>(byte));
    return bytes;
}

/// Every text with one of these bytes at each place, in the order of the places.
template <class Visit>
void for_each_text(const std::vector<std::vector<std::uint8_t>>& places, Visit&& visit, const std::string& begun = {}) {
    const std::size_t at = begun.size();
    if (at == places.size()) {
        visit(begun);
        return;
    }
    std::string text = begun + ' ';
    for (const std::uint8_t byte : places[at]) {
        text[at] = static_cast<char>(byte);
        for_each_text(places, visit, text);
    }
}

void expect_as_the_reference(const std::string& text) {
    ASSERT_EQ(judged(text), reference(text)) << hex(text);
}

TEST(WsUtf8Test, all_sequences_of_up_to_three_bytes) {
    const std::vector<std::uint8_t> all = all_bytes();
    const std::vector<std::uint8_t> third = sanitized ? std::vector<std::uint8_t>{borders.begin(), borders.end()} : all;
    for_each_text({all}, expect_as_the_reference);
    for_each_text({all, all}, expect_as_the_reference);
    for_each_text({all, all, third}, expect_as_the_reference);
}

TEST(WsUtf8Test, the_borders_of_four_bytes) {
    const std::vector<std::uint8_t> all = all_bytes();
    const std::vector<std::uint8_t> some{borders.begin(), borders.end()};
    for_each_text({{0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff}, all, some, some}, expect_as_the_reference);
}

TEST(WsUtf8Test, five_and_six_bytes_are_none) {
    for (const std::string_view text : {"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff"}) {
        EXPECT_EQ(judged(text), Utf8Verdict::bad) << hex(text);
    }
}

/// Characters of each size, their first and their last ones, among ASCII.
const std::string mixed =
    "a\x7f\xc2\x80z\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf!";

TEST(WsUtf8Test, cut_everywhere) {
    ASSERT_EQ(reference(mixed), Utf8Verdict::good);
    for (std::size_t size = 0; size <= mixed.size(); ++size) {
        const std::string text = mixed.substr(0, size);
        for_each_cut(text, [&](Cut pieces) { ASSERT_EQ(judged(pieces), reference(text)) << hex(text); });
    }
}

TEST(WsUtf8Test, one_wrong_byte_is_seen_as_soon_as_it_comes) {
    for (std::size_t at = 0; at < mixed.size(); ++at) {
        for (const std::uint8_t byte : borders) {
            std::string text = mixed;
            text[at] = static_cast<char>(byte);
            Utf8Validator validator;
            for (std::size_t i = 0; i < text.size(); ++i) {
                const bool good = validator.feed(as_bytes(text).subspan(i, 1));
                const Utf8Verdict expected = reference(std::string_view{text}.substr(0, i + 1));
                ASSERT_EQ(good, expected != Utf8Verdict::bad) << hex(text) << "at " << i;
                if (!good) break;
                ASSERT_EQ(validator.complete(), expected == Utf8Verdict::good) << hex(text) << "at " << i;
            }
        }
    }
}

TEST(WsUtf8Test, a_character_anywhere_in_a_long_ascii_text) {
    constexpr std::size_t size = 200;
    for (const std::string_view character : {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x80", "\xff", "\xc3"}) {
        for (std::size_t at = 0; at <= size; ++at) {
            const std::string text = std::string(size, 'a').insert(at, character);
            ASSERT_EQ(judged(text), reference(text)) << hex(character) << "at " << at;
            ASSERT_EQ(is_utf8(as_bytes(text)), reference(text) == Utf8Verdict::good) << hex(character) << "at " << at;
        }
    }
}

TEST(WsUtf8Test, random_texts_in_random_pieces) {
    Random random{3629};
    constexpr std::array<std::string_view, 5> parts{"plain text ", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                                    "\n"};
    for (std::size_t round = 0; round < scaled(3000); ++round) {
        std::string text;
        while (!random.one_in(30)) text += parts[random.size_up_to(parts.size() - 1)];
        if (!text.empty() && random.one_in(2)) {
            text[random.size_up_to(text.size() - 1)] = static_cast<char>(random.up_to(255));
        }
        const Utf8Verdict expected = reference(text);
        ASSERT_EQ(judged(text), expected) << hex(text);
        const std::size_t cut = random.size_up_to(text.size());
        const std::string_view view{text};
        ASSERT_EQ(judged({view.substr(0, cut), {}, view.substr(cut)}), expected) << hex(text) << "cut at " << cut;
    }
}

TEST(WsUtf8Test, begins_again_after_a_reset) {
    Utf8Validator validator;
    EXPECT_TRUE(validator.feed(as_bytes("\xf0")));
    EXPECT_FALSE(validator.complete());
    validator.reset();
    EXPECT_TRUE(validator.complete());
    EXPECT_TRUE(validator.feed(as_bytes("\x7f\xc2")));
    EXPECT_TRUE(validator.feed(as_bytes("\x80")));
    EXPECT_TRUE(validator.complete());
    EXPECT_TRUE(is_utf8({}));
}

}  // namespace
}  // namespace pollux::test
