// Waiting: deadlines, and being woken from other threads and from a signal handler.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>

#include <thread>

#include "platform/support.h"

namespace pollux::platform::test {
namespace {

static_assert(PollerContract<Poller>);

class WaitTest : public testing::Test {
protected:
    /// Waits as often as it takes to reach the deadline; returns how often that was.
    std::size_t wait_until(Time deadline) {
        std::size_t waits = 0;
        while (Poller::now() < deadline) {
            ++waits;
            loop.turn(deadline);
        }
        return waits;
    }

    /// True if a `wait` without bound returns, which it does if it was woken.
    [[nodiscard]] bool returns_without_deadline() {
        std::atomic<bool> returned{false};
        std::thread guard{[&] {
            const Time give_up = Poller::now() + patience;
            while (!returned && Poller::now() < give_up) std::this_thread::sleep_for(1ms);
            if (!returned) {
                late = true;
                loop.poller.wake();
            }
        }};
        loop.turn(Time::max());
        returned = true;
        guard.join();
        return !late;
    }

    Loop loop;
    std::atomic<bool> late{false};
};

/// How many waits one sleep may take: some may return early, but a loop around them must not spin.
constexpr std::size_t few_waits = 10;

TEST_F(WaitTest, a_deadline_that_has_passed_does_not_block) {
    const Time begin = Poller::now();
    for (const Time deadline : {Time{}, Time::min(), begin, begin - 1ns, begin - 1h, Time{} + 1ns}) {
        for (int i = 0; i < 20; ++i) loop.turn(deadline);
    }
    EXPECT_LT(Poller::now() - begin, patience);
}

TEST_F(WaitTest, a_deadline_ends_the_wait) {
    for (const auto delay : {100us, 1000us, 5000us, 30'000us}) {
        const Time begin = Poller::now();
        EXPECT_LE(wait_until(begin + delay), few_waits);
        EXPECT_LT(Poller::now() - begin, patience);
    }
}

TEST_F(WaitTest, it_blocks_until_the_deadline) {
    std::size_t waits = 0;
    for (int i = 0; i < 10; ++i) waits += wait_until(Poller::now() + 5ms);
    EXPECT_LE(waits, 10 * few_waits) << "it spins";
}

TEST_F(WaitTest, an_earlier_deadline_replaces_a_later_one) {
    loop.poller.wake();
    loop.turn(Poller::now() + 1h);  // returns at once, and the hour stays somewhere
    const Time begin = Poller::now();
    wait_until(begin + 5ms);
    EXPECT_LT(Poller::now() - begin, patience);
}

TEST_F(WaitTest, a_later_deadline_replaces_an_earlier_one) {
    for (int i = 0; i < 10; ++i) {
        const Time begin = Poller::now();
        loop.poller.wake();
        loop.turn(begin + 2ms);
        EXPECT_LE(wait_until(begin + 20ms), few_waits);
    }
}

TEST_F(WaitTest, a_deadline_that_was_met_is_over) {
    for (int i = 0; i < 10; ++i) {
        wait_until(Poller::now() + 1ms);
        EXPECT_LE(wait_until(Poller::now() + 5ms), few_waits);
    }
}

TEST_F(WaitTest, deadlines_up_and_down) {
    const Time begin = Poller::now();
    for (const auto delay : {3ms, 1ms, 7ms, 2ms, 2ms, 5ms, 0ms, 4ms, 1ms}) {
        if (delay.count() % 2 != 0) loop.poller.wake();
        wait_until(Poller::now() + delay);
    }
    EXPECT_LT(Poller::now() - begin, patience);
}

TEST_F(WaitTest, a_wake_before_the_wait_is_not_lost) {
    loop.poller.wake();
    EXPECT_TRUE(returns_without_deadline());
}

TEST_F(WaitTest, several_wakes_are_one) {
    for (int i = 0; i < 1000; ++i) loop.poller.wake();
    EXPECT_TRUE(returns_without_deadline());
    EXPECT_LE(wait_until(Poller::now() + 10ms), few_waits) << "it goes on waking";
}

TEST_F(WaitTest, every_wake_wakes) {
    for (int i = 0; i < 200; ++i) {
        loop.poller.wake();
        ASSERT_TRUE(returns_without_deadline()) << i;
    }
}

TEST_F(WaitTest, a_wake_ends_a_wait_under_way) {
    for (const Time deadline : {Time::max(), Poller::now() + 1h}) {
        std::thread waker{[&] {
            std::this_thread::sleep_for(10ms);
            loop.poller.wake();
        }};
        const Time begin = Poller::now();
        loop.turn(deadline);
        EXPECT_LT(Poller::now() - begin, patience);
        waker.join();
    }
}

TEST_F(WaitTest, a_wake_is_no_event_of_a_socket) {
    loop.on_event = [](End&, const Event<Socket>&) { FAIL(); };
    loop.poller.wake();
    EXPECT_TRUE(returns_without_deadline());
}

TEST_F(WaitTest, is_woken_by_several_threads) {
    constexpr int threads = 4;
    constexpr int times = 500;
    std::atomic<int> asked{0};
    std::vector<std::thread> wakers;
    for (int thread = 0; thread < threads; ++thread) {
        wakers.emplace_back([&] {
            for (int i = 0; i < times; ++i) {
                ++asked;
                loop.poller.wake();
                if (i % 50 == 0) std::this_thread::sleep_for(1ms);
            }
        });
    }
    // Each asks before it wakes, so a wait that begins before the last has asked is sure to return.
    const Time begin = Poller::now();
    while (asked.load() < threads * times) {
        loop.turn(Poller::now() + patience);
        ASSERT_LT(Poller::now() - begin, patience) << "a wake was lost";
    }
    for (std::thread& waker : wakers) waker.join();
}

Poller* signalled = nullptr;  // a handler has no argument to find it by

extern "C" void wake_signalled(int) {
    signalled->wake();
}

TEST_F(WaitTest, is_woken_from_a_signal_handler) {
    signalled = &loop.poller;
    auto* const former = std::signal(SIGINT, wake_signalled);
    errno = 77;
    ASSERT_EQ(std::raise(SIGINT), 0);
    EXPECT_EQ(errno, 77) << "the interrupted code may be about to look at it";
    EXPECT_TRUE(returns_without_deadline());
    std::signal(SIGINT, former);
}

TEST_F(WaitTest, a_poller_comes_and_goes) {
    for (int i = 0; i < 100; ++i) {
        Poller poller;
        ASSERT_FALSE(poller.open());
        poller.wake();
        EXPECT_LT(poller.wait(Time::max()), 10U);
    }
    Poller never_opened;
}

TEST_F(WaitTest, time_does_not_go_back) {
    Time last = Poller::now();
    for (int i = 0; i < 10'000; ++i) {
        const Time now = Poller::now();
        ASSERT_GE(now, last);
        last = now;
    }
}

}  // namespace
}  // namespace pollux::platform::test
