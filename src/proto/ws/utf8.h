// UTF-8, checked while it streams (RFC 3629).
#pragma once

#include <cstdint>

#include <pollux/bytes.h>

namespace pollux::ws {

/// Checks a text that comes in parts, cut anywhere. It refuses as soon as no continuation could make it right:
/// overlong forms, surrogates, what is beyond U+10FFFF.
class Utf8Validator {
public:
    /// The next part. False: it is not UTF-8, and nothing further matters.
    [[nodiscard]] bool feed(Bytes part) noexcept;

    /// True if no character is cut off at the end.
    [[nodiscard]] bool complete() const noexcept { return missing_ == 0; }

    void reset() noexcept { missing_ = 0; }

private:
    [[nodiscard]] bool begin_character(std::uint8_t lead) noexcept;

    std::uint8_t missing_ = 0;  // bytes of the character that is cut
    std::uint8_t low_ = 0x80;   // what the next one may be
    std::uint8_t high_ = 0xbf;
};

/// True if all of it is UTF-8.
[[nodiscard]] inline bool is_utf8(Bytes text) noexcept {
    Utf8Validator validator;
    return validator.feed(text) && validator.complete();
}

}  // namespace pollux::ws
