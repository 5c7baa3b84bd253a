// Several ranges in one body (RFC 9110, 14.6).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proto/http/byte_range.h"

namespace pollux::http {

/// What separates the parts: a line that is not in any of them but by an accident of 1 in 2^64.
class Boundary {
public:
    explicit Boundary(std::uint64_t random) noexcept;

    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), text_.size()}; }

    /// The value of the `Content-Type` field.
    [[nodiscard]] std::string content_type() const;

private:
    std::array<char, 16> text_;
};

/// The body with the ranges of `representation`, whose media type is `type`.
[[nodiscard]] std::string make_multipart(std::string_view representation, std::span<const ByteRange> ranges,
                                         std::string_view type, const Boundary& boundary);

}  // namespace pollux::http
