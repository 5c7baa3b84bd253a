// Lines out of a byte stream, however the stream splits or joins them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <pollux/bytes.h>

namespace chat {

/// The longest line of the chat, its end not counted. A peer that sends no line end cannot make memory grow past it.
inline constexpr std::size_t max_line_bytes = 4096;

/// Collects bytes until a line is whole. A line ends with "\n" or "\r\n".
class LineReader {
public:
    explicit LineReader(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

    /// Calls `on_line(std::string_view)` for each line that is now whole. False if a line is longer than the limit:
    /// then the stream is of no more use.
    template <class OnLine>
    [[nodiscard]] bool feed(pollux::Bytes bytes, OnLine&& on_line) {
        std::string_view text = pollux::as_text(bytes);
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            const std::string_view piece = text.substr(0, end);
            if (line_.size() + piece.size() > limit_bytes_) return false;
            line_ += piece;
            if (end == std::string_view::npos) break;
            finish(on_line);
            text.remove_prefix(end + 1);
        }
        return true;
    }

    /// The stream has ended: what is left counts as a line.
    template <class OnLine>
    void end(OnLine&& on_line) {
        if (!line_.empty()) finish(on_line);
    }

    /// Forgets a line that is not whole: the next bytes belong to another stream.
    void clear() { line_.clear(); }

private:
    template <class OnLine>
    void finish(OnLine& on_line) {
        if (line_.ends_with('\r')) line_.pop_back();
        on_line(std::string_view{line_});
        line_.clear();
    }

    std::size_t limit_bytes_;
    std::string line_;
};

}  // namespace chat
