// Datagram batch: which datagrams make a run, how much there is room for, and all of it against a plain list.
#include "datagram_batch.h"

#include <algorithm>
#include <deque>

#include "unit/datagram_support.h"

namespace pollux::test {
namespace {

class DatagramBatchTest : public testing::Test {
protected:
    bool append(std::size_t size, const InetAddress& to = peer(1)) {
        return batch.append(to, as_bytes(pattern(offset_++, size)));
    }

    void append_all(std::initializer_list<std::size_t> sizes) {
        for (const std::size_t size : sizes) ASSERT_TRUE(append(size));
    }

    /// How many datagrams each run has.
    [[nodiscard]] std::vector<std::size_t> shape() const {
        std::vector<std::size_t> counts;
        for (const platform::OutgoingRun& run : batch.runs()) counts.push_back(run.datagrams());
        return counts;
    }

    static constexpr std::size_t most = platform::max_run_datagrams;

    using Shape = std::vector<std::size_t>;

    DatagramBatch batch;

private:
    std::uint64_t offset_ = 0;
};

TEST_F(DatagramBatchTest, has_nothing_at_first) {
    EXPECT_TRUE(batch.empty());
    EXPECT_EQ(batch.datagrams(), 0U);
    EXPECT_EQ(batch.bytes(), 0U);
    EXPECT_EQ(batch.bytes_of(0), 0U);
    EXPECT_TRUE(batch.runs().empty());
    batch.consume(0);
    batch.clear();
    EXPECT_TRUE(batch.empty());
}

TEST_F(DatagramBatchTest, equal_sizes_to_one_peer_make_a_run) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(100));
    EXPECT_EQ(shape(), Shape{3});
    EXPECT_EQ(batch.datagrams(), 3U);
    EXPECT_EQ(batch.bytes(), 300U);
    const platform::OutgoingRun run = batch.runs().front();
    EXPECT_EQ(run.bytes, 300U);
    EXPECT_EQ(run.segment_bytes, 100U);
    EXPECT_EQ(run.to, peer(1));
    EXPECT_EQ(as_text(Bytes{run.data, run.bytes}), pattern(0, 100) + pattern(1, 100) + pattern(2, 100));
}

TEST_F(DatagramBatchTest, the_bytes_are_copied) {
    std::string bytes = "as it was";
    ASSERT_TRUE(batch.append(peer(1), as_bytes(bytes)));
    bytes = "something";
    EXPECT_EQ(datagrams_of(batch.runs()), (std::vector<Datagram>{{peer(1), "as it was"}}));
}

TEST_F(DatagramBatchTest, borrowed_bytes_stay_where_they_are) {
    const std::string bytes = pattern(7, 300);
    ASSERT_TRUE(batch.borrow_run(peer(1), DatagramRun{as_bytes(bytes).first(200), 100}));
    EXPECT_TRUE(batch.borrows());
    EXPECT_EQ(batch.runs()[0].data, as_bytes(bytes).data());
    EXPECT_EQ(batch.datagrams(), 2U);
    EXPECT_EQ(batch.bytes(), 200U);
    // What lies behind goes on with the run; what lies elsewhere does not.
    EXPECT_FALSE(batch.extend(peer(1), as_bytes(bytes).first(100)));
    EXPECT_TRUE(batch.extend(peer(1), as_bytes(bytes).subspan(200)));
    EXPECT_EQ(shape(), Shape{3});
    ASSERT_TRUE(append(100));
    EXPECT_EQ(shape(), (Shape{3, 1}));
    EXPECT_NE(batch.runs()[1].data, as_bytes(bytes).data() + 300);
    batch.consume(3);
    EXPECT_TRUE(batch.borrows());  // as far as it knows
    batch.consume(1);
    EXPECT_FALSE(batch.borrows());
}

TEST_F(DatagramBatchTest, borrowing_takes_none_of_the_room_for_bytes) {
    const std::string bytes = pattern(7, 65'000);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(batch.borrow_run(peer(1), DatagramRun{as_bytes(bytes), 1000}));
    ASSERT_TRUE(append(65'507));
    EXPECT_EQ(batch.datagrams(), 651U);
    batch.clear();
    EXPECT_TRUE(batch.empty());
    EXPECT_FALSE(batch.borrows());
}

TEST_F(DatagramBatchTest, borrows_a_run_for_each_until_there_is_no_room) {
    const std::string bytes = pattern(7, 600);
    std::size_t runs = 0;
    while (batch.borrow_run(peer(1), DatagramRun{as_bytes(bytes), 0})) ++runs;
    EXPECT_EQ(runs, batch.datagrams());
    EXPECT_EQ(datagrams_of(batch.runs()), (std::vector<Datagram>(runs, Datagram{peer(1), bytes})));
}

TEST_F(DatagramBatchTest, a_shorter_one_is_the_last_of_its_run) {
    append_all({100, 100, 40, 40, 40, 39, 40});
    EXPECT_EQ(shape(), (Shape{3, 3, 1})) << "100 100 40, 40 40 39, 40";
    EXPECT_EQ(batch.runs()[0].bytes, 240U);
    EXPECT_EQ(batch.runs()[1].bytes, 119U);
}

TEST_F(DatagramBatchTest, a_longer_one_begins_a_run) {
    append_all({100, 101, 101, 102});
    EXPECT_EQ(shape(), (Shape{1, 2, 1}));
}

TEST_F(DatagramBatchTest, a_run_is_to_one_peer) {
    InetAddress zone = peer(1);
    zone.scope = 1;
    const std::vector<InetAddress> peers{peer(1), peer(1), peer(2), peer(1), {}, {}, peer(1), zone};
    for (const InetAddress& to : peers) ASSERT_TRUE(append(100, to));
    EXPECT_EQ(shape(), (Shape{2, 1, 1, 2, 1, 1}));
    for (std::size_t i = 0; i < peers.size(); ++i) EXPECT_EQ(batch.address_of(i), peers[i]) << i;
    EXPECT_EQ(batch.address_of(peers.size()), InetAddress{});
}

TEST_F(DatagramBatchTest, a_datagram_without_bytes_is_a_run_of_its_own) {
    append_all({0, 0, 100, 0, 100, 100, 0});
    EXPECT_EQ(shape(), (Shape{1, 1, 1, 1, 2, 1}));
    EXPECT_EQ(batch.datagrams(), 7U);
    EXPECT_EQ(batch.bytes(), 300U);
    EXPECT_EQ(batch.bytes_of(2), 0U);
    EXPECT_EQ(batch.bytes_of(3), 100U);
    EXPECT_EQ(batch.bytes_of(4), 100U);
    batch.consume(2);
    EXPECT_EQ(shape(), (Shape{1, 1, 2, 1}));
    batch.consume(4);
    EXPECT_EQ(batch.datagrams(), 1U);
    EXPECT_EQ(batch.bytes(), 0U);
    EXPECT_FALSE(batch.empty());
    batch.consume(1);
    EXPECT_TRUE(batch.empty());
}

TEST_F(DatagramBatchTest, a_run_has_at_most_what_the_system_takes) {
    for (std::size_t i = 0; i < 2 * most + 22; ++i) ASSERT_TRUE(append(10));
    EXPECT_EQ(shape(), (Shape{most, most, 22}));
}

TEST_F(DatagramBatchTest, the_last_that_a_run_takes_may_be_shorter) {
    for (std::size_t i = 1; i < most; ++i) ASSERT_TRUE(append(10));
    ASSERT_TRUE(append(9));
    ASSERT_TRUE(append(9));
    EXPECT_EQ(shape(), (Shape{most, 1}));
}

TEST_F(DatagramBatchTest, a_run_has_at_most_what_a_datagram_may_have) {
    // 63 * 1'040 is between that and what the batch has room for.
    for (int i = 0; i < 63; ++i) ASSERT_TRUE(append(1'040));
    EXPECT_EQ(shape(), (Shape{62, 1}));
}

TEST_F(DatagramBatchTest, takes_the_largest_datagram_when_it_is_empty) {
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(append(max_datagram_bytes));
        EXPECT_FALSE(append(max_datagram_bytes));
        EXPECT_EQ(batch.bytes(), max_datagram_bytes);
        EXPECT_EQ(batch.datagrams(), 1U);
        batch.consume(1);
        EXPECT_EQ(batch.bytes(), 0U);
    }
}

TEST_F(DatagramBatchTest, what_does_not_fit_changes_nothing) {
    while (append(1'000)) {
    }
    const std::vector<Datagram> before = datagrams_of(batch.runs());
    EXPECT_GE(batch.bytes() + 1'000, max_datagram_bytes);
    EXPECT_FALSE(append(1'000, peer(2)));
    EXPECT_EQ(datagrams_of(batch.runs()), before);
    EXPECT_EQ(batch.datagrams(), before.size());
    EXPECT_EQ(batch.bytes(), before.size() * 1'000);
}

TEST_F(DatagramBatchTest, what_is_small_still_fits_behind_what_did_not) {
    ASSERT_TRUE(append(65'000));
    EXPECT_FALSE(append(1'000));
    EXPECT_TRUE(append(10));
    EXPECT_EQ(batch.datagrams(), 2U);
    EXPECT_EQ(batch.bytes(), 65'010U);
}

TEST_F(DatagramBatchTest, datagrams_without_bytes_are_bounded_too) {
    std::size_t count = 0;
    while (append(0)) ASSERT_LT(++count, 100'000U);
    EXPECT_GE(count, 64U);
    EXPECT_FALSE(append(1));
    EXPECT_FALSE(append(1, peer(2)));
    batch.consume(count);
    EXPECT_TRUE(append(0));
}

TEST_F(DatagramBatchTest, a_run_goes_on_when_no_other_can_begin) {
    ASSERT_TRUE(append(0));
    while (append(0)) {
    }
    const std::size_t runs = batch.runs().size();
    batch.clear();
    for (std::size_t i = 1; i < runs; ++i) ASSERT_TRUE(append(0));
    ASSERT_TRUE(append(8));
    EXPECT_FALSE(append(9)) << "needs a run";
    EXPECT_TRUE(append(8)) << "is in the last one";
    EXPECT_EQ(batch.runs().back().datagrams(), 2U);
}

TEST_F(DatagramBatchTest, is_consumed_within_a_run) {
    append_all({100, 100, 100, 30});
    const std::vector<Datagram> all = datagrams_of(batch.runs());
    for (std::size_t i = 1; i < 4; ++i) {
        batch.consume(1);
        EXPECT_EQ(datagrams_of(batch.runs()), std::vector<Datagram>(all.begin() + static_cast<long>(i), all.end()));
        EXPECT_EQ(batch.bytes(), 330 - i * 100);
        EXPECT_EQ(batch.datagrams(), 4 - i);
    }
    batch.consume(1);
    EXPECT_TRUE(batch.empty());
    EXPECT_EQ(batch.bytes(), 0U);
}

TEST_F(DatagramBatchTest, is_consumed_across_runs) {
    append_all({100, 100, 30, 0, 50, 50, 50});
    batch.consume(5);
    EXPECT_EQ(shape(), Shape{2});
    EXPECT_EQ(batch.bytes(), 100U);
    EXPECT_EQ(batch.bytes_of(1), 50U);
}

TEST_F(DatagramBatchTest, a_run_of_which_the_front_is_gone_goes_on) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(100));
    batch.consume(2);
    ASSERT_TRUE(append(100));
    EXPECT_EQ(shape(), Shape{2});
    ASSERT_TRUE(append(20));
    batch.consume(2);
    ASSERT_TRUE(append(20));
    EXPECT_EQ(shape(), (Shape{1, 1})) << "the shorter one was the last of its run, also when it alone is left";
}

TEST_F(DatagramBatchTest, begins_afresh_when_all_is_consumed) {
    ASSERT_TRUE(append(100));
    ASSERT_TRUE(append(20));
    batch.consume(2);
    ASSERT_TRUE(append(100));
    ASSERT_TRUE(append(100));
    EXPECT_EQ(shape(), Shape{2}) << "the shorter one of before is forgotten";
    batch.clear();
    EXPECT_TRUE(batch.empty());
    EXPECT_EQ(batch.datagrams(), 0U);
    EXPECT_TRUE(append(max_datagram_bytes));
}

TEST_F(DatagramBatchTest, takes_whole_runs) {
    const std::string bytes = pattern(0, 250);
    ASSERT_TRUE(batch.begin_run(peer(1), DatagramRun{as_bytes(bytes), 100}));
    ASSERT_TRUE(batch.begin_run(peer(2), DatagramRun{as_bytes(bytes), 0}));
    ASSERT_TRUE(batch.begin_run(peer(2), DatagramRun{{}, 100}));
    EXPECT_EQ(shape(), (Shape{3, 1, 1}));
    EXPECT_EQ(batch.datagrams(), 5U);
    EXPECT_EQ(batch.bytes(), 500U);
    const std::vector<Datagram> expected{{peer(1), bytes.substr(0, 100)},
                                         {peer(1), bytes.substr(100, 100)},
                                         {peer(1), bytes.substr(200)},
                                         {peer(2), bytes},
                                         {peer(2), ""}};
    EXPECT_EQ(datagrams_of(batch.runs()), expected);
}

TEST_F(DatagramBatchTest, a_whole_run_goes_on_unless_its_last_is_shorter) {
    const std::string bytes = pattern(0, 300);
    ASSERT_TRUE(batch.begin_run(peer(1), DatagramRun{as_bytes(bytes), 100}));
    append_all({100, 30, 30});
    ASSERT_TRUE(batch.begin_run(peer(1), DatagramRun{as_bytes(bytes), 200}));
    append_all({100});
    EXPECT_EQ(shape(), (Shape{5, 1, 2, 1}));
}

TEST_F(DatagramBatchTest, what_goes_on_with_a_whole_run_is_bounded_likewise) {
    const std::string bytes = pattern(0, 10 * (most - 1));
    ASSERT_TRUE(batch.begin_run(peer(1), DatagramRun{as_bytes(bytes), 10}));
    append_all({10, 10});
    EXPECT_EQ(shape(), (Shape{most, 1}));
    batch.clear();
    const std::string large = pattern(0, std::size_t{60} * 1'040);
    ASSERT_TRUE(batch.begin_run(peer(1), DatagramRun{as_bytes(large), 1'040}));
    append_all({1'040, 1'040, 1'040});
    EXPECT_EQ(shape(), (Shape{62, 1}));
}

TEST_F(DatagramBatchTest, a_whole_run_that_does_not_fit_changes_nothing) {
    append_all({60'000});
    const std::string bytes = pattern(0, 6'000);
    EXPECT_FALSE(batch.begin_run(peer(1), DatagramRun{as_bytes(bytes), 100}));
    EXPECT_EQ(batch.datagrams(), 1U);
    EXPECT_EQ(batch.bytes(), 60'000U);
    append_all({100});
    EXPECT_EQ(batch.datagrams(), 2U);
}

TEST_F(DatagramBatchTest, only_what_goes_on_with_the_last_run_extends_it) {
    const auto extend = [this](std::size_t size, const InetAddress& to) {
        return batch.extend(to, as_bytes(pattern(0, size)));
    };
    EXPECT_FALSE(extend(10, peer(1))) << "there is none";
    append_all({10});
    EXPECT_FALSE(extend(10, peer(2)));
    EXPECT_FALSE(extend(11, peer(1)));
    EXPECT_FALSE(extend(0, peer(1)));
    EXPECT_EQ(batch.datagrams(), 1U);
    EXPECT_TRUE(extend(9, peer(1)));
    EXPECT_FALSE(extend(9, peer(1))) << "nothing follows a shorter one";
    batch.clear();
    append_all({9});
    batch.clear();
    EXPECT_FALSE(extend(9, peer(1))) << "there is none any more";
}

TEST_F(DatagramBatchTest, does_what_a_list_does) {
    Random random{11};
    DatagramSource source{random};
    std::deque<Datagram> model;
    std::size_t bytes = 0;
    for (std::size_t step = 0; step < scaled(100'000); ++step) {
        if (!random.one_in(40)) {
            Datagram datagram = source.next();
            const bool was_empty = batch.empty();
            if (batch.append(datagram.to, as_bytes(datagram.bytes))) {
                bytes += datagram.bytes.size();
                model.push_back(std::move(datagram));
            } else {
                ASSERT_FALSE(was_empty) << "an empty batch takes any";
            }
        } else {
            const std::size_t count = random.one_in(3) ? model.size() : random.size_up_to(model.size());
            ASSERT_EQ(batch.bytes_of(count), [&] {
                std::size_t sum = 0;
                for (std::size_t i = 0; i < count; ++i) sum += model[i].bytes.size();
                return sum;
            }());
            bytes -= batch.bytes_of(count);
            batch.consume(count);
            model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
            ASSERT_EQ(datagrams_of(batch.runs()), (std::vector<Datagram>{model.begin(), model.end()})) << step;
        }
        ASSERT_EQ(batch.datagrams(), model.size());
        ASSERT_EQ(batch.bytes(), bytes);
        ASSERT_EQ(batch.empty(), model.empty());
        if (model.empty()) continue;
        const std::size_t index = random.size_up_to(model.size() - 1);
        ASSERT_EQ(batch.address_of(index), model[index].to);
    }
}

}  // namespace
}  // namespace pollux::test
