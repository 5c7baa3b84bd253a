// What a load program prints at the end.
#include "report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace perf {
namespace {

struct Unit {
    double size;
    const char* name;
};

// In the largest unit of which there is at least one, with three decimals; whole in the smallest.
template <std::size_t count>
std::string in_units(double value, const std::array<Unit, count>& units) {
    std::array<char, 64> text{};
    for (const Unit& unit : units) {
        if (value < unit.size && unit.size > 1) continue;
        std::snprintf(text.data(), text.size(), unit.size > 1 ? "%.3f %s" : "%.0f %s", value / unit.size, unit.name);
        break;
    }
    return text.data();
}

std::string data_size(double bytes) {
    static constexpr std::array<Unit, 5> units{
        {{0x1p40, "TiB"}, {0x1p30, "GiB"}, {0x1p20, "MiB"}, {0x1p10, "KiB"}, {1, "bytes"}}};
    return in_units(bytes, units);
}

std::string time_period(double nanoseconds) {
    static constexpr std::array<Unit, 4> units{{{1e9, "s"}, {1e6, "ms"}, {1e3, "mcs"}, {1, "ns"}}};
    return in_units(nanoseconds, units);
}

void print_lost(std::uint64_t lost, std::uint64_t received) {
    const auto all = static_cast<double>(std::max<std::uint64_t>(lost + received, 1));
    std::printf("Lost messages: %llu (%.3f %%)\n", static_cast<unsigned long long>(lost),
                100 * static_cast<double>(lost) / all);
}

void print_percentiles(const Histogram& latency) {
    struct Line {
        const char* name;
        std::uint64_t value;
    };
    for (const Line& line :
         {Line{"p50", latency.quantile(0.5)}, Line{"p90", latency.quantile(0.9)}, Line{"p99", latency.quantile(0.99)},
          Line{"p99.9", latency.quantile(0.999)}, Line{"max", latency.maximum()}}) {
        std::printf("Latency %s: %s\n", line.name, time_period(static_cast<double>(line.value)).c_str());
    }
}

}  // namespace

void print(const Report& report) {
    const std::uint64_t messages = report.messages;
    const auto nanoseconds = static_cast<double>(report.time.count());
    const auto bytes = static_cast<double>(report.bytes);

    std::printf("\nErrors: %llu\n", static_cast<unsigned long long>(report.errors));
    if (report.lost) print_lost(*report.lost, messages);
    std::printf("\nTotal time: %s\n", time_period(nanoseconds).c_str());
    std::printf("Total data: %s\n", data_size(bytes).c_str());
    std::printf("Total messages: %llu\n", static_cast<unsigned long long>(messages));
    std::printf("Data throughput: %s/s\n", data_size(bytes * 1e9 / nanoseconds).c_str());
    if (messages == 0) return;
    std::printf("Message latency: %s\n", time_period(nanoseconds / static_cast<double>(messages)).c_str());
    std::printf("Message throughput: %.0f msg/s\n", static_cast<double>(messages) * 1e9 / nanoseconds);
    if (report.latency.total() > 0) print_percentiles(report.latency);
}

void print(const HandshakeReport& report) {
    const auto nanoseconds = static_cast<double>(report.time.count());
    const auto handshakes = static_cast<double>(report.handshakes);

    std::printf("\nErrors: %llu\n\n", static_cast<unsigned long long>(report.errors));
    std::printf("Total time: %s\n", time_period(nanoseconds).c_str());
    std::printf("Total handshakes: %llu\n", static_cast<unsigned long long>(report.handshakes));
    std::printf("Resumed handshakes: %llu\n", static_cast<unsigned long long>(report.resumed));
    if (report.handshakes == 0) return;
    std::printf("Handshake latency: %s\n", time_period(nanoseconds / handshakes).c_str());
    std::printf("Handshake throughput: %.0f handshakes/s\n", handshakes * 1e9 / nanoseconds);
}

}  // namespace perf
