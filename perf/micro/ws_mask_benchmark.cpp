// What masking costs, in place and copying, beside a copy of as many bytes by the C library.
#include <cstddef>
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include "proto/ws/mask.h"

namespace {

using pollux::ws::Mask;
using pollux::ws::MaskKey;

constexpr MaskKey key{std::byte{0x12}, std::byte{0x9c}, std::byte{0x55}, std::byte{0xe7}};

// A source and a target of so many bytes. The payload of a client's frame lies behind a header of 6, 8 or 14 bytes.
struct Buffers {
    static constexpr std::size_t header = 8;

    explicit Buffers(const benchmark::State& state) : size(static_cast<std::size_t>(state.range(0))) {}

    [[nodiscard]] std::byte* from() { return source.data() + header; }
    [[nodiscard]] std::byte* to() { return target.data() + header; }

    std::size_t size;
    std::vector<std::byte> source{header + size};
    std::vector<std::byte> target{header + size};
};

void count(benchmark::State& state) {
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

void copy(benchmark::State& state) {
    Buffers buffers{state};
    for (auto _ : state) {
        std::memcpy(buffers.to(), buffers.from(), buffers.size);
        benchmark::ClobberMemory();
    }
    count(state);
}

void mask_a_copy(benchmark::State& state) {
    Buffers buffers{state};
    for (auto _ : state) {
        pollux::ws::apply_mask(buffers.to(), buffers.from(), buffers.size, Mask{key});
        benchmark::ClobberMemory();
    }
    count(state);
}

void mask_in_place(benchmark::State& state) {
    Buffers buffers{state};
    for (auto _ : state) {
        pollux::ws::apply_mask({buffers.from(), buffers.size}, Mask{key});
        benchmark::ClobberMemory();
    }
    count(state);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("bytes")->Arg(32)->Arg(125)->Arg(16 * 1024)->Arg(1024 * 1024);
}

BENCHMARK(copy)->Apply(sizes);
BENCHMARK(mask_a_copy)->Apply(sizes);
BENCHMARK(mask_in_place)->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
