// Helpers of the unit tests: known randomness, and bytes that tell where they are from.
#pragma once

#include <gtest/gtest.h>
#include <pollux/bytes.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "common/sanitized.h"

namespace pollux::test {

/// Seeded by hand, so that a failure comes again.
class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    /// From 0 to `last`, both included.
    std::uint64_t up_to(std::uint64_t last) { return std::uniform_int_distribution<std::uint64_t>{0, last}(engine_); }

    std::size_t size_up_to(std::size_t last) { return static_cast<std::size_t>(up_to(last)); }

    /// True once in `n` times.
    bool one_in(std::uint64_t n) { return up_to(n - 1) == 0; }

    /// Any order of magnitude is as likely as any other, from 0 to 2^`bits` - 1.
    std::uint64_t magnitude(unsigned bits) {
        const std::uint64_t width = up_to(bits);
        return width == 0 ? 0 : up_to((std::uint64_t{1} << width) - 1);
    }

private:
    std::mt19937_64 engine_;
};

/// `size` bytes of an endless known sequence, from `offset` on, so that a lost, doubled or swapped byte shows.
inline std::string pattern(std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint64_t position = offset + i;
        bytes[i] = static_cast<char>((position * 0x9E3779B97F4A7C15U) >> 56);
    }
    return bytes;
}

/// Names the instances of a test for values that have no short name.
template <class Parameter>
std::string numbered(const testing::TestParamInfo<Parameter>& parameter) {
    return std::to_string(parameter.index);
}

/// All the bytes of several parts, one after the other.
inline std::string text_of(std::span<const Bytes> parts) {
    std::string text;
    for (const Bytes part : parts) text += as_text(part);
    return text;
}

}  // namespace pollux::test
