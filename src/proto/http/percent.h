// Percent-encoding (RFC 3986, 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "arena.h"

namespace pollux::http {

/// The value of a hexadecimal digit; -1 for any other character.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum class Plus : bool { is_plus, is_space };

/// The decoded text: `text` itself if there is nothing to decode, else in the arena. None if an escape is not one, or
/// stands for NUL, which no name or value of ours has in it.
[[nodiscard]] std::optional<std::string_view> percent_decode(std::string_view text, Arena& arena,
                                                             Plus plus = Plus::is_plus);

/// The text with an escape for all but letters, digits and the characters of `plain`.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view plain);

}  // namespace pollux::http
