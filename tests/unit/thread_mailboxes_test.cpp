// The mailboxes of a thread: found again by the reactor's number, given up when the thread ends.
#include "thread_mailboxes.h"

#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "mailbox.h"
#include "unit/support.h"

namespace pollux::test {
namespace {

/// Runs on a thread of its own, so that each test begins with none.
template <class Work>
void on_fresh_thread(Work&& work) {
    std::thread{std::forward<Work>(work)}.join();
}

TEST(ThreadMailboxesTest, a_thread_begins_with_none) {
    on_fresh_thread([] {
        EXPECT_EQ(ThreadMailboxes::find(1), nullptr);
        EXPECT_EQ(ThreadMailboxes::find(~std::uint64_t{0}), nullptr);
    });
}

TEST(ThreadMailboxesTest, finds_each_by_its_number) {
    on_fresh_thread([] {
        std::vector<std::shared_ptr<Mailbox>> boxes;
        for (std::uint64_t reactor = 1; reactor <= 20; ++reactor) {
            boxes.push_back(std::make_shared<Mailbox>(0));
            EXPECT_TRUE(ThreadMailboxes::add(reactor, boxes.back()));
            EXPECT_EQ(ThreadMailboxes::find(reactor), boxes.back().get());
        }
        Random random{1};
        for (int i = 0; i < 1000; ++i) {
            const std::uint64_t reactor = 1 + random.up_to(20);
            Mailbox* const expected = reactor <= 20 ? boxes[reactor - 1].get() : nullptr;
            ASSERT_EQ(ThreadMailboxes::find(reactor), expected) << reactor;
        }
    });
}

TEST(ThreadMailboxesTest, each_thread_has_its_own) {
    on_fresh_thread([] {
        const auto box = std::make_shared<Mailbox>(0);
        EXPECT_TRUE(ThreadMailboxes::add(1, box));
        on_fresh_thread([] { EXPECT_EQ(ThreadMailboxes::find(1), nullptr); });
        EXPECT_EQ(ThreadMailboxes::find(1), box.get());
    });
}

TEST(ThreadMailboxesTest, a_thread_that_ends_gives_them_up) {
    std::array<std::shared_ptr<Mailbox>, 3> boxes;
    for (auto& box : boxes) box = std::make_shared<Mailbox>(0);
    on_fresh_thread([&] {
        for (std::size_t i = 0; i < boxes.size(); ++i) EXPECT_TRUE(ThreadMailboxes::add(i + 1, boxes[i]));
        for (const auto& box : boxes) EXPECT_FALSE(box->producer_gone());
    });
    for (const auto& box : boxes) {
        EXPECT_TRUE(box->producer_gone());
        EXPECT_EQ(box.use_count(), 1);
    }
}

TEST(ThreadMailboxesTest, those_of_reactors_that_are_gone_are_forgotten) {
    on_fresh_thread([] {
        const auto gone = std::make_shared<Mailbox>(0);
        const auto stays = std::make_shared<Mailbox>(0);
        EXPECT_TRUE(ThreadMailboxes::add(1, gone));
        EXPECT_TRUE(ThreadMailboxes::add(2, stays));
        EXPECT_EQ(ThreadMailboxes::find(1), gone.get());
        gone->abandon_consumer();
        const auto next = std::make_shared<Mailbox>(0);
        EXPECT_TRUE(ThreadMailboxes::add(3, next));
        EXPECT_EQ(gone.use_count(), 1);
        EXPECT_EQ(ThreadMailboxes::find(1), nullptr);
        EXPECT_EQ(ThreadMailboxes::find(2), stays.get());
        EXPECT_EQ(ThreadMailboxes::find(3), next.get());
    });
}

TEST(ThreadMailboxesTest, what_outlives_them_in_a_thread_that_ends_gets_none) {
    struct Late {
        std::atomic<int>* refused = nullptr;
        ~Late() {
            if (refused == nullptr) return;
            const bool found = ThreadMailboxes::find(1) != nullptr;
            *refused = !found && !ThreadMailboxes::add(1, std::make_shared<Mailbox>(4096)) ? 1 : 2;
        }
    };
    std::atomic<int> refused{0};
    std::thread{[&] {
        thread_local Late late;  // made before the thread's mailboxes, so destroyed after them
        late.refused = &refused;
        EXPECT_TRUE(ThreadMailboxes::add(1, std::make_shared<Mailbox>(4096)));
    }}.join();
    EXPECT_EQ(refused, 1);
}

}  // namespace
}  // namespace pollux::test
