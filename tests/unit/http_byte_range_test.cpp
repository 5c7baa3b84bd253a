// Byte ranges: which ones a field asks for, against a model that marks single bytes, and what is answered.
#include "proto/http/byte_range.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "proto/http/multipart.h"
#include "unit/support.h"

namespace pollux::http {

/// For messages of failed tests.
void PrintTo(const ByteRange& range, std::ostream* out) {
    *out << range.first << '+' << range.size;
}

}  // namespace pollux::http

namespace pollux::test {
namespace {

using http::Boundary;
using http::ByteRange;
using http::choose_ranges;
using http::ContentRange;
using http::make_multipart;
using http::RangeChoice;

using Ranges = std::vector<ByteRange>;

constexpr std::size_t max_ranges = 8;
constexpr std::uint64_t greatest = std::numeric_limits<std::uint64_t>::max();

struct Chosen {
    RangeChoice choice;
    Ranges ranges;
};

Chosen choose(std::string_view field, std::uint64_t size, std::size_t most = max_ranges) {
    Chosen chosen{};
    chosen.ranges = {{7, 7}};  // what is left of a former request
    chosen.choice = choose_ranges(field, size, most, chosen.ranges);
    return chosen;
}

void expect_parts(std::string_view field, std::uint64_t size, const Ranges& expected) {
    const Chosen chosen = choose(field, size);
    EXPECT_EQ(chosen.choice, RangeChoice::parts) << field;
    EXPECT_EQ(chosen.ranges, expected) << field;
}

void expect(RangeChoice expected, std::string_view field, std::uint64_t size) {
    const Chosen chosen = choose(field, size);
    EXPECT_EQ(chosen.choice, expected) << field;
    EXPECT_TRUE(chosen.ranges.empty()) << field;
}

TEST(ByteRangeTest, reads_the_examples_of_the_rfc) {
    expect_parts("bytes=0-499", 10'000, {{0, 500}});
    expect_parts("bytes=500-999", 10'000, {{500, 500}});
    expect_parts("bytes=-500", 10'000, {{9500, 500}});
    expect_parts("bytes=9500-", 10'000, {{9500, 500}});
    expect_parts("bytes=0-0,-1", 10'000, {{0, 1}, {9999, 1}});
    expect_parts("bytes= 0-999, 4500-5499, -1000", 10'000, {{0, 1000}, {4500, 1000}, {9000, 1000}});
    expect_parts("bytes=500-600,601-999", 10'000, {{500, 500}});
    expect_parts("bytes=500-700,601-999", 10'000, {{500, 500}});
}

TEST(ByteRangeTest, ends_where_the_representation_ends) {
    expect_parts("bytes=0-", 10, {{0, 10}});
    expect_parts("bytes=5-10", 10, {{5, 5}});
    expect_parts("bytes=9-99999", 10, {{9, 1}});
    expect_parts("bytes=-10", 10, {{0, 10}});
    expect_parts("bytes=-11", 10, {{0, 10}});
}

TEST(ByteRangeTest, numbers_may_have_any_length) {
    const std::string much(100, '9');
    expect_parts("bytes=0-" + much, 10, {{0, 10}});
    expect_parts("bytes=-" + much, 10, {{0, 10}});
    expect_parts("bytes=" + std::string(100, '0') + "3-4", 10, {{3, 2}});
    expect(RangeChoice::unsatisfiable, "bytes=" + much + "-", 10);
    expect(RangeChoice::unsatisfiable, "bytes=" + much + "-" + much, 10);
    expect_parts("bytes=0-18446744073709551615", 10, {{0, 10}});
    expect_parts("bytes=0-18446744073709551616", 10, {{0, 10}});
    expect(RangeChoice::unsatisfiable, "bytes=18446744073709551615-", greatest);
    expect_parts("bytes=18446744073709551614-", greatest, {{greatest - 1, 1}});
    expect_parts("bytes=-18446744073709551615", greatest, {{0, greatest}});
}

TEST(ByteRangeTest, what_begins_behind_the_end_cannot_be_satisfied) {
    expect(RangeChoice::unsatisfiable, "bytes=10-", 10);
    expect(RangeChoice::unsatisfiable, "bytes=10-20", 10);
    expect(RangeChoice::unsatisfiable, "bytes=-0", 10);
    expect(RangeChoice::unsatisfiable, "bytes=10-,11-12,-0", 10);
    expect_parts("bytes=10-,2-3,-0", 10, {{2, 2}});
}

TEST(ByteRangeTest, of_nothing_there_are_no_parts) {
    expect(RangeChoice::all, "bytes=0-", 0);
    expect(RangeChoice::all, "bytes=-1", 0);
}

TEST(ByteRangeTest, the_unit_has_no_case) {
    expect_parts("Bytes=1-2", 10, {{1, 2}});
    expect_parts("BYTES=1-2", 10, {{1, 2}});
}

TEST(ByteRangeTest, members_may_be_empty_and_have_blanks_around_them) {
    expect_parts("bytes=,,1-2 ,\t, 5-6,", 10, {{1, 2}, {5, 2}});
}

class NoByteRangeTest : public testing::TestWithParam<const char*> {};

TEST_P(NoByteRangeTest, is_ignored) {
    expect(RangeChoice::all, GetParam(), 10);
}

INSTANTIATE_TEST_SUITE_P(Fields, NoByteRangeTest,
                         testing::Values("", "bytes", "bytes=", "bytes= ", "bytes=,", "bytes=-", "bytes=--1", "bytes=1",
                                         "bytes=a-b", "bytes=1-b", "bytes=a-1", "bytes=2-1", "bytes=1--2",
                                         "bytes=1-2-3", "bytes=+1-2", "bytes=1-+2", "bytes=0x1-2", "bytes=1 -2",
                                         "bytes=1- 2", "bytes=1 2-3", "bytes =1-2", "bytes:1-2", "byte=1-2",
                                         "items=1-2", " bytes=1-2", "bytes=1-2;3-4", "bytes=1-2,x", "bytes=x,1-2",
                                         "bytes=1-2,bytes=3-4", "none", "bytes=*", "bytes=1.0-2"),
                         numbered<const char*>);

TEST(ByteRangeTest, too_many_are_answered_with_all) {
    EXPECT_EQ(choose("bytes=0-0,2-2,4-4", 10, 3).choice, RangeChoice::parts);
    EXPECT_EQ(choose("bytes=0-0,2-2,4-4", 10, 2).choice, RangeChoice::all);
    EXPECT_TRUE(choose("bytes=0-0,2-2,4-4", 10, 2).ranges.empty());
    EXPECT_EQ(choose("bytes=20-,30-,40-", 10, 2).choice, RangeChoice::all) << "also of those behind the end";
    EXPECT_EQ(choose("bytes=0-0", 10, 0).choice, RangeChoice::all);
    std::string many = "bytes=0-";
    for (int i = 0; i < 10'000; ++i) many += ",0-";
    EXPECT_EQ(choose(many, 10).choice, RangeChoice::all);
}

TEST(ByteRangeTest, what_touches_is_joined_in_the_place_of_the_first) {
    expect_parts("bytes=5-6,0-1,7-8", 20, {{5, 4}, {0, 2}});
    expect_parts("bytes=10-11,0-1,14-15,12-13", 20, {{10, 6}, {0, 2}});
    expect_parts("bytes=0-0,2-2,4-4,1-3", 20, {{0, 5}});
    expect_parts("bytes=4-4,2-2,0-0,0-", 20, {{0, 20}});
    expect_parts("bytes=3-5,3-5,3-5", 20, {{3, 3}});
    expect_parts("bytes=0-1,3-4", 20, {{0, 2}, {3, 2}});
}

TEST(ByteRangeTest, asks_for_the_bytes_that_a_model_says) {
    Random random{1};
    for (std::size_t round = 0; round < scaled(100'000); ++round) {
        const std::uint64_t size = 1 + random.up_to(30);
        const std::size_t count = 1 + random.size_up_to(max_ranges - 1);
        std::string field = "bytes=";
        std::vector<bool> wanted(size, false);
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t first = random.up_to(size + 2);
            const std::uint64_t last = first + random.up_to(6);
            std::uint64_t from = first;
            std::uint64_t to = last;
            if (i != 0) field += random.one_in(3) ? " , " : ",";
            if (random.one_in(4)) {
                field += "-" + std::to_string(first);
                from = size - std::min(first, size);
                to = size - 1;
            } else if (random.one_in(6)) {
                field += std::to_string(first) + "-";
                to = size - 1;
            } else {
                field += std::to_string(first) + "-" + std::to_string(last);
            }
            for (std::uint64_t byte = from; byte <= to && byte < size; ++byte) wanted[byte] = true;
        }
        const Chosen chosen = choose(field, size);
        const bool any = std::count(wanted.begin(), wanted.end(), true) != 0;
        ASSERT_EQ(chosen.choice, any ? RangeChoice::parts : RangeChoice::unsatisfiable) << field << " of " << size;
        std::vector<bool> given(size + 1, false);  // one more, so that touching ranges would be seen
        for (const ByteRange& range : chosen.ranges) {
            ASSERT_GT(range.size, 0U);
            ASSERT_LE(range.first + range.size, size);
            ASSERT_FALSE(given[range.first + range.size]) << "touches another one: " << field;
            ASSERT_FALSE(range.first != 0 && given[range.first - 1]) << "touches another one: " << field;
            for (std::uint64_t i = 0; i < range.size; ++i) {
                ASSERT_FALSE(given[range.first + i]) << "twice: " << field;
                given[range.first + i] = true;
            }
        }
        given.pop_back();
        ASSERT_EQ(given, wanted) << field << " of " << size;
    }
}

TEST(ContentRangeTest, tells_first_last_and_all) {
    EXPECT_EQ((ContentRange{{0, 500}, 1234}.text()), "bytes 0-499/1234");
    EXPECT_EQ((ContentRange{{1233, 1}, 1234}.text()), "bytes 1233-1233/1234");
    EXPECT_EQ((ContentRange{{greatest - 1, 1}, greatest}.text()),
              "bytes 18446744073709551614-18446744073709551614/18446744073709551615");
    EXPECT_EQ(ContentRange::unsatisfied(1234).text(), "bytes */1234");
    EXPECT_EQ(ContentRange::unsatisfied(0).text(), "bytes */0");
}

TEST(MultipartTest, has_each_part_between_boundaries) {
    const Boundary boundary{0xFEDC'BA98'7654'3210};
    EXPECT_EQ(boundary.text(), "0123456789abcdef");
    EXPECT_EQ(boundary.content_type(), "multipart/byteranges; boundary=0123456789abcdef");
    const Ranges ranges{{0, 2}, {5, 3}};
    EXPECT_EQ(make_multipart("abcdefghij", ranges, "text/plain", boundary),
              "--0123456789abcdef\r\n"
              "Content-Type: text/plain\r\n"
              "Content-Range: bytes 0-1/10\r\n"
              "\r\n"
              "ab\r\n"
              "--0123456789abcdef\r\n"
              "Content-Type: text/plain\r\n"
              "Content-Range: bytes 5-7/10\r\n"
              "\r\n"
              "fgh\r\n"
              "--0123456789abcdef--\r\n");
}

}  // namespace
}  // namespace pollux::test
