// Request methods and status codes.
#pragma once

#include <cstdint>
#include <string_view>

namespace pollux::http {

/// RFC 9110, 9, and PATCH of RFC 5789. `other` is every further one that is registered: `Request::method_name` tells
/// which. A method that nobody knows is answered with 501 and reaches no handler.
enum class Method : std::uint8_t { get, head, post, put, del, options, trace, patch, connect, other };

/// "GET" for `Method::get`; empty for `other`. Static storage.
[[nodiscard]] std::string_view to_string(Method method) noexcept;

/// The method of a name, which has case; `other` for what is none of the first nine.
[[nodiscard]] Method method_of(std::string_view name) noexcept;

/// True if doing it twice does what doing it once does (RFC 9110, 9.2.2).
[[nodiscard]] bool is_idempotent(Method method) noexcept;

/// The reason phrase of a status code, "Not Found" for 404; "Unknown" if it has none. Static storage.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

/// False for answers that have no body whatever their fields say: 1xx, 204 and 304.
[[nodiscard]] constexpr bool status_has_body(unsigned status) noexcept {
    return status >= 200 && status != 204 && status != 304;
}

}  // namespace pollux::http
