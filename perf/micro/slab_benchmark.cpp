// What a block costs: one that goes to and fro, and many that are taken and given back in another order.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "slab.h"

namespace {

constexpr std::size_t block_bytes = 256;

void allocate_and_release(benchmark::State& state) {
    pollux::Slab slab{block_bytes};
    for (auto _ : state) {
        void* block = slab.allocate();
        benchmark::DoNotOptimize(block);
        slab.release(block);
    }
    state.SetItemsProcessed(state.iterations());
}

// Argument: how many blocks are out at one time.
void allocate_many_release_shuffled(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937{1});

    pollux::Slab slab{block_bytes};
    std::vector<void*> blocks(count);
    for (auto _ : state) {
        for (void*& block : blocks) block = slab.allocate();
        for (const std::size_t i : order) slab.release(blocks[i]);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(allocate_and_release);
BENCHMARK(allocate_many_release_shuffled)->Arg(1000)->Arg(100'000);

}  // namespace

BENCHMARK_MAIN();
