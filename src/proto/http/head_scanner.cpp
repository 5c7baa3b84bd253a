// Finds the end of a head, as bytes come in.
#include "proto/http/head_scanner.h"

#include "proto/http/characters.h"

namespace pollux::http {

HeadScanner::Outcome HeadScanner::scan(std::string_view text) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* at = begin + position_;
    const char* line = begin + line_;
    const auto stop = [&](Outcome outcome) {
        position_ = static_cast<std::uint32_t>(at - begin);
        line_ = static_cast<std::uint32_t>(line - begin);
        return outcome;
    };
    for (;;) {
        at = find_control(at, end);
        if (at != line && line != begin && is_blank(*line)) return stop(Outcome::folded_line);
        if (at == end) return stop(Outcome::incomplete);
        if (*at == '\t') {
            ++at;
            continue;
        }
        if (*at == '\n') return stop(Outcome::bad_line_end);
        if (*at != '\r') return stop(Outcome::bad_character);
        if (end - at == 1) return stop(Outcome::incomplete);  // the LF is still to come: here again then
        if (at[1] != '\n') return stop(Outcome::bad_line_end);
        const bool empty = at == line;
        at += 2;
        line = at;
        if (first_line_ == 0) first_line_ = static_cast<std::uint32_t>(at - begin);
        if (empty) return stop(Outcome::complete);
    }
}

}  // namespace pollux::http
