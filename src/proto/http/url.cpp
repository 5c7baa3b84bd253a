// URLs of HTTP.
#include "proto/http/url.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "ascii.h"
#include "proto/http/characters.h"
#include "proto/http/percent.h"

namespace pollux::http {

namespace {

constexpr std::string_view plain_scheme = "http";
constexpr std::string_view secure_scheme = "https";

std::uint16_t default_port(bool secure) noexcept {
    return secure ? 443 : 80;
}

bool is_letter_or_digit(char c) noexcept {
    const char lower = to_lower(c);
    return (lower >= 'a' && lower <= 'z') || is_digit(c);
}

/// RFC 3986, 3.1.
bool is_scheme(std::string_view text) noexcept {
    return !text.empty() && is_letter_or_digit(text.front()) && !is_digit(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.'; });
}

/// True if nothing in the text could end a line or part a request line.
bool is_printable(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7F; });
}

/// True for what may stand in a path or a query as it is. A percent sign is left alone: what is behind it was encoded
/// by whoever wrote it.
bool may_stand_in_url(char c) noexcept {
    constexpr std::string_view others = "-._~!$&'()*+,;=:@/?%[]";
    return is_letter_or_digit(c) || others.find(c) != std::string_view::npos;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        if (may_stand_in_url(c)) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += {'%', digits[byte >> 4], digits[byte & 15U]};
        }
    }
    return encoded;
}

/// A name as DNS has it, or an IPv4 address.
bool is_host_name(std::string_view host) noexcept {
    return !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
        return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

bool is_ipv6(std::string_view host) noexcept {
    return host.find(':') != std::string_view::npos && host.size() >= 2 && host.size() <= 45 &&
           std::all_of(host.begin(), host.end(), [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; });
}

/// What is behind the colon of an authority; nothing stands for the scheme's port (RFC 3986, 3.2.3).
bool parse_port(std::string_view digits, Url& out) {
    if (digits.empty()) return true;
    if (!std::all_of(digits.begin(), digits.end(), is_digit)) return false;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    return result.ec == std::errc{} && out.port != 0;
}

bool parse_authority(std::string_view authority, Url& out) {
    out.port = default_port(out.secure);
    std::string_view host = authority;
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return false;
        host = authority.substr(1, end - 1);
        authority.remove_prefix(end + 1);
        if (!is_ipv6(host) || (!authority.empty() && authority.front() != ':')) return false;
    } else {
        host = authority.substr(0, authority.find(':'));
        authority.remove_prefix(host.size());
        if (!is_host_name(host)) return false;
    }
    out.host = to_lower(host);
    return authority.empty() || parse_port(authority.substr(1), out);
}

/// Path and query of a URL or a reference, whose fragment is gone.
void parse_path(std::string_view text, Url& out) {
    const std::size_t mark = std::min(text.find('?'), text.size());
    out.path = percent_encoded(text.substr(0, mark));
    out.query = percent_encoded(text.substr(mark));
}

std::string_view without_fragment(std::string_view text) noexcept {
    return text.substr(0, text.find('#'));
}

/// Authority, path and query behind `//`, for the scheme that `out` has.
bool parse_hierarchy(std::string_view text, Url& out) {
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    if (!parse_authority(text.substr(0, end), out)) return false;
    parse_path(text.substr(end), out);
    return true;
}

}  // namespace

bool Url::parse(std::string_view text, Url& out) {
    if (!is_printable(text)) return false;
    text = without_fragment(text);
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || !text.substr(colon).starts_with("://")) return false;
    const std::string scheme = to_lower(text.substr(0, colon));
    if (scheme != plain_scheme && scheme != secure_scheme) return false;
    Url parsed;
    parsed.secure = scheme == secure_scheme;
    if (!parse_hierarchy(text.substr(colon + 3), parsed)) return false;
    out = std::move(parsed);
    return true;
}

bool Url::resolve(std::string_view reference, Url& out) const {
    if (!is_printable(reference)) return false;
    reference = without_fragment(reference);
    const std::size_t scheme_end = std::min(reference.find_first_of(":/?"), reference.size());
    Url resolved;
    if (scheme_end < reference.size() && reference[scheme_end] == ':' && is_scheme(reference.substr(0, scheme_end))) {
        if (!parse(reference, resolved)) return false;
    } else if (reference.starts_with("//")) {
        resolved.secure = secure;
        if (!parse_hierarchy(reference.substr(2), resolved)) return false;
    } else {
        parse_path(reference, resolved);
        resolved.secure = secure;
        resolved.host = host;
        resolved.port = port;
        if (resolved.path.empty()) {
            resolved.path = path;
            if (resolved.query.empty()) resolved.query = query;
        } else if (resolved.path.front() != '/') {
            // In the place of what is behind the base's last slash; a base without a path has the one of its root.
            resolved.path = (path.empty() ? "/" : path.substr(0, path.rfind('/') + 1)) + resolved.path;
        }
    }
    resolved.path = remove_dot_segments(resolved.path);
    out = std::move(resolved);
    return true;
}

std::string Url::authority() const {
    std::string text = host.find(':') != std::string::npos ? '[' + host + ']' : host;
    if (port != default_port(secure)) text += ':' + std::to_string(port);
    return text;
}

std::string Url::origin() const {
    std::string text{secure ? secure_scheme : plain_scheme};
    text += "://";
    text += host.find(':') != std::string::npos ? '[' + host + ']' : host;
    return text + ':' + std::to_string(port);
}

std::string Url::target(std::string_view method) const {
    if (path.empty() && query.empty() && method == "OPTIONS") return "*";
    return (path.empty() ? "/" : path) + query;
}

std::string Url::to_string() const {
    std::string text{secure ? secure_scheme : plain_scheme};
    return text + "://" + authority() + path + query;
}

std::string remove_dot_segments(std::string_view path) {
    std::string result;
    while (!path.empty()) {
        // A segment with the slash before it; a path that does not begin with one has none to step out of.
        const std::size_t end = std::min(path.find('/', 1), path.size());
        const std::string_view segment = path.substr(0, end);
        path.remove_prefix(end);
        if (segment == "/..") result.resize(std::min(result.rfind('/'), result.size()));
        if (segment != "/." && segment != "/..") {
            result += segment;
        } else if (path.empty()) {
            result += '/';  // it was a folder's
        }
    }
    return result;
}

}  // namespace pollux::http
