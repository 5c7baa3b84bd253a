// Percent-encoding (RFC 3986, 2.1).
#include "proto/http/percent.h"

#include "proto/http/characters.h"

namespace pollux::http {

std::optional<std::string_view> percent_decode(std::string_view text, Arena& arena, Plus plus) {
    // Not find_first_of: it looks at a character at a time, and most texts have nothing to decode.
    const bool has_space = plus == Plus::is_space && text.find('+') != std::string_view::npos;
    if (!has_space && text.find('%') == std::string_view::npos) return text;
    char* const begin = arena.allocate(text.size());
    char* out = begin;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == Plus::is_space) {
            *out++ = ' ';
        } else if (text[i] != '%') {
            *out++ = text[i];
        } else {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
            *out++ = static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return std::string_view{begin, static_cast<std::size_t>(out - begin)};
}

std::string percent_encode(std::string_view text, std::string_view plain) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        if (is_letter_or_digit(c) || plain.find(c) != std::string_view::npos) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += {'%', digits[byte >> 4U], digits[byte & 0xFU]};
        }
    }
    return encoded;
}

}  // namespace pollux::http
