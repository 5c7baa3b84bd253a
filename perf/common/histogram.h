// A histogram of latencies: fixed size, constant time, values kept to better than a hundredth.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace perf {

/// Counts nanoseconds in buckets that grow with the value: 128 to each power of two.
class Histogram {
public:
    void record(std::uint64_t value) {
        ++counts_[bucket_of(value)];
        ++total_;
        maximum_ = std::max(maximum_, value);
    }

    void add(const Histogram& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
        total_ += other.total_;
        maximum_ = std::max(maximum_, other.maximum_);
    }

    [[nodiscard]] std::uint64_t total() const { return total_; }
    [[nodiscard]] std::uint64_t maximum() const { return maximum_; }

    /// The value that `fraction` of all values do not exceed, rounded up to its bucket's end.
    [[nodiscard]] std::uint64_t quantile(double fraction) const {
        const auto wanted = static_cast<std::uint64_t>(fraction * static_cast<double>(total_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > wanted) return std::min(last_of(i), maximum_);
        }
        return maximum_;
    }

private:
    static constexpr unsigned precision_bits = 7;
    static constexpr std::size_t buckets_per_power = std::size_t{1} << precision_bits;

    static constexpr unsigned shift_of(std::uint64_t value) {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        return width > precision_bits + 1 ? width - precision_bits - 1 : 0;
    }

    static constexpr std::size_t bucket_of(std::uint64_t value) {
        const unsigned shift = shift_of(value);
        return shift * buckets_per_power + static_cast<std::size_t>(value >> shift);
    }

    static constexpr std::uint64_t last_of(std::size_t bucket) {
        if (bucket < 2 * buckets_per_power) return bucket;
        const std::size_t shift = bucket / buckets_per_power - 1;
        return ((bucket - shift * buckets_per_power + 1) << shift) - 1;
    }

    std::array<std::uint64_t, (65 - precision_bits) * buckets_per_power> counts_{};
    std::uint64_t total_ = 0;
    std::uint64_t maximum_ = 0;
};

}  // namespace perf
