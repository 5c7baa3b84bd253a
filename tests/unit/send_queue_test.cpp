// Send queue: against a plain string, and what it takes from the slab.
#include "send_queue.h"

#include <algorithm>
#include <array>
#include <bit>

#include "unit/support.h"

namespace pollux::test {
namespace {

std::string contents_of(const SendQueue& queue) {
    std::vector<Bytes> parts(queue.size() + 1);
    const std::size_t count = queue.peek(parts);
    return text_of(std::span{parts}.first(count));
}

class SendQueueTest : public testing::TestWithParam<std::size_t> {
protected:
    ~SendQueueTest() override { queue.clear(slab); }

    /// What fits into one block, found out rather than known.
    std::size_t block_capacity() {
        queue.append(slab, as_bytes(std::string(slab.block_bytes(), 'x')));
        std::array<Bytes, 1> front;
        EXPECT_EQ(queue.peek(front), 1U);
        queue.clear(slab);
        return front[0].size();
    }

    Slab slab{GetParam()};
    SendQueue queue;
};

INSTANTIATE_TEST_SUITE_P(BlockBytes, SendQueueTest, testing::Values(32, 64, 1024, send_block_bytes),
                         testing::PrintToStringParamName());

TEST(SendBlockTest, fills_its_chunk) {
    const Slab slab{send_block_bytes};
    const std::size_t used = slab.blocks_per_chunk() * slab.block_bytes();
    EXPECT_LT(std::bit_ceil(used) - used, 1024U) << "a chunk is a power of two";
}

TEST_P(SendQueueTest, owns_nothing_while_it_is_empty) {
    std::array<Bytes, 4> parts;
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_EQ(queue.peek(parts), 0U);
    queue.append(slab, {});
    queue.consume(slab, 0);
    queue.clear(slab);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.peek(parts), 0U);
    EXPECT_EQ(slab.used_blocks(), 0U);
    EXPECT_EQ(slab.chunks(), 0U);
}

TEST_P(SendQueueTest, fills_blocks_to_their_end) {
    const std::size_t capacity = block_capacity();
    EXPECT_GE(capacity + 16, slab.block_bytes()) << "more than a small header is lost";
    for (std::size_t i = 0; i < capacity; ++i) queue.append(slab, as_bytes("x"));
    EXPECT_EQ(slab.used_blocks(), 1U);
    queue.append(slab, as_bytes("x"));
    EXPECT_EQ(slab.used_blocks(), 2U);
    queue.consume(slab, 1);
    EXPECT_EQ(slab.used_blocks(), 2U);
    queue.consume(slab, capacity - 1);
    EXPECT_EQ(slab.used_blocks(), 1U) << "a block goes back with its last byte";
    queue.consume(slab, 1);
    EXPECT_EQ(slab.used_blocks(), 0U);
}

TEST_P(SendQueueTest, begins_afresh_after_it_was_emptied_anywhere) {
    const std::size_t capacity = block_capacity();
    for (std::size_t size = 1; size <= std::min<std::size_t>(3 * capacity, 300); ++size) {
        const std::string bytes = pattern(size, size);
        queue.append(slab, as_bytes(bytes));
        EXPECT_EQ(contents_of(queue), bytes);
        queue.consume(slab, size);
        ASSERT_TRUE(queue.empty());
        ASSERT_EQ(slab.used_blocks(), 0U);
    }
}

TEST_P(SendQueueTest, peeks_at_no_more_parts_than_there_is_room_for) {
    const std::size_t capacity = block_capacity();
    const std::string bytes = pattern(0, 5 * capacity);
    queue.append(slab, as_bytes(bytes));
    queue.consume(slab, 1);
    for (std::size_t room = 0; room <= 7; ++room) {
        std::vector<Bytes> parts(room);
        ASSERT_EQ(queue.peek(parts), std::min<std::size_t>(room, 5));
        const std::string text = text_of(parts);
        EXPECT_EQ(text, bytes.substr(1, text.size()));
        EXPECT_EQ(text.size(), room == 0 ? 0 : std::min<std::size_t>(room, 5) * capacity - 1);
    }
}

TEST_P(SendQueueTest, clear_gives_everything_back) {
    queue.append(slab, as_bytes(pattern(0, 10 * slab.block_bytes())));
    queue.consume(slab, slab.block_bytes() / 2);
    EXPECT_GE(slab.used_blocks(), 9U);
    queue.clear(slab);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(slab.used_blocks(), 0U);
}

TEST_P(SendQueueTest, does_what_a_string_does) {
    const std::size_t capacity = block_capacity();
    Random random{GetParam()};
    std::uint64_t appended = 0;
    std::uint64_t consumed = 0;
    std::size_t most = 6 * capacity;
    for (std::size_t step = 0; step < std::min(scaled(20'000), scaled(100'000'000) / capacity); ++step) {
        if (random.one_in(2) && queue.size() < most) {
            const std::size_t size = random.one_in(4) ? capacity : random.size_up_to(3 * capacity);
            queue.append(slab, as_bytes(pattern(appended, size)));
            appended += size;
        } else {
            const std::size_t size =
                random.one_in(4) ? std::min(capacity, queue.size()) : random.size_up_to(queue.size());
            queue.consume(slab, size);
            consumed += size;
        }
        ASSERT_EQ(queue.size(), appended - consumed);
        ASSERT_EQ(queue.empty(), appended == consumed);
        // A first and a last block that are used in part.
        ASSERT_LE(slab.used_blocks(), queue.empty() ? 0 : queue.size() / capacity + 2);
        std::vector<Bytes> parts(random.size_up_to(12));
        const std::size_t count = queue.peek(parts);
        for (std::size_t i = 0; i < count; ++i) ASSERT_FALSE(parts[i].empty());
        const std::string front = text_of(std::span{parts}.first(count));
        ASSERT_EQ(front, pattern(consumed, front.size()));
        if (count < parts.size()) {
            ASSERT_EQ(front.size(), queue.size()) << "there was room to show all";
        }
    }
}

TEST_P(SendQueueTest, two_queues_share_a_slab) {
    SendQueue other;
    for (int i = 0; i < 100; ++i) {
        queue.append(slab, as_bytes(pattern(0, 100)));
        other.append(slab, as_bytes(pattern(1000, 100)));
        queue.consume(slab, 50);
        other.consume(slab, 90);
    }
    EXPECT_EQ(queue.size(), 5000U);
    EXPECT_EQ(other.size(), 1000U);
    queue.clear(slab);
    EXPECT_EQ(contents_of(other).substr(900), pattern(1000, 100));
    other.clear(slab);
    EXPECT_EQ(slab.used_blocks(), 0U);
}

}  // namespace
}  // namespace pollux::test
