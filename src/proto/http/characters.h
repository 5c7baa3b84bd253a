// Classes of characters in HTTP messages (RFC 9110, 5.6).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace pollux::http {

/// What a character may be part of: bits of `character_classes`.
enum CharacterClass : std::uint8_t {
    token_class = 1,   ///< A name of a method, a field or a cookie (RFC 9110, 5.6.2).
    host_class = 2,    ///< A host's name (RFC 3986, 3.2.2), without a look at what a percent sign begins.
    target_class = 4,  ///< A request's target: nothing outside of ASCII, no blank, no control character, no fragment.
    path_class = 8,    ///< The target before its query.
};

/// Indexed by a character's code.
inline constexpr std::array<std::uint8_t, 256> character_classes = [] {
    std::array<std::uint8_t, 256> classes{};
    const auto add = [&](std::string_view characters, int bits) {
        for (const char c : characters) {
            auto& entry = classes[static_cast<unsigned char>(c)];
            entry = static_cast<std::uint8_t>(entry | bits);
        }
    };
    constexpr std::string_view letters_and_digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    add(letters_and_digits, token_class | host_class | target_class | path_class);
    add("!#$%&'*+-.^_`|~", token_class);
    add("-._~!$&'()*+,;=%", host_class);
    add("!\"$%&'()*+,-./:;<=>@[\\]^_`{|}~", target_class | path_class);
    add("?", target_class);
    return classes;
}();

/// The end of the run of such characters that begins at `at`.
[[nodiscard]] constexpr const char* skip(const char* at, const char* end, CharacterClass of) noexcept {
    while (at != end && (character_classes[static_cast<unsigned char>(*at)] & of) != 0) ++at;
    return at;
}

/// True if all characters of a text are such.
[[nodiscard]] constexpr bool consists_of(std::string_view text, CharacterClass of) noexcept {
    const char* const end = text.data() + text.size();
    return skip(text.data(), end, of) == end;
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr bool is_letter_or_digit(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

[[nodiscard]] constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

/// True for a name of a method, a field or a cookie.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    return !text.empty() && consists_of(text, token_class);
}

/// The first control character in [at, end), or end. It looks at a word at a time.
[[nodiscard]] const char* find_control(const char* at, const char* end) noexcept;

/// True for what may stand in the value of a field: no control character but the tab.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

/// The text without the blanks around it.
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// Takes the next member off a comma-separated list, without the blanks around it. An empty text has no members.
[[nodiscard]] constexpr std::string_view next_member(std::string_view& list) noexcept {
    const std::size_t comma = list.find(',');
    const std::string_view member = trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    return member;
}

}  // namespace pollux::http
