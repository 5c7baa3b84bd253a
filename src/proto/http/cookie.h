// Cookies (RFC 6265).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <pollux/http/response.h>

namespace pollux::http {

/// The value of a `Set-Cookie`; none if a part of the cookie has characters that would end it or begin another.
[[nodiscard]] std::optional<std::string> set_cookie_value(const Cookie& cookie);

/// The value of a cookie in the value of a `Cookie` field, without quotes around it; none if it is not there.
[[nodiscard]] std::optional<std::string_view> find_cookie(std::string_view field, std::string_view name) noexcept;

}  // namespace pollux::http
