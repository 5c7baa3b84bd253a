// Dates as HTTP writes them.
#include "proto/http/date.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace pollux::http {

namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t short_name = 3;

constexpr std::int64_t earliest = sys_seconds{sys_days{year{0} / January / 1}}.time_since_epoch().count();
constexpr std::int64_t latest = sys_seconds{sys_days{year{10000} / January / 1}}.time_since_epoch().count() - 1;

char* put_text(char* out, std::string_view text) noexcept {
    return std::copy(text.begin(), text.end(), out);
}

char* put_digits(char* out, unsigned value, int digits) noexcept {
    for (int i = digits - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
    return out + digits;
}

/// Takes a date apart from left to right. After the first thing that is not what it should be, nothing matches.
class Reader {
public:
    explicit Reader(std::string_view text) noexcept : rest_(text) {}

    void text(std::string_view expected) noexcept {
        if (rest_.substr(0, expected.size()) != expected) fail();
        if (!failed_) rest_.remove_prefix(expected.size());
    }

    unsigned digits(std::size_t count) noexcept {
        if (rest_.size() < count) fail();
        unsigned value = 0;
        for (std::size_t i = 0; !failed_ && i < count; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') {
                fail();
            } else {
                value = value * 10 + static_cast<unsigned>(rest_[i] - '0');
            }
        }
        if (!failed_) rest_.remove_prefix(count);
        return value;
    }

    /// The position of the one of `names` that comes next, of which `length` characters count, or all.
    template <std::size_t Count>
    unsigned name(const std::array<std::string_view, Count>& names,
                  std::size_t length = std::string_view::npos) noexcept {
        for (std::size_t i = 0; i < Count; ++i) {
            const std::string_view wanted = names[i].substr(0, length);
            if (rest_.substr(0, wanted.size()) != wanted) continue;
            rest_.remove_prefix(wanted.size());
            return static_cast<unsigned>(i);
        }
        fail();
        return 0;
    }

    /// The day of asctime's form, which pads with a space.
    unsigned padded_day() noexcept {
        if (!rest_.starts_with(' ')) return digits(2);
        rest_.remove_prefix(1);
        return digits(1);
    }

    /// "08:49:37". A minute may have a leap second.
    seconds time_of_day() noexcept {
        const unsigned hour = digits(2);
        text(":");
        const unsigned minute = digits(2);
        text(":");
        const unsigned second = digits(2);
        if (hour > 23 || minute > 59 || second > 60) fail();
        return hours{hour} + minutes{minute} + seconds{second};
    }

    [[nodiscard]] bool complete() const noexcept { return !failed_ && rest_.empty(); }

private:
    void fail() noexcept {
        failed_ = true;
        rest_ = {};
    }

    std::string_view rest_;
    bool failed_ = false;
};

struct Parsed {
    year_month_day day{};
    seconds time{};
};

/// "Sun, 06 Nov 1994 08:49:37 GMT", the form that is sent today.
Parsed read_fixdate(Reader& reader) noexcept {
    reader.name(weekdays, short_name);
    reader.text(", ");
    const day day{reader.digits(2)};
    reader.text(" ");
    const month month{reader.name(months) + 1};
    reader.text(" ");
    const year year{static_cast<int>(reader.digits(4))};
    reader.text(" ");
    const seconds time = reader.time_of_day();
    reader.text(" GMT");
    return {year / month / day, time};
}

/// "Sunday, 06-Nov-94 08:49:37 GMT", of RFC 850.
Parsed read_rfc850(Reader& reader, std::int64_t now) noexcept {
    reader.name(weekdays);
    reader.text(", ");
    const day day{reader.digits(2)};
    reader.text("-");
    const month month{reader.name(months) + 1};
    reader.text("-");
    const int last_digits = static_cast<int>(reader.digits(2));
    reader.text(" ");
    const seconds time = reader.time_of_day();
    reader.text(" GMT");

    const sys_seconds today{seconds{std::clamp(now, earliest, latest)}};
    const int this_year = static_cast<int>(year_month_day{floor<days>(today)}.year());
    int full_year = this_year - this_year % 100 + last_digits;
    if (full_year > this_year + 50) full_year -= 100;
    if (full_year <= this_year - 50) full_year += 100;
    return {year{full_year} / month / day, time};
}

/// "Sun Nov  6 08:49:37 1994", of C's asctime().
Parsed read_asctime(Reader& reader) noexcept {
    reader.name(weekdays, short_name);
    reader.text(" ");
    const month month{reader.name(months) + 1};
    reader.text(" ");
    const day day{reader.padded_day()};
    reader.text(" ");
    const seconds time = reader.time_of_day();
    reader.text(" ");
    const year year{static_cast<int>(reader.digits(4))};
    return {year / month / day, time};
}

}  // namespace

void write_http_date(std::int64_t unix_seconds, char* out) noexcept {
    const sys_seconds time{seconds{std::clamp(unix_seconds, earliest, latest)}};
    const sys_days midnight = floor<days>(time);
    const year_month_day date{midnight};
    const hh_mm_ss clock{time - midnight};
    out = put_text(out, weekdays[weekday{midnight}.c_encoding()].substr(0, short_name));
    out = put_text(out, ", ");
    out = put_digits(out, static_cast<unsigned>(date.day()), 2);
    out = put_text(out, " ");
    out = put_text(out, months[static_cast<unsigned>(date.month()) - 1]);
    out = put_text(out, " ");
    out = put_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out = put_text(out, " ");
    out = put_digits(out, static_cast<unsigned>(clock.hours().count()), 2);
    out = put_text(out, ":");
    out = put_digits(out, static_cast<unsigned>(clock.minutes().count()), 2);
    out = put_text(out, ":");
    out = put_digits(out, static_cast<unsigned>(clock.seconds().count()), 2);
    put_text(out, " GMT");
}

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now) noexcept {
    Reader reader{text};
    Parsed parsed;
    // The comma tells the forms apart: behind a short weekday, behind a long one, or none.
    switch (text.find(',')) {
        case short_name:
            parsed = read_fixdate(reader);
            break;
        case std::string_view::npos:
            parsed = read_asctime(reader);
            break;
        default:
            parsed = read_rfc850(reader, now);
    }
    if (!reader.complete() || !parsed.day.ok()) return std::nullopt;
    return sys_seconds{sys_days{parsed.day} + parsed.time}.time_since_epoch().count();
}

}  // namespace pollux::http
