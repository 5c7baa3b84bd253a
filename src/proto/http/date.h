// Dates as HTTP writes them (RFC 9110, 5.6.7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pollux::http {

/// The length of every date that is written.
inline constexpr std::size_t http_date_bytes = 29;

/// Writes `http_date_bytes` characters, as in "Sun, 06 Nov 1994 08:49:37 GMT". Times outside the years 0 to 9999, which
/// have no such form, are taken as the nearest that has.
void write_http_date(std::int64_t unix_seconds, char* out) noexcept;

/// The time of a date in any of the three forms that a recipient must know; none if it is not one. `now`, in seconds
/// since 1970 too, settles the century of the form that tells but two digits of the year: at most 50 years ahead. The
/// name of the weekday must be one, but need not be that of the date.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now) noexcept;

}  // namespace pollux::http
