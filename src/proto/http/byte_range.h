// Byte ranges (RFC 9110, 14).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pollux::http {

/// A run of a representation's bytes; never empty.
struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t size = 0;

    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// What a request with a `Range` field is to be answered with.
enum class RangeChoice : std::uint8_t {
    all,            ///< 200: the field has no meaning, or asks for more ranges than it may.
    parts,          ///< 206
    unsatisfiable,  ///< 416: every range begins behind the end.
};

/// Reads the value of a `Range` field for a representation of `size` bytes. With `parts`, `ranges` has what is to be
/// sent, in the order it was asked for: each within the representation, no two of which touch or overlap, since those
/// are joined. Otherwise it is empty. No more than `max_ranges` are looked at.
[[nodiscard]] RangeChoice choose_ranges(std::string_view field, std::uint64_t size, std::size_t max_ranges,
                                        std::vector<ByteRange>& ranges);

/// The value of a `Content-Range` field, as in "bytes 0-499/1234", or "bytes */1234" where nothing is sent.
class ContentRange {
public:
    ContentRange(const ByteRange& range, std::uint64_t size) noexcept;
    [[nodiscard]] static ContentRange unsatisfied(std::uint64_t size) noexcept;

    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

private:
    ContentRange() = default;

    std::array<char, 72> text_;
    std::size_t size_ = 0;
};

}  // namespace pollux::http
