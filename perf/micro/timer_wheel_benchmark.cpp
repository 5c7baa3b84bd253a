// What a timer costs while many others are armed.
#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "timer_wheel.h"

namespace {

using pollux::TimerWheel;

// Deadlines as a server has them: between a millisecond and an hour from now.
class Deadlines {
public:
    explicit Deadlines(TimerWheel::Time start) : start_(start), delays_(count) {
        std::mt19937_64 random{1};
        std::uniform_int_distribution<std::int64_t> distribution{1'000'000, 3'600'000'000'000};
        for (auto& delay : delays_) delay = std::chrono::nanoseconds{distribution(random)};
    }

    TimerWheel::Time next() { return start_ + delays_[next_++ % count]; }

private:
    static constexpr std::size_t count = 4096;

    TimerWheel::Time start_;
    std::vector<std::chrono::nanoseconds> delays_;
    std::size_t next_ = 0;
};

// A wheel with as many armed timers as the benchmark's argument says.
struct Fixture {
    explicit Fixture(const benchmark::State& state) : others(static_cast<std::size_t>(state.range(0))) {
        for (auto& node : others) wheel.arm(node, deadlines.next());
    }

    ~Fixture() {
        for (auto& node : others) wheel.cancel(node);
    }

    TimerWheel::Time start = std::chrono::steady_clock::now();
    TimerWheel wheel{start};
    Deadlines deadlines{start};
    std::vector<TimerWheel::Node> others;
};

void arm_and_cancel(benchmark::State& state) {
    Fixture fixture{state};
    TimerWheel::Node node;
    for (auto _ : state) {
        fixture.wheel.arm(node, fixture.deadlines.next());
        fixture.wheel.cancel(node);
    }
    state.SetItemsProcessed(state.iterations());
}

// An idle timeout that every message pushes further out.
void move(benchmark::State& state) {
    Fixture fixture{state};
    TimerWheel::Node node;
    for (auto _ : state) fixture.wheel.arm(node, fixture.deadlines.next());
    fixture.wheel.cancel(node);
    state.SetItemsProcessed(state.iterations());
}

// Time goes on in steps of a tenth of a millisecond; every timer that fires is armed again.
void advance_and_rearm(benchmark::State& state) {
    Fixture fixture{state};
    TimerWheel::Time now = fixture.start;
    std::int64_t fired = 0;
    for (auto _ : state) {
        now += std::chrono::microseconds{100};
        fixture.wheel.advance(now, [&](TimerWheel::Node& node) {
            fixture.wheel.arm(node, now + std::chrono::milliseconds{100});
            ++fired;
        });
    }
    state.SetItemsProcessed(fired);
}

void find_next_event(benchmark::State& state) {
    const Fixture fixture{state};
    for (auto _ : state) benchmark::DoNotOptimize(fixture.wheel.next_event());
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(arm_and_cancel)->Arg(0)->Arg(1'000'000);
BENCHMARK(move)->Arg(0)->Arg(1'000'000);
BENCHMARK(advance_and_rearm)->Arg(1000)->Arg(1'000'000);
BENCHMARK(find_next_event)->Arg(0)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();
