// Percent-encoding, both ways.
#include "proto/http/percent.h"

#include <string>
#include <string_view>

#include "unit/support.h"

namespace pollux::test {
namespace {

using http::percent_decode;
using http::percent_encode;
using http::Plus;

TEST(HttpPercentTest, what_has_no_escape_is_not_copied) {
    Arena arena;
    const std::string_view text = "/a/b+c;d=e";
    const auto decoded = percent_decode(text, arena);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->data(), text.data());
    EXPECT_EQ(decoded->size(), text.size());
    EXPECT_EQ(percent_decode("", arena), "");
}

TEST(HttpPercentTest, escapes_are_decoded_once_and_in_either_case) {
    Arena arena;
    EXPECT_EQ(percent_decode("%2fa%2Fb%20", arena), "/a/b ");
    EXPECT_EQ(percent_decode("%252e", arena), "%2e");
    EXPECT_EQ(percent_decode("%e4%C3%bF", arena), "\xE4\xC3\xBF");
    EXPECT_EQ(percent_decode("a+b%2B", arena), "a+b+");
    EXPECT_EQ(percent_decode("a+b%2B+", arena, Plus::is_space), "a b+ ");
    EXPECT_EQ(percent_decode("+", arena, Plus::is_space), " ");
}

TEST(HttpPercentTest, what_is_no_escape_cannot_be_decoded) {
    Arena arena;
    for (const std::string_view text :
         {"%", "a%", "%4", "%4g", "%g4", "%%41", "% 41", "%+1", "%-1", "%0x", "%00", "a%00b", "%u0041", "ok%41%"}) {
        EXPECT_EQ(percent_decode(text, arena), std::nullopt) << text;
        EXPECT_EQ(percent_decode(text, arena, Plus::is_space), std::nullopt) << text;
    }
}

TEST(HttpPercentTest, every_byte_but_nul_comes_back) {
    Arena arena;
    std::string bytes;
    for (int code = 1; code < 256; ++code) bytes += static_cast<char>(code);
    for (const std::string_view plain : {"", "-._~", "/?&=+ "}) {
        const std::string encoded = percent_encode(bytes, plain);
        EXPECT_EQ(percent_decode(encoded, arena), bytes) << plain;
    }
    EXPECT_EQ(percent_encode("aZ9 /%\xFF", "/"), "aZ9%20/%25%FF");
    EXPECT_EQ(percent_encode("", "/"), "");
}

TEST(HttpPercentTest, one_result_does_not_disturb_another) {
    Arena arena;
    std::vector<std::string_view> results;
    for (int i = 0; i < 1000; ++i) results.push_back(*percent_decode("%4" + std::to_string(i % 10), arena));
    for (std::size_t i = 0; i < results.size(); ++i) {
        EXPECT_EQ(results[i], std::string(1, static_cast<char>(0x40 + i % 10)));
    }
}

}  // namespace
}  // namespace pollux::test
