// Writes the head of an answer.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include <pollux/bytes.h>

namespace pollux::http {

/// Appends to memory that somebody else owns and that is large enough.
class HeadWriter {
public:
    explicit HeadWriter(char* memory) noexcept : begin_(memory), at_(memory) {}

    void text(std::string_view text) noexcept {
        if (text.empty()) return;  // it may be nowhere
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }

    void number(std::uint64_t value) noexcept { at_ = std::to_chars(at_, at_ + 20, value).ptr; }

    void hexadecimal(std::uint64_t value) noexcept { at_ = std::to_chars(at_, at_ + 16, value, 16).ptr; }

    /// "HTTP/1.1 200 OK" and the line's end.
    void status_line(unsigned status) noexcept;

    void field(std::string_view name, std::string_view value) noexcept {
        text(name);
        text(": ");
        text(value);
        text("\r\n");
    }

    void content_length(std::uint64_t length) noexcept {
        text("Content-Length: ");
        number(length);
        text("\r\n");
    }

    [[nodiscard]] Bytes bytes() const noexcept { return as_bytes({begin_, static_cast<std::size_t>(at_ - begin_)}); }

    /// An upper bound on all that an answer's head has besides the fields that were added.
    static constexpr std::size_t max_own_bytes = 512;

private:
    char* begin_;
    char* at_;
};

}  // namespace pollux::http
