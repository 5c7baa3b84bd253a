// What the fuzzers share: checks that hold in every build, choices that the input makes, and input in pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <pollux/bytes.h>

namespace pollux::test {

/// An `assert` that no build leaves out.
inline void insist(bool condition) {
    if (!condition) std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Reads the input's own choices from its front.
class Choices {
public:
    explicit Choices(std::string_view input) : input_(input) {}

    std::uint8_t byte() {
        if (input_.empty()) return 0;
        const auto first = static_cast<std::uint8_t>(input_.front());
        input_.remove_prefix(1);
        return first;
    }
    [[nodiscard]] std::string_view rest() const { return input_; }

private:
    std::string_view input_;
};

/// Bytes in memory of exactly their size, so that a sanitizer sees a step beyond them.
using ExactBytes = std::vector<std::byte>;

inline ExactBytes exactly(Bytes first, Bytes second = {}) {
    ExactBytes both(first.size() + second.size());
    std::copy(second.begin(), second.end(), std::copy(first.begin(), first.end(), both.begin()));
    return both;
}

/// A text in pieces: of one byte, of any size up to 2, 4, … 64, or whole, as the seed says.
class Pieces {
public:
    Pieces(std::string_view text, std::uint8_t seed) : rest_(text), width_(seed % 8U), state_(seed) {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }

    std::string_view next() {
        constexpr unsigned whole = 7;
        state_ = state_ * 1664525U + 1013904223U;
        const std::size_t size = width_ == whole ? rest_.size() : 1 + (state_ >> 16U) % (1U << width_);
        const std::string_view piece = rest_.substr(0, size);
        rest_.remove_prefix(piece.size());
        return piece;
    }

    static constexpr std::uint8_t as_a_whole = 7;

private:
    std::string_view rest_;
    unsigned width_;
    std::uint32_t state_;
};

}  // namespace pollux::test
