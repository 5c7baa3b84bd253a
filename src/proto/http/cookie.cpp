// Cookies (RFC 6265).
#include "proto/http/cookie.h"

#include <algorithm>

#include "proto/http/characters.h"

namespace pollux::http {

namespace {

/// `cookie-octet` of RFC 6265, 4.1.1.
bool is_cookie_value(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c > ' ' && c < '\x7F' && c != '"' && c != ',' && c != ';' && c != '\\'; });
}

bool is_attribute_value(std::string_view text) noexcept {
    return is_field_value(text) && text.find(';') == std::string_view::npos;
}

}  // namespace

std::optional<std::string> set_cookie_value(const Cookie& cookie) {
    const bool valid = is_token(cookie.name) && is_cookie_value(cookie.value) && is_attribute_value(cookie.path) &&
                       is_attribute_value(cookie.domain);
    if (!valid) return std::nullopt;
    std::string value{cookie.name};
    value.append("=").append(cookie.value);
    if (!cookie.path.empty()) value.append("; Path=").append(cookie.path);
    if (!cookie.domain.empty()) value.append("; Domain=").append(cookie.domain);
    if (cookie.max_age) value.append("; Max-Age=").append(std::to_string(cookie.max_age->count()));
    if (cookie.secure) value.append("; Secure");
    if (cookie.http_only) value.append("; HttpOnly");
    switch (cookie.same_site) {
        case Cookie::SameSite::unset:
            break;
        case Cookie::SameSite::strict:
            value.append("; SameSite=Strict");
            break;
        case Cookie::SameSite::lax:
            value.append("; SameSite=Lax");
            break;
        case Cookie::SameSite::none:
            value.append("; SameSite=None");
            break;
    }
    return value;
}

std::optional<std::string_view> find_cookie(std::string_view field, std::string_view name) noexcept {
    while (!field.empty()) {
        const std::size_t end = std::min(field.find(';'), field.size());
        const std::string_view pair = trim(field.substr(0, end));
        field.remove_prefix(std::min(end + 1, field.size()));
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
        std::string_view value = pair.substr(equals + 1);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
        return value;
    }
    return std::nullopt;
}

}  // namespace pollux::http
