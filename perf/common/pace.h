// A steady rate of messages.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace perf {

/// Says how many messages are due. Whoever makes fewer than that does not make up for them later.
class Pace {
public:
    /// How often to ask.
    static constexpr std::chrono::milliseconds period{1};

    explicit Pace(std::size_t messages_per_second) : messages_per_second_(messages_per_second) {}

    void begin() {
        since_ = Clock::now();
        taken_ = 0;
    }

    /// What has come due since it was asked last.
    [[nodiscard]] std::size_t take_due() {
        const std::chrono::duration<double> elapsed = Clock::now() - since_;
        const auto due = static_cast<std::uint64_t>(elapsed.count() * static_cast<double>(messages_per_second_));
        const auto taken = static_cast<std::size_t>(due - taken_);
        taken_ = due;
        return taken;
    }

private:
    using Clock = std::chrono::steady_clock;

    std::size_t messages_per_second_;
    Clock::time_point since_{};
    std::uint64_t taken_ = 0;
};

}  // namespace perf
