// Writes JSON (RFC 8259).
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace pollux::http {

/// Appends value by value, with the commas that belong between them. `Fill` is called between the brackets. That
/// members are in objects, and only they, is the caller's business.
class JsonWriter {
public:
    template <class Fill>
    void object(Fill&& fill) {
        separate();
        text_ += '{';
        needs_comma_ = false;
        fill();
        text_ += '}';
        needs_comma_ = true;
    }

    template <class Fill>
    void object(std::string_view name, Fill&& fill) {
        key(name);
        object(fill);
    }

    /// A member that is an array.
    template <class Fill>
    void array(std::string_view name, Fill&& fill) {
        key(name);
        text_ += '[';
        fill();
        text_ += ']';
        needs_comma_ = true;
    }

    /// UTF-8, which stays as it is.
    void string(std::string_view value) {
        separate();
        text_ += '"';
        for (const char c : value) append_escaped(c);
        text_ += '"';
    }

    void member(std::string_view name, std::string_view value) {
        key(name);
        string(value);
    }

    /// The same, if there is something to tell.
    void member_unless_empty(std::string_view name, std::string_view value) {
        if (!value.empty()) member(name, value);
    }

    /// Not `member`: text in quotes would rather be a bool than a view.
    void flag(std::string_view name, bool value) {
        key(name);
        text_ += value ? "true" : "false";
        needs_comma_ = true;
    }

    [[nodiscard]] std::string take() noexcept { return std::move(text_); }

private:
    void key(std::string_view name) {
        string(name);
        text_ += ':';
        needs_comma_ = false;
    }

    void separate() {
        if (std::exchange(needs_comma_, true)) text_ += ',';
    }

    void append_escaped(char c) {
        switch (c) {
            case '"':
                text_ += "\\\"";
                return;
            case '\\':
                text_ += "\\\\";
                return;
            case '\n':
                text_ += "\\n";
                return;
            case '\r':
                text_ += "\\r";
                return;
            case '\t':
                text_ += "\\t";
                return;
            default:
                break;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20) {
            text_ += c;
            return;
        }
        constexpr std::string_view digits = "0123456789abcdef";
        text_ += "\\u00";
        text_ += digits[byte >> 4U];
        text_ += digits[byte & 0xFU];
    }

    std::string text_;
    bool needs_comma_ = false;
};

}  // namespace pollux::http
