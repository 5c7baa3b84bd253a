// Slot table: ids that stay stale, slots that are used again, and a look from another thread.
#include "slot_table.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <unordered_set>

#include "unit/support.h"

namespace pollux::test {
namespace {

/// The table never looks into a connection, so an address is all it takes.
class Addresses {
public:
    explicit Addresses(std::size_t count) : memory_(count) {}
    StreamConnection* operator[](std::size_t index) { return reinterpret_cast<StreamConnection*>(&memory_[index]); }

private:
    struct alignas(64) Memory {
        char bytes[64];
    };
    std::vector<Memory> memory_;
};

std::uint32_t slot_of(ConnectionId id) {
    return static_cast<std::uint32_t>(id.value >> 32) & ((1U << ConnectionTable::slot_bits) - 1);
}

TEST(SlotTableTest, finds_what_was_inserted) {
    ConnectionTable table;
    Addresses connections{3};
    const ConnectionId first = table.insert(0, connections[0]);
    const ConnectionId second = table.insert(0, connections[1]);
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
    EXPECT_NE(first, second);
    EXPECT_EQ(table.find(first), connections[0]);
    EXPECT_EQ(table.find(second), connections[1]);
    EXPECT_TRUE(table.contains(first));
    table.remove(first);
    EXPECT_EQ(table.find(first), nullptr);
    EXPECT_FALSE(table.contains(first));
    EXPECT_EQ(table.find(second), connections[1]);
}

TEST(SlotTableTest, an_id_names_its_reactor) {
    ConnectionTable table;
    Addresses connections{1};
    constexpr std::size_t last_reactor = (std::size_t{1} << ConnectionTable::reactor_bits) - 1;
    for (const std::size_t reactor : {std::size_t{0}, std::size_t{1}, std::size_t{512}, last_reactor}) {
        const ConnectionId id = table.insert(reactor, connections[0]);
        EXPECT_EQ(ConnectionTable::reactor_of(id), reactor);
        EXPECT_EQ(table.find(id), connections[0]);
        table.remove(id);
    }
}

TEST(SlotTableTest, ids_that_never_were_are_stale) {
    ConnectionTable table;
    Addresses connections{1};
    const std::vector<ConnectionId> strange{
        {0}, {1}, {std::uint64_t{1} << 32}, {~std::uint64_t{0}}, {~std::uint64_t{0} << 32}};
    for (const ConnectionId id : strange) {
        EXPECT_FALSE(table.contains(id)) << id.value;
        EXPECT_EQ(table.find(id), nullptr) << id.value;
    }
    const ConnectionId id = table.insert(0, connections[0]);
    for (const ConnectionId other : strange) {
        if (other != id) {
            EXPECT_FALSE(table.contains(other)) << other.value;
        }
    }
    EXPECT_FALSE(table.contains({id.value + 1})) << "another generation";
    EXPECT_FALSE(table.contains({id.value + (std::uint64_t{1} << 32)})) << "another slot";
}

TEST(SlotTableTest, a_slot_used_ten_thousand_times_never_repeats_an_id) {
    ConnectionTable table;
    Addresses connections{2};
    const ConnectionId other = table.insert(0, connections[1]);
    std::set<ConnectionId> past;
    for (int i = 0; i < 10'000; ++i) {
        const ConnectionId id = table.insert(0, connections[0]);
        ASSERT_TRUE(past.insert(id).second);
        ASSERT_EQ(slot_of(id), slot_of(*past.begin())) << "a free slot was there";
        ASSERT_TRUE(table.contains(id));
        table.remove(id);
    }
    for (const ConnectionId id : past) ASSERT_FALSE(table.contains(id));
    EXPECT_EQ(table.find(other), connections[1]);
}

TEST(SlotTableTest, visits_what_is_in_it) {
    constexpr std::size_t count = 5000;  // several chunks
    ConnectionTable table;
    Addresses connections{count};
    std::vector<ConnectionId> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(table.insert(3, connections[i]));
    std::set<StreamConnection*> expected;
    for (std::size_t i = 0; i < count; ++i) {
        if (i % 3 == 0) {
            table.remove(ids[i]);
        } else {
            expected.insert(connections[i]);
        }
    }
    std::set<StreamConnection*> visited;
    table.for_each([&](StreamConnection& connection) { EXPECT_TRUE(visited.insert(&connection).second); });
    EXPECT_EQ(visited, expected);
}

TEST(SlotTableTest, a_visitor_may_remove_and_insert) {
    constexpr std::size_t count = 3000;
    ConnectionTable table;
    Addresses connections{2 * count};
    std::vector<ConnectionId> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(table.insert(0, connections[i]));
    std::size_t visits = 0;
    table.for_each([&](StreamConnection& connection) {
        const auto index = static_cast<std::size_t>(
            (reinterpret_cast<std::uintptr_t>(&connection) - reinterpret_cast<std::uintptr_t>(connections[0])) / 64);
        ASSERT_LT(index, count);
        ++visits;
        table.remove(ids[index]);
        const std::size_t neighbour = index ^ 1U;
        if (table.contains(ids[neighbour])) table.remove(ids[neighbour]);
    });
    EXPECT_EQ(visits, count / 2);
    table.for_each([](StreamConnection&) { FAIL() << "all were removed"; });
}

TEST(SlotTableTest, does_what_a_map_does) {
    Random random{5};
    constexpr std::size_t most = 3000;
    ConnectionTable table;
    Addresses connections{most};
    std::vector<std::pair<ConnectionId, std::size_t>> live;
    std::vector<std::size_t> unused;
    std::vector<ConnectionId> stale;
    std::unordered_set<std::uint32_t> slots;
    for (std::size_t i = 0; i < most; ++i) unused.push_back(i);
    std::size_t peak = 0;
    for (std::size_t step = 0; step < scaled(200'000); ++step) {
        if (!unused.empty() && (live.empty() || random.one_in(2))) {
            const std::size_t index = unused.back();
            unused.pop_back();
            live.emplace_back(table.insert(1, connections[index]), index);
            slots.insert(slot_of(live.back().first));
            peak = std::max(peak, live.size());
        } else {
            std::swap(live[random.size_up_to(live.size() - 1)], live.back());
            table.remove(live.back().first);
            stale.push_back(live.back().first);
            unused.push_back(live.back().second);
            live.pop_back();
        }
        if (!live.empty()) {
            const auto& [id, index] = live[random.size_up_to(live.size() - 1)];
            ASSERT_EQ(table.find(id), connections[index]);
        }
        if (!stale.empty()) {
            ASSERT_EQ(table.find(stale[random.size_up_to(stale.size() - 1)]), nullptr);
        }
    }
    EXPECT_EQ(slots.size(), peak) << "a fresh slot was taken while another was free";
}

TEST(SlotTableTest, says_when_four_million_are_in_use) {
    if (sanitized) GTEST_SKIP() << "nothing but time and memory";
    const auto table = std::make_unique<ConnectionTable>();
    Addresses connections{1};
    constexpr std::size_t all = std::size_t{1} << ConnectionTable::slot_bits;
    std::size_t given = 0;
    ConnectionId last;
    while (given <= all) {
        const ConnectionId id = table->insert(0, connections[0]);
        if (!id) break;
        last = id;
        ++given;
    }
    EXPECT_EQ(given, all);
    table->remove(last);
    const ConnectionId again = table->insert(0, connections[0]);
    EXPECT_TRUE(again) << "one was free again";
    EXPECT_NE(again, last);
    EXPECT_FALSE(table->insert(0, connections[0]));
}

TEST(SlotTableThreadTest, another_thread_may_ask_at_any_time) {
    ConnectionTable table;
    Addresses connections{5000};
    const ConnectionId alive = table.insert(0, connections[0]);
    const ConnectionId stale = table.insert(0, connections[1]);
    table.remove(stale);
    std::atomic<std::uint64_t> latest{alive.value};
    std::atomic<std::uint64_t> latest_removed{stale.value};
    std::atomic<bool> done{false};
    std::size_t wrong = 0;
    std::atomic<bool> asked{false};
    std::thread asker{[&] {
        while (!done.load(std::memory_order_acquire)) {
            if (!table.contains(alive)) ++wrong;
            if (table.contains(stale)) ++wrong;
            if (table.contains({latest_removed.load(std::memory_order_acquire)})) ++wrong;
            static_cast<void>(table.contains({latest.load(std::memory_order_relaxed)}));  // either answer
            static_cast<void>(table.contains({std::uint64_t{4000} << 32 | 1}));           // a chunk yet to come
            asked.store(true, std::memory_order_release);
        }
    }};
    while (!asked.load(std::memory_order_acquire)) std::this_thread::yield();
    Random random{1};
    std::vector<ConnectionId> ids;
    for (std::size_t step = 0; step < scaled(300'000); ++step) {
        if (ids.size() < 4000 && (ids.empty() || random.one_in(2) || step < 4000)) {
            ids.push_back(table.insert(0, connections[2 + ids.size()]));
            latest.store(ids.back().value, std::memory_order_relaxed);
        } else {
            table.remove(ids.back());
            latest_removed.store(ids.back().value, std::memory_order_release);
            ids.pop_back();
        }
    }
    done.store(true, std::memory_order_release);
    asker.join();
    EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace pollux::test
