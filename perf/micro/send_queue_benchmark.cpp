// What it costs to keep bytes that the kernel does not take, until it does.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "send_queue.h"

namespace {

constexpr std::size_t kernel_takes = 64 * 1024;

// Arguments: bytes of a message; bytes that are waiting when the kernel begins to take some.
void append_and_consume(benchmark::State& state) {
    const std::vector<std::byte> message(static_cast<std::size_t>(state.range(0)));
    const auto waiting = static_cast<std::size_t>(state.range(1));
    pollux::Slab slab{pollux::send_block_bytes};
    pollux::SendQueue queue;
    std::array<pollux::Bytes, 16> parts;

    std::int64_t messages = 0;
    for (auto _ : state) {
        for (; queue.size() < waiting; ++messages) queue.append(slab, message);
        benchmark::DoNotOptimize(queue.peek(parts));
        queue.consume(slab, std::min(queue.size(), kernel_takes));
    }
    queue.clear(slab);
    state.SetItemsProcessed(messages);
    state.SetBytesProcessed(messages * state.range(0));
}

BENCHMARK(append_and_consume)
    ->ArgNames({"bytes", "waiting"})
    ->Args({32, 64 * 1024})
    ->Args({32, 1024 * 1024})
    ->Args({4096, 1024 * 1024})
    ->Args({64 * 1024, 1024 * 1024});

}  // namespace

BENCHMARK_MAIN();
