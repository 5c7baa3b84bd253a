// Finds the end of a head, as bytes come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pollux::http {

/// Goes over a message's head once, however it is cut: line by line to the empty line at its end. What no head may have
/// in it is refused here, before a parser sees any of it: a line that does not end in CRLF, CR or LF anywhere else, any
/// other control character but the tab, and a continued line (RFC 9112, 2.2 and 5.2).
class HeadScanner {
public:
    enum class Outcome : std::uint8_t {
        incomplete,
        complete,  ///< `size()` is all of the head, with the empty line.
        bad_line_end,
        bad_character,
        folded_line,
    };

    /// Goes on with `text`: the same head from its beginning, with what has come since.
    [[nodiscard]] Outcome scan(std::string_view text) noexcept;

    /// How much of the text is known to be of the head.
    [[nodiscard]] std::size_t size() const noexcept { return position_; }

    /// The size of the first line with its CRLF; 0 as long as that is not complete.
    [[nodiscard]] std::size_t first_line() const noexcept { return first_line_; }

    void reset() noexcept { *this = {}; }

private:
    std::uint32_t position_ = 0;
    std::uint32_t line_ = 0;  // where the line begins that `position_` is in
    std::uint32_t first_line_ = 0;
};

}  // namespace pollux::http
