// Dates of HTTP: what is written, against the standard library's calendar, and the three forms that are read.
#include "proto/http/date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "unit/support.h"

namespace pollux::test {
namespace {

using http::http_date_bytes;
using http::parse_http_date;
using http::write_http_date;

constexpr std::int64_t example = 784'111'777;  // the one of RFC 9110
constexpr std::int64_t year_0 = -62'167'219'200;
constexpr std::int64_t end_of_9999 = 253'402'300'799;

std::string written(std::int64_t seconds) {
    std::string text(http_date_bytes, '?');
    write_http_date(seconds, text.data());
    return text;
}

std::string digits(std::int64_t number, std::size_t count, char padding = '0') {
    const std::string text = std::to_string(number);
    return std::string(count - std::min(count, text.size()), padding) + text;
}

/// By the standard library's calendar, with what `format` has of strftime's letters: that of the C library does not
/// know every year everywhere.
std::string by_library(std::int64_t seconds, std::string_view format) {
    static constexpr std::array<std::string_view, 7> days{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                          "Thursday", "Friday", "Saturday"};
    static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::chrono::sys_seconds time{std::chrono::seconds{seconds}};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    const int year = static_cast<int>(date.year());
    const std::string_view name = days[std::chrono::weekday{day}.c_encoding()];
    std::string text;
    for (std::size_t at = 0; at < format.size(); ++at) {
        if (format[at] != '%') {
            text += format[at];
            continue;
        }
        switch (format[++at]) {
            case 'a':
                text += name.substr(0, 3);
                break;
            case 'A':
                text += name;
                break;
            case 'b':
                text += months[static_cast<unsigned>(date.month()) - 1];
                break;
            case 'd':
                text += digits(static_cast<unsigned>(date.day()), 2);
                break;
            case 'e':
                text += digits(static_cast<unsigned>(date.day()), 2, ' ');
                break;
            case 'y':
                text += digits(year % 100, 2);
                break;
            case 'Y':
                text += digits(year, 4);
                break;
            case 'H':
                text += digits(clock.hours().count(), 2);
                break;
            case 'M':
                text += digits(clock.minutes().count(), 2);
                break;
            default:
                text += digits(clock.seconds().count(), 2);
        }
    }
    return text;
}

/// Of a moment in 2026.
std::optional<std::int64_t> parsed_date(std::string_view text) {
    return parse_http_date(text, 1'790'000'000);
}

TEST(HttpDateTest, writes_what_the_rfc_shows) {
    EXPECT_EQ(written(example), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(written(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(written(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(HttpDateTest, writes_what_the_c_library_would) {
    Random random{1};
    for (std::size_t i = 0; i < scaled(200'000); ++i) {
        // From 1000 on: before, strftime does not fill the year up.
        const std::int64_t seconds = static_cast<std::int64_t>(random.up_to(284'012'524'799)) - 30'610'224'000;
        ASSERT_EQ(written(seconds), by_library(seconds, "%a, %d %b %Y %H:%M:%S GMT")) << seconds;
    }
}

TEST(HttpDateTest, times_that_have_no_form_are_written_as_the_nearest) {
    EXPECT_EQ(written(year_0), "Sat, 01 Jan 0000 00:00:00 GMT");
    EXPECT_EQ(written(year_0 - 1), written(year_0));
    EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), written(year_0));
    EXPECT_EQ(written(end_of_9999), "Fri, 31 Dec 9999 23:59:59 GMT");
    EXPECT_EQ(written(end_of_9999 + 1), written(end_of_9999));
    EXPECT_EQ(written(std::numeric_limits<std::int64_t>::max()), written(end_of_9999));
}

TEST(HttpDateTest, reads_the_three_forms) {
    EXPECT_EQ(parsed_date("Sun, 06 Nov 1994 08:49:37 GMT"), example);
    EXPECT_EQ(parsed_date("Sunday, 06-Nov-94 08:49:37 GMT"), example);
    EXPECT_EQ(parsed_date("Sun Nov  6 08:49:37 1994"), example);
    EXPECT_EQ(parsed_date("Wed Nov 16 08:49:37 1994"), example + 10 * 86'400);
}

TEST(HttpDateTest, reads_what_it_writes_and_the_old_forms_of_it) {
    Random random{2};
    for (std::size_t i = 0; i < scaled(100'000); ++i) {
        const std::int64_t seconds = static_cast<std::int64_t>(random.up_to(284'012'524'799)) - 30'610'224'000;
        ASSERT_EQ(parsed_date(written(seconds)), seconds);
        ASSERT_EQ(parsed_date(by_library(seconds, "%a %b %e %H:%M:%S %Y")), seconds);
        // That one tells the year only near its reader's time.
        ASSERT_EQ(parse_http_date(by_library(seconds, "%A, %d-%b-%y %H:%M:%S GMT"), seconds), seconds);
    }
    EXPECT_EQ(parsed_date(written(year_0)), year_0);
    EXPECT_EQ(parsed_date(written(end_of_9999)), end_of_9999);
}

TEST(HttpDateTest, a_year_of_two_digits_is_at_most_50_years_ahead) {
    const std::int64_t in_2026 = 1'790'000'000;
    const auto year_of = [&](const std::string& digits) {
        const auto seconds = parse_http_date("Monday, 15-Jun-" + digits + " 12:00:00 GMT", in_2026);
        return by_library(seconds.value_or(0), "%Y");
    };
    EXPECT_EQ(year_of("26"), "2026");
    EXPECT_EQ(year_of("25"), "2025");
    EXPECT_EQ(year_of("76"), "2076");
    EXPECT_EQ(year_of("77"), "1977");
    EXPECT_EQ(year_of("99"), "1999");
    EXPECT_EQ(year_of("00"), "2000");
    const std::int64_t in_2094 = 3'930'000'000;
    EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", in_2094), example + 3'155'760'000);
    EXPECT_EQ(by_library(*parse_http_date("Sunday, 06-Nov-20 08:49:37 GMT", in_2094), "%Y"), "2120");
    EXPECT_TRUE(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", std::numeric_limits<std::int64_t>::max()));
    EXPECT_TRUE(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", std::numeric_limits<std::int64_t>::min()));
}

TEST(HttpDateTest, knows_which_days_there_are) {
    EXPECT_TRUE(parsed_date("Thu, 29 Feb 2024 00:00:00 GMT"));
    EXPECT_FALSE(parsed_date("Sat, 29 Feb 2025 00:00:00 GMT"));
    EXPECT_TRUE(parsed_date("Tue, 29 Feb 2000 00:00:00 GMT"));
    EXPECT_FALSE(parsed_date("Mon, 29 Feb 1900 00:00:00 GMT"));
    EXPECT_FALSE(parsed_date("Sun, 31 Apr 1994 08:49:37 GMT"));
    EXPECT_FALSE(parsed_date("Sun, 00 Nov 1994 08:49:37 GMT"));
    EXPECT_FALSE(parsed_date("Sun, 32 Oct 1994 08:49:37 GMT"));
}

TEST(HttpDateTest, knows_which_times_there_are) {
    EXPECT_FALSE(parsed_date("Sun, 06 Nov 1994 24:00:00 GMT"));
    EXPECT_FALSE(parsed_date("Sun, 06 Nov 1994 08:60:37 GMT"));
    EXPECT_FALSE(parsed_date("Sun, 06 Nov 1994 08:49:61 GMT"));
    EXPECT_EQ(parsed_date("Sat, 31 Dec 2016 23:59:60 GMT"), parsed_date("Sun, 01 Jan 2017 00:00:00 GMT"));
}

TEST(HttpDateTest, the_weekday_need_not_be_that_of_the_date) {
    EXPECT_EQ(parsed_date("Mon, 06 Nov 1994 08:49:37 GMT"), example);
}

class NoHttpDateTest : public testing::TestWithParam<const char*> {};

TEST_P(NoHttpDateTest, is_none) {
    EXPECT_FALSE(parsed_date(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, NoHttpDateTest,
    testing::Values("", "0", "784111777", ",", "Sun,", "Sun, ", "Sun, 06 Nov 1994 08:49:37",
                    "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT",
                    "Sun, 6 Nov 1994 08:49:37 GMT", "Sun,06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
                    "Sun, 06 nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
                    "Sun, 06 Nov 1994 +8:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
                    "Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
                    "Sun Nov 006 08:49:37 1994", "Sun Nov  6 08:49:37 1994 GMT", "1994-11-06T08:49:37Z",
                    "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT; length=1"),
    numbered<const char*>);

TEST(HttpDateTest, no_part_of_a_date_is_one) {
    for (const std::string whole :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            EXPECT_FALSE(parsed_date(std::string_view{whole}.substr(0, size))) << size;
        }
        for (std::size_t i = 0; i < whole.size(); ++i) {
            std::string changed = whole;
            changed[i] = '!';
            EXPECT_FALSE(parsed_date(changed)) << changed;
        }
    }
}

}  // namespace
}  // namespace pollux::test
