// Several ranges in one body.
#include "proto/http/multipart.h"

namespace pollux::http {

namespace {

/// More than the lines of a part need, without its type.
constexpr std::size_t part_lines_bytes = 160;

}  // namespace

Boundary::Boundary(std::uint64_t random) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    for (char& c : text_) {
        c = digits[random % digits.size()];
        random /= digits.size();
    }
}

std::string Boundary::content_type() const {
    return std::string{"multipart/byteranges; boundary="}.append(text());
}

std::string make_multipart(std::string_view representation, std::span<const ByteRange> ranges, std::string_view type,
                           const Boundary& boundary) {
    std::size_t size = part_lines_bytes;
    for (const ByteRange& range : ranges) size += range.size + type.size() + part_lines_bytes;
    std::string body;
    body.reserve(size);
    for (const ByteRange& range : ranges) {
        body.append("--").append(boundary.text()).append("\r\nContent-Type: ").append(type);
        body.append("\r\nContent-Range: ").append(ContentRange{range, representation.size()}.text());
        body.append("\r\n\r\n").append(representation.substr(range.first, range.size)).append("\r\n");
    }
    body.append("--").append(boundary.text()).append("--\r\n");
    return body;
}

}  // namespace pollux::http
