// Bytes and text: the two views of the same memory that the API takes and gives.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace pollux {

/// A view of bytes that somebody else owns. Every function that takes one says how long it must stay valid;
/// unless it says otherwise, the bytes are consumed or copied before the function returns.
using Bytes = std::span<const std::byte>;

/// A writable view of bytes that somebody else owns.
using MutableBytes = std::span<std::byte>;

/// The bytes of a text, without a copy.
[[nodiscard]] inline Bytes as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span<const char>{text.data(), text.size()});
}

/// The text in some bytes, without a copy and without a check of its encoding.
[[nodiscard]] inline std::string_view as_text(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace pollux
