// Datagram queue: against a plain list, what it counts, and what it takes from the slab.
#include "datagram_queue.h"

#include <deque>

#include "unit/datagram_support.h"

namespace pollux::test {
namespace {

class DatagramQueueTest : public testing::Test {
protected:
    ~DatagramQueueTest() override { queue.clear(slab); }

    void append(std::size_t size, const InetAddress& to = peer(1)) {
        queue.append(slab, to, as_bytes(pattern(offset_++, size)));
    }

    /// Takes everything out, front by front.
    std::vector<Datagram> take_all() {
        std::vector<Datagram> all;
        while (!queue.empty()) {
            const std::vector<Datagram> front = datagrams_of(queue.front().runs());
            EXPECT_EQ(front.size(), queue.front().datagrams());
            EXPECT_FALSE(front.empty()) << "a block without datagrams";
            if (front.empty()) break;
            all.insert(all.end(), front.begin(), front.end());
            queue.consume(slab, front.size());
        }
        return all;
    }

    Slab slab{DatagramQueue::block_bytes()};
    DatagramQueue queue;

private:
    std::uint64_t offset_ = 0;
};

TEST_F(DatagramQueueTest, owns_nothing_while_it_is_empty) {
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.cost(), 0U);
    EXPECT_EQ(queue.clear(slab), 0U);
    append(100);
    EXPECT_FALSE(queue.empty());
    EXPECT_EQ(slab.used_blocks(), 1U);
    queue.consume(slab, 1);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(slab.used_blocks(), 0U);
    EXPECT_EQ(queue.cost(), 0U);
}

TEST_F(DatagramQueueTest, counts_40_bytes_beside_those_of_each_datagram) {
    // UdpCounters::bytes_pending and UdpSocket::bytes_pending promise it.
    EXPECT_EQ(DatagramQueue::cost(0, 0), 0U);
    EXPECT_EQ(DatagramQueue::cost(1, 0), 40U);
    EXPECT_EQ(DatagramQueue::cost(3, 1'000), 1'120U);
    append(0);
    append(1'000);
    append(1'000);
    append(7, peer(2));
    EXPECT_EQ(queue.cost(), 4 * 40U + 2'007U);
    queue.consume(slab, 2);
    EXPECT_EQ(queue.cost(), 2 * 40U + 1'007U);
}

TEST_F(DatagramQueueTest, many_small_ones_share_a_block) {
    for (int i = 0; i < 1'000; ++i) append(32);
    EXPECT_EQ(slab.used_blocks(), 1U);
}

TEST_F(DatagramQueueTest, blocks_go_back_with_their_last_datagram) {
    constexpr std::size_t count = 10;
    for (std::size_t i = 0; i < count; ++i) append(max_datagram_bytes);
    EXPECT_EQ(slab.used_blocks(), count);
    EXPECT_EQ(queue.cost(), count * (max_datagram_bytes + 40));
    for (std::size_t i = 1; i <= count; ++i) {
        ASSERT_EQ(queue.front().datagrams(), 1U);
        queue.consume(slab, 1);
        EXPECT_EQ(slab.used_blocks(), count - i);
    }
    EXPECT_TRUE(queue.empty());
}

TEST_F(DatagramQueueTest, what_waits_is_bounded_by_what_it_counts) {
    // Whatever is sent, the memory is that of the count, or a small multiple: a bound on one bounds the other.
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 32, 1'472, 33'000, 65'507}) {
        for (int i = 0; i < 20'000 && queue.cost() < 4'000'000; ++i) {
            append(size, peer(static_cast<std::uint16_t>(i % 5)));
        }
        EXPECT_LE(slab.used_blocks() * slab.block_bytes(), 10 * queue.cost() + slab.block_bytes()) << size;
        queue.clear(slab);
    }
}

TEST_F(DatagramQueueTest, what_does_not_fit_the_last_block_comes_behind_it) {
    append(40'000);
    append(40'000);
    append(10);
    const std::vector<Datagram> expected{
        {peer(1), pattern(0, 40'000)}, {peer(1), pattern(1, 40'000)}, {peer(1), pattern(2, 10)}};
    EXPECT_EQ(take_all(), expected);
}

TEST_F(DatagramQueueTest, clearing_tells_how_many_are_lost) {
    for (int i = 0; i < 5'000; ++i) append(100, peer(static_cast<std::uint16_t>(i % 3)));
    append(0);
    queue.consume(slab, 7);
    EXPECT_EQ(queue.clear(slab), 5'001U - 7);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.cost(), 0U);
    EXPECT_EQ(slab.used_blocks(), 0U);
    append(3);
    EXPECT_EQ(take_all().size(), 1U) << "it can be used again";
}

TEST_F(DatagramQueueTest, two_queues_share_a_slab) {
    DatagramQueue other;
    for (int i = 0; i < 300; ++i) {
        append(1'000);
        other.append(slab, peer(2), as_bytes(pattern(static_cast<std::uint64_t>(i), 2'000)));
    }
    EXPECT_EQ(other.clear(slab), 300U);
    const std::vector<Datagram> all = take_all();
    ASSERT_EQ(all.size(), 300U);
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], (Datagram{peer(1), pattern(i, 1'000)}));
    EXPECT_EQ(slab.used_blocks(), 0U);
}

TEST_F(DatagramQueueTest, does_what_a_list_does) {
    Random random{12};
    DatagramSource source{random};
    std::deque<Datagram> model;
    std::size_t cost = 0;
    const auto cost_of = [](const Datagram& datagram) { return datagram.bytes.size() + 40; };
    for (std::size_t step = 0; step < scaled(100'000); ++step) {
        const bool grows = step / 1'000 % 2 == 0;
        if (model.empty() || (grows ? !random.one_in(20) : random.one_in(3))) {
            Datagram datagram = source.next();
            queue.append(slab, datagram.to, as_bytes(datagram.bytes));
            cost += cost_of(datagram);
            model.push_back(std::move(datagram));
        } else {
            const std::vector<Datagram> front = datagrams_of(queue.front().runs());
            ASSERT_LE(front.size(), model.size());
            ASSERT_TRUE(std::equal(front.begin(), front.end(), model.begin())) << step;
            const std::size_t count = random.one_in(2) ? front.size() : random.size_up_to(front.size());
            for (std::size_t i = 0; i < count; ++i) cost -= cost_of(model[i]);
            queue.consume(slab, count);
            model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
        }
        ASSERT_EQ(queue.cost(), cost);
        ASSERT_EQ(queue.empty(), model.empty());
    }
    EXPECT_EQ(take_all(), (std::vector<Datagram>{model.begin(), model.end()}));
}

}  // namespace
}  // namespace pollux::test
