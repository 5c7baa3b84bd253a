// What a perf program sends as a datagram: a message of the pattern that begins with its index, so that every byte is
// checked and a lost or late one is known as such.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "pattern.h"

namespace perf {

/// The index of a message wraps, so indices are compared by their distance.
using DatagramIndex = std::uint32_t;

inline constexpr std::size_t min_datagram_bytes = sizeof(DatagramIndex);
inline constexpr std::size_t max_datagram_bytes = 65'507;

/// How far `later` is behind `earlier`; negative if it is before it.
[[nodiscard]] constexpr std::int32_t distance(DatagramIndex earlier, DatagramIndex later) {
    return static_cast<std::int32_t>(later - earlier);
}

/// Lays down one message after the other.
class DatagramWriter {
public:
    explicit DatagramWriter(const Pattern& pattern) : pattern_(&pattern), writer_(pattern) {}

    void write(std::byte* to) const {
        std::memcpy(to, writer_.message(), pattern_->message_bytes());
        for (std::size_t i = 0; i < sizeof index_; ++i) to[i] = static_cast<std::byte>(index_ >> (8 * i));
    }

    void advance() {
        writer_.advance();
        if (++index_ == 0) writer_ = PatternWriter{*pattern_};  // a reader knows the index and nothing else
    }

private:
    const Pattern* pattern_;
    PatternWriter writer_;
    DatagramIndex index_ = 0;
};

/// The index of a message; nothing if any byte is not as it was written.
[[nodiscard]] inline std::optional<DatagramIndex> read_datagram(const Pattern& pattern, const std::byte* data,
                                                                std::size_t size) {
    if (size != pattern.message_bytes()) return std::nullopt;
    DatagramIndex index = 0;
    for (std::size_t i = 0; i < sizeof index; ++i) index |= static_cast<DatagramIndex>(data[i]) << (8 * i);
    const std::byte* expected = pattern.at(index % pattern.messages() * size);
    if (std::memcmp(data + sizeof index, expected + sizeof index, size - sizeof index) != 0) return std::nullopt;
    return index;
}

}  // namespace perf
