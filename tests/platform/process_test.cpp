// What a process asks of the system beside sockets: threads, requests to stop, descriptors, memory.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include "platform/memory.h"
#include "platform/signals.h"
#include "platform/support.h"
#include "platform/threads.h"
#include "processor.h"

namespace pollux::platform::test {
namespace {

template <class Work>
void on_fresh_thread(Work&& work) {
    std::thread{std::forward<Work>(work)}.join();
}

TEST(ThreadTest, is_pinned_to_a_core_that_there_is) {
    unsigned pinned = 0;
    std::error_code error;
    on_fresh_thread([&] {
        // A container may leave us any of the machine's cores.
        for (unsigned core = 0; core < 1024; ++core) {
            error = pin_current_thread(core);
            pinned += error ? 0U : 1U;
        }
    });
    if (error == std::errc::not_supported) GTEST_SKIP() << "this system does not pin threads";
    EXPECT_GE(pinned, 1U);
}

TEST(ThreadTest, is_not_pinned_to_a_core_that_there_is_not) {
    on_fresh_thread([] {
        EXPECT_TRUE(pin_current_thread(~0U));
        EXPECT_TRUE(pin_current_thread(1U << 20));
    });
}

TEST(ThreadTest, takes_any_name) {
    on_fresh_thread([] {
        name_current_thread("");
        name_current_thread("pollux 0");
        name_current_thread(std::string(1000, 'x'));
        relax_core();
    });
}

std::atomic<int> stop_requests{0};
std::atomic<int> other_requests{0};

extern "C" void count_signal(int) {
    ++other_requests;
}

TEST(StopHandlerTest, hears_of_each_request_and_gives_the_former_one_back) {
    auto* const former_interrupt = std::signal(SIGINT, count_signal);
    auto* const former_terminate = std::signal(SIGTERM, count_signal);
    stop_requests = 0;
    other_requests = 0;

    set_stop_handler([] { ++stop_requests; });
    ASSERT_EQ(std::raise(SIGINT), 0);
    ASSERT_EQ(std::raise(SIGTERM), 0);
    ASSERT_EQ(std::raise(SIGINT), 0);
    EXPECT_EQ(stop_requests, 3);
    EXPECT_EQ(other_requests, 0);

    set_stop_handler([] { stop_requests += 100; });  // another takes its place, and what was before both is kept
    ASSERT_EQ(std::raise(SIGTERM), 0);
    EXPECT_EQ(stop_requests, 103);

    set_stop_handler(nullptr);
    set_stop_handler(nullptr);
    ASSERT_EQ(std::raise(SIGINT), 0);
    EXPECT_EQ(stop_requests, 103);
    EXPECT_EQ(other_requests, 1);

    std::signal(SIGINT, former_interrupt);
    std::signal(SIGTERM, former_terminate);
}

TEST(StopHandlerTest, may_wake_a_poller) {
    static Loop* woken = nullptr;
    Loop loop;
    woken = &loop;
    set_stop_handler([] { woken->poller.wake(); });
    ASSERT_EQ(std::raise(SIGTERM), 0);
    set_stop_handler(nullptr);
    const Time begin = Poller::now();
    loop.turn(begin + patience);
    EXPECT_LT(Poller::now() - begin, patience / 2);
}

TEST(ReserveDescriptorTest, is_held_until_it_is_released) {
    ReserveDescriptor reserve;
    EXPECT_TRUE(reserve.restore()) << "it is held already";
    EXPECT_TRUE(reserve.release());
    EXPECT_FALSE(reserve.release()) << "there was none";
    EXPECT_TRUE(reserve.restore());
    EXPECT_TRUE(reserve.release());
}

TEST(ReserveDescriptorTest, gives_its_descriptor_back_in_the_end) {
    for (int i = 0; i < 5000; ++i) {
        ReserveDescriptor reserve;
        ASSERT_TRUE(reserve.restore()) << i;
    }
}

TEST(MemoryTest, pages_are_aligned_to_their_size_and_zero) {
    for (const std::size_t bytes :
         {std::size_t{1} << 16, std::size_t{1} << 17, std::size_t{1} << 20, std::size_t{1} << 24}) {
        std::vector<std::byte*> blocks;
        for (int i = 0; i < 5; ++i) {
            auto* const block = static_cast<std::byte*>(allocate_pages(bytes));
            blocks.push_back(block);
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % bytes, 0U);
            EXPECT_TRUE(std::all_of(block, block + bytes, [](std::byte byte) { return byte == std::byte{}; }));
            std::fill(block, block + bytes, std::byte{0x5a});
        }
        std::sort(blocks.begin(), blocks.end());
        for (std::size_t i = 1; i < blocks.size(); ++i) {
            EXPECT_GE(static_cast<std::size_t>(blocks[i] - blocks[i - 1]), bytes) << "they overlap";
        }
        for (std::byte* block : blocks) release_pages(block, bytes);
    }
}

TEST(MemoryTest, pages_that_come_and_go_do_not_pile_up) {
    // 256 GiB in all: each must be gone before the next.
    for (int i = 0; i < 1000; ++i) release_pages(allocate_pages(std::size_t{1} << 28), std::size_t{1} << 28);
}

}  // namespace
}  // namespace pollux::platform::test
