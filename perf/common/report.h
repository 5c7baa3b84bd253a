// What a load program prints at the end: NetCoreServer's lines, and percentiles where a latency was measured.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "histogram.h"

namespace perf {

/// The outcome of a run.
struct Report {
    std::uint64_t errors = 0;
    std::optional<std::uint64_t> lost{};  ///< Messages; none where nothing may be lost.
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
    std::chrono::nanoseconds time{0};
    Histogram latency{};  ///< Empty unless one message was in flight.
};

void print(const Report& report);

/// The outcome of a run that opens connections.
struct HandshakeReport {
    std::uint64_t errors = 0;
    std::uint64_t handshakes = 0;
    std::uint64_t resumed = 0;  ///< Of the handshakes.
    std::chrono::nanoseconds time{0};
};

void print(const HandshakeReport& report);

}  // namespace perf
