// Control queue: order, ownership, and many threads that push.
#include "control_queue.h"

#include <algorithm>
#include <array>
#include <memory>
#include <thread>

#include "unit/support.h"

namespace pollux::test {
namespace {

TEST(ControlQueueTest, runs_in_the_order_of_pushing) {
    ControlQueue queue;
    EXPECT_TRUE(queue.empty());
    std::vector<int> order;
    for (int i = 0; i < 100; ++i) queue.push([&order, i] { order.push_back(i); });
    EXPECT_FALSE(queue.empty());
    auto batch = queue.take();
    EXPECT_TRUE(queue.empty());
    EXPECT_FALSE(batch.empty());
    EXPECT_TRUE(order.empty());
    batch.run();
    EXPECT_TRUE(batch.empty());
    ASSERT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    batch.run();
    EXPECT_EQ(order.size(), 100U) << "once each";
}

TEST(ControlQueueTest, taking_from_an_empty_one_is_an_empty_batch) {
    ControlQueue queue;
    auto batch = queue.take();
    EXPECT_TRUE(batch.empty());
    batch.run();
}

TEST(ControlQueueTest, what_a_task_pushes_is_in_the_next_batch) {
    ControlQueue queue;
    int runs = 0;
    queue.push([&] {
        ++runs;
        queue.push([&] { ++runs; });
    });
    queue.take().run();
    EXPECT_EQ(runs, 1);
    EXPECT_FALSE(queue.empty());
    queue.take().run();
    EXPECT_EQ(runs, 2);
    EXPECT_TRUE(queue.empty());
}

TEST(ControlQueueTest, destroys_what_is_not_run) {
    const auto held = std::make_shared<int>();
    {
        ControlQueue queue;
        for (int i = 0; i < 3; ++i) queue.push([held] { FAIL(); });
        queue.take();
        EXPECT_EQ(held.use_count(), 1) << "a batch that is dropped";
        for (int i = 0; i < 3; ++i) queue.push([held] { FAIL(); });
    }
    EXPECT_EQ(held.use_count(), 1) << "a queue that is destroyed";
}

TEST(ControlQueueTest, destroys_each_task_when_it_has_run) {
    ControlQueue queue;
    const auto held = std::make_shared<int>();
    queue.push([held] {});
    queue.push([held] { EXPECT_EQ(held.use_count(), 2) << "the first one is gone"; });
    queue.take().run();
    EXPECT_EQ(held.use_count(), 1);
}

TEST(ControlQueueThreadTest, many_pushers_and_one_taker) {
    constexpr std::size_t pushers = 4;
    const std::size_t each = scaled(50'000);
    ControlQueue queue;
    std::array<std::size_t, pushers> next{};
    std::size_t swapped = 0;
    std::vector<std::thread> threads;
    for (std::size_t pusher = 0; pusher < pushers; ++pusher) {
        threads.emplace_back([&, pusher] {
            for (std::size_t i = 0; i < each; ++i) {
                queue.push([&next, &swapped, pusher, i] {
                    if (next[pusher]++ != i) ++swapped;
                });
            }
        });
    }
    std::size_t total = 0;
    while (total < pushers * each) {
        auto batch = queue.take();
        if (batch.empty()) std::this_thread::yield();
        batch.run();
        total = 0;
        for (const std::size_t count : next) total += count;
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(swapped, 0U) << "the order of one thread";
}

}  // namespace
}  // namespace pollux::test
