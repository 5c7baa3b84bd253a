// The bytes that perf programs send: both ends know them, so every byte received is checked, by memcmp in blocks.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

namespace perf {

/// What is around each message on the wire, if anything is: a header before it and a mask over it.
struct Framing {
    std::vector<std::byte> header{};
    std::array<std::byte, 4> mask{};
};

/// Messages of one size that differ from each other and repeat after `period_bytes()`. The first byte of a message is
/// its index, so that a reader who joins late finds its place. Small enough to stay in the first-level cache.
class Pattern {
public:
    explicit Pattern(std::size_t message_bytes, const Framing& framing = {})
        : header_bytes_(framing.header.size()),
          message_bytes_(header_bytes_ + message_bytes),
          messages_(std::clamp<std::size_t>(8192 / message_bytes, 1, 251)),
          bytes_(2 * period_bytes()) {
        for (std::size_t i = 0; i < bytes_.size(); ++i) {
            const std::size_t message = (i / message_bytes_) % messages_;
            const std::size_t at = i % message_bytes_;
            if (at < header_bytes_) {
                bytes_[i] = framing.header[at];
            } else {
                const std::size_t offset = at - header_bytes_;
                bytes_[i] = static_cast<std::byte>(message + offset * 7 + offset * message) ^ framing.mask[offset % 4];
            }
        }
    }

    /// What is before each message, and the message with that.
    [[nodiscard]] std::size_t header_bytes() const { return header_bytes_; }
    [[nodiscard]] std::size_t message_bytes() const { return message_bytes_; }
    [[nodiscard]] std::size_t messages() const { return messages_; }
    [[nodiscard]] std::size_t period_bytes() const { return messages_ * message_bytes_; }

    /// One period can be read from any phase in it.
    [[nodiscard]] const std::byte* at(std::size_t phase) const { return bytes_.data() + phase; }

    /// The phase at which the message with that first byte begins; one past the period if there is none.
    [[nodiscard]] std::size_t phase_of(std::byte first) const {
        return std::min(static_cast<std::size_t>(first), messages_) * message_bytes_;
    }

private:
    std::size_t header_bytes_;
    std::size_t message_bytes_;
    std::size_t messages_;
    std::vector<std::byte> bytes_;  // two periods
};

/// Hands out the messages of a pattern one after the other.
class PatternWriter {
public:
    explicit PatternWriter(const Pattern& pattern) : pattern_(&pattern) {}

    /// The next message. Stays the same until `advance`.
    [[nodiscard]] const std::byte* message() const { return pattern_->at(phase_); }

    /// Past that one, or past several, a period at most: up to there they lie behind each other.
    void advance(std::size_t messages = 1) {
        phase_ += messages * pattern_->message_bytes();
        if (phase_ >= pattern_->period_bytes()) phase_ -= pattern_->period_bytes();
    }

private:
    const Pattern* pattern_;
    std::size_t phase_ = 0;
};

/// Checks a stream that began with a message of the pattern, in pieces of any size.
class PatternReader {
public:
    explicit PatternReader(const Pattern& pattern) : pattern_(&pattern) {}

    /// For a stream that begins with any message: takes its place from the message's first byte.
    [[nodiscard]] bool synchronize(std::byte first) {
        phase_ = pattern_->phase_of(first);
        if (phase_ < pattern_->period_bytes()) return true;
        phase_ = 0;
        return false;
    }

    /// True if these are the bytes that had to come next.
    [[nodiscard]] bool check(const std::byte* data, std::size_t size) {
        bool good = true;
        const std::size_t period = pattern_->period_bytes();
        while (size > 0) {
            const std::size_t block = std::min(size, period);
            good &= std::memcmp(data, pattern_->at(phase_), block) == 0;
            phase_ += block;
            if (phase_ >= period) phase_ -= period;
            data += block;
            size -= block;
        }
        return good;
    }

private:
    const Pattern* pattern_;
    std::size_t phase_ = 0;
};

}  // namespace perf
