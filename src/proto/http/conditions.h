// Conditional requests (RFC 9110, 13).
#pragma once

#include <cstdint>
#include <string_view>

#include <pollux/http/fields.h>

namespace pollux::http {

/// What tells one state of a representation from another.
struct Validators {
    std::string_view etag;      ///< With its quotes, as in the `ETag` field; strong.
    std::int64_t modified = 0;  ///< `Last-Modified`, in seconds since 1970.
};

/// What the conditions of a request come to.
enum class Precondition : std::uint8_t {
    met,           ///< Answer as if there were none.
    not_modified,  ///< 304
    failed,        ///< 412
};

/// True if one of the fields is a condition: if none is, there is nothing to evaluate.
[[nodiscard]] bool has_conditions(const Fields& fields) noexcept;

/// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since of a GET or HEAD, in the order of
/// RFC 9110, 13.2.2. A date that is none is ignored, and one in several lines. `now`, in seconds since 1970, is for
/// dates whose year has two digits.
[[nodiscard]] Precondition check_preconditions(const Fields& fields, const Validators& current,
                                               std::int64_t now) noexcept;

/// True if the request's `Range` counts: if it has no `If-Range`, or one that names the current state. A date names it
/// only if it is exactly that of the current state, and if the second is over in which that came about: another state
/// could have the same date (RFC 9110, 8.8.2.2 and 13.1.5).
[[nodiscard]] bool range_applies(const Fields& fields, const Validators& current, std::int64_t now) noexcept;

}  // namespace pollux::http
