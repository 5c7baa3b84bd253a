// Mailbox: the ring at every offset, its limits, what it owns, and two real threads.
#include "mailbox.h"

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <limits>
#include <thread>

#include "unit/support.h"

namespace pollux::test {
namespace {

constexpr std::size_t smallest = 4096;
constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

/// What a payload costs of the ring.
constexpr std::size_t ring_bytes(std::size_t payload_bytes) {
    return (16 + payload_bytes + 15) / 16 * 16;
}

bool put(Mailbox& box, MailKind kind, std::uint64_t target, std::string_view payload) {
    std::byte* const room = box.reserve(kind, target, payload.size());
    if (room == nullptr) return false;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(room) % 16, 0U);
    std::copy(payload.begin(), payload.end(), reinterpret_cast<char*>(room));
    box.finish();
    return true;
}

bool post(Mailbox& box, std::uint64_t target, std::string_view payload) {
    if (!put(box, MailKind::send, target, payload)) return false;
    box.publish();
    return true;
}

struct Mail {
    MailKind kind;
    std::uint64_t target;
    std::string payload;

    friend bool operator==(const Mail&, const Mail&) = default;
};

std::vector<Mail> take(Mailbox& box, std::size_t limit_bytes = no_limit) {
    std::vector<Mail> mail;
    box.consume(limit_bytes, [&](MailKind kind, std::uint64_t target, MutableBytes payload) {
        mail.push_back({kind, target, std::string{as_text(payload)}});
    });
    return mail;
}

void skip_to(Mailbox& box, std::size_t offset) {
    for (std::size_t at = 0; at < offset; at += ring_bytes(0)) {
        ASSERT_TRUE(post(box, 0, {}));
        ASSERT_EQ(take(box).size(), 1U);
    }
}

TEST(MailboxTest, capacity_is_rounded_up_to_a_power_of_two) {
    for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, smallest - 1, smallest, smallest + 1,
                                       std::size_t{65'535}, std::size_t{65'537}, std::size_t{1'000'000}}) {
        const Mailbox box{capacity};
        EXPECT_EQ(box.max_payload(), std::bit_ceil(std::max(capacity, smallest)) / 2 - 16) << capacity;
    }
}

TEST(MailboxTest, holds_a_largest_record_at_any_position) {
    for (std::size_t offset = 0; offset < smallest; offset += 16) {
        Mailbox box{smallest};
        ASSERT_NO_FATAL_FAILURE(skip_to(box, offset));
        const std::string payload = pattern(offset, box.max_payload());
        ASSERT_TRUE(post(box, offset, payload)) << "empty, at " << offset;
        EXPECT_EQ(take(box), (std::vector<Mail>{{MailKind::send, offset, payload}}));
    }
}

TEST(MailboxTest, carries_every_size_across_the_end) {
    const std::size_t largest = Mailbox{smallest}.max_payload();
    for (std::size_t size = 0; size <= largest; ++size) {
        Mailbox box{smallest};
        std::uint64_t sent = 0;
        std::uint64_t received = 0;
        const std::string payload = pattern(size, size);
        // Three times round, filled to the brim each time; where it wraps moves with the size.
        while (sent * ring_bytes(size) < 3 * smallest) {
            std::size_t count = 0;
            while (post(box, sent, payload)) {
                ++sent;
                ++count;
            }
            ASSERT_GE(count, 1U) << "an empty ring refused " << size;
            box.consume(no_limit, [&](MailKind kind, std::uint64_t target, MutableBytes bytes) {
                ASSERT_EQ(kind, MailKind::send);
                ASSERT_EQ(target, received++);
                ASSERT_EQ(as_text(bytes), payload);
            });
            ASSERT_EQ(received, sent);
        }
    }
}

TEST(MailboxTest, fills_to_the_last_byte) {
    Mailbox box{smallest};
    for (std::size_t i = 0; i < smallest / 16; ++i) ASSERT_TRUE(post(box, i, {}));
    EXPECT_FALSE(post(box, 0, {}));
    EXPECT_EQ(take(box, 1).size(), 1U);
    EXPECT_TRUE(post(box, 0, {})) << "one out, one in";
    EXPECT_FALSE(post(box, 0, {}));
    EXPECT_EQ(take(box).size(), smallest / 16);
}

TEST(MailboxTest, a_full_ring_answers_null_and_loses_nothing) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        SCOPED_TRACE(seed);
        Random random{seed};
        Mailbox box{smallest};
        std::deque<Mail> published;
        std::deque<Mail> finished;
        std::size_t refused = 0;
        std::uint64_t sequence = 0;
        const unsigned bits = 1 + static_cast<unsigned>(seed);
        bool producer_ahead = true;
        for (std::size_t step = 0; step < 20'000; ++step) {
            if (random.one_in(500)) producer_ahead = !producer_ahead;
            if (random.one_in(4) != producer_ahead) {
                const std::size_t size =
                    std::min<std::size_t>(static_cast<std::size_t>(random.magnitude(bits)), box.max_payload());
                Mail mail{random.one_in(2) ? MailKind::send : MailKind::broadcast, ++sequence, pattern(sequence, size)};
                // A reservation that is not finished never was.
                if (random.one_in(5))
                    static_cast<void>(box.reserve(MailKind::close, 1, random.size_up_to(box.max_payload())));
                if (put(box, mail.kind, mail.target, mail.payload)) {
                    finished.push_back(std::move(mail));
                } else {
                    ++refused;
                    ASSERT_FALSE(published.empty() && finished.empty()) << "an empty ring refused " << size;
                }
                if (random.one_in(3)) {
                    box.publish();
                    std::move(finished.begin(), finished.end(), std::back_inserter(published));
                    finished.clear();
                }
            } else {
                const std::size_t limit = 1 + static_cast<std::size_t>(random.magnitude(8));
                std::size_t read = 0;
                const bool was_empty = box.empty();
                ASSERT_EQ(was_empty, published.empty());
                const bool any = box.consume(limit, [&](MailKind kind, std::uint64_t target, MutableBytes payload) {
                    ASSERT_LT(read, limit) << "it went on past its limit";
                    read += ring_bytes(payload.size());
                    ASSERT_FALSE(published.empty()) << "it read what was not published";
                    ASSERT_EQ((Mail{kind, target, std::string{as_text(payload)}}), published.front());
                    published.pop_front();
                });
                ASSERT_EQ(any, !was_empty);
            }
        }
        EXPECT_NE(refused, 0U) << "the ring was never full: the test does not test";
    }
}

TEST(MailboxTest, nothing_is_visible_before_it_is_published) {
    Mailbox box{smallest};
    EXPECT_TRUE(box.empty());
    ASSERT_TRUE(put(box, MailKind::send, 1, "one"));
    ASSERT_TRUE(put(box, MailKind::close, 2, ""));
    EXPECT_TRUE(box.empty());
    EXPECT_TRUE(take(box).empty());
    box.publish();
    EXPECT_FALSE(box.empty());
    EXPECT_EQ(take(box), (std::vector<Mail>{{MailKind::send, 1, "one"}, {MailKind::close, 2, ""}}));
    EXPECT_TRUE(box.empty());
    EXPECT_FALSE(box.consume(no_limit, [](MailKind, std::uint64_t, MutableBytes) { FAIL(); }));
}

TEST(MailboxTest, an_unfinished_reservation_is_forgotten) {
    Mailbox box{smallest};
    ASSERT_NE(box.reserve(MailKind::send, 1, 100), nullptr);
    box.publish();
    EXPECT_TRUE(box.empty());
    ASSERT_TRUE(post(box, 2, "real"));
    EXPECT_EQ(take(box), (std::vector<Mail>{{MailKind::send, 2, "real"}}));
}

TEST(MailboxTest, a_forgotten_reservation_at_the_end_leaves_no_gap) {
    for (std::size_t offset = 0; offset < smallest; offset += 16) {
        Mailbox box{smallest};
        ASSERT_NO_FATAL_FAILURE(skip_to(box, offset));
        ASSERT_NE(box.reserve(MailKind::padding, 0, box.max_payload()), nullptr);  // may write padding
        std::size_t count = 0;
        while (post(box, count, {})) ++count;
        EXPECT_EQ(count, smallest / 16) << offset;
        EXPECT_EQ(take(box).size(), count);
    }
}

TEST(MailboxTest, consume_ends_with_what_was_published_when_it_began) {
    Mailbox box{smallest};
    ASSERT_TRUE(post(box, 1, "first"));
    std::size_t visits = 0;
    box.consume(no_limit, [&](MailKind, std::uint64_t, MutableBytes) {
        ++visits;
        ASSERT_TRUE(post(box, 2, "answer"));
    });
    EXPECT_EQ(visits, 1U);
    EXPECT_FALSE(box.empty());
    EXPECT_EQ(take(box), (std::vector<Mail>{{MailKind::send, 2, "answer"}}));
}

TEST(MailboxTest, room_comes_back_while_it_is_read) {
    Mailbox box{smallest};
    std::size_t records = 0;
    while (post(box, records, {})) ++records;
    std::size_t visits = 0;
    std::size_t room_after = 0;
    box.consume(no_limit, [&](MailKind, std::uint64_t, MutableBytes) {
        ++visits;
        if (room_after == 0 && box.reserve(MailKind::send, 0, 0) != nullptr) room_after = visits;
    });
    EXPECT_EQ(visits, records);
    EXPECT_GT(room_after, 1U) << "the record that is being read was given away";
    EXPECT_LT(room_after, records / 2);
}

TEST(MailboxTest, a_payload_stays_while_it_is_visited) {
    Mailbox box{smallest};
    const std::string payload = pattern(0, 1000);
    std::size_t visits = 0;
    for (int round = 0; round < 100; ++round) {
        while (post(box, 0, payload)) {
        }
        box.consume(no_limit, [&](MailKind, std::uint64_t, MutableBytes bytes) {
            static_cast<void>(post(box, 0, payload));  // as much as there is room
            if (as_text(bytes) == payload) ++visits;
        });
        visits += take(box).size();
    }
    EXPECT_GE(visits, 400U);
}

struct Life {
    explicit Life(int& alive) : alive_(&alive) { ++*alive_; }
    Life(Life&& other) noexcept : alive_(other.alive_) { ++*alive_; }
    ~Life() { --*alive_; }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    Life& operator=(Life&&) = delete;

private:
    int* alive_;
};

bool post_task(Mailbox& box, Task task) {
    std::byte* const room = box.reserve(MailKind::task, 0, sizeof(Task));
    if (room == nullptr) return false;
    ::new (static_cast<void*>(room)) Task{std::move(task)};
    box.finish();
    box.publish();
    return true;
}

TEST(MailboxOwnershipTest, a_taken_task_runs_and_is_destroyed_once) {
    int alive = 0;
    int runs = 0;
    {
        Mailbox box{smallest};
        ASSERT_TRUE(post_task(box, [life = Life{alive}, &runs] { ++runs; }));
        EXPECT_EQ(alive, 1);
        box.consume(no_limit, [&](MailKind kind, std::uint64_t, MutableBytes payload) {
            ASSERT_EQ(kind, MailKind::task);
            Task task = Mailbox::take_task(payload);
            EXPECT_EQ(alive, 1);
            task();
        });
        EXPECT_EQ(alive, 0);
    }
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(runs, 1);
}

TEST(MailboxOwnershipTest, tasks_that_nobody_took_are_destroyed) {
    int alive = 0;
    {
        Mailbox box{smallest};
        ASSERT_NO_FATAL_FAILURE(skip_to(box, smallest - 64));  // some before the end of the ring, some after
        struct Large {
            Life life;
            std::array<char, 200> more{};
            void operator()() const { FAIL() << "run by the destructor"; }
        };
        for (int i = 0; i < 5; ++i) {
            ASSERT_TRUE(post_task(box, [life = Life{alive}] { FAIL() << "run by the destructor"; }));
            ASSERT_TRUE(post_task(box, Large{Life{alive}}));
            ASSERT_TRUE(post(box, 0, "bytes between"));
        }
        EXPECT_EQ(alive, 10);
    }
    EXPECT_EQ(alive, 0);
}

TEST(MailboxOwnershipTest, either_side_sees_that_the_other_has_gone) {
    Mailbox box{smallest};
    EXPECT_FALSE(box.producer_gone());
    EXPECT_FALSE(box.consumer_gone());
    box.abandon_producer();
    EXPECT_TRUE(box.producer_gone());
    EXPECT_FALSE(box.consumer_gone());
    box.abandon_consumer();
    EXPECT_TRUE(box.consumer_gone());
}

/// A producer and a consumer on threads of their own. Sizes are drawn from the same seed on both sides.
void exchange(std::size_t capacity, std::uint64_t records, unsigned size_bits) {
    Mailbox box{capacity};
    const std::string bytes = pattern(0, std::size_t{1} << size_bits);
    std::thread producer{[&] {
        Random random{records};
        for (std::uint64_t i = 0; i < records; ++i) {
            const auto size = static_cast<std::size_t>(random.magnitude(size_bits));
            const std::string_view payload{bytes.data(), std::min(size, box.max_payload())};
            while (!put(box, MailKind::send, i, payload)) {
                box.publish();
                std::this_thread::yield();
            }
            if (i % 3 != 0) box.publish();
        }
        box.publish();
        box.abandon_producer();
    }};
    Random random{records};
    std::uint64_t received = 0;
    std::uint64_t wrong = 0;
    for (;;) {
        const bool gone = box.producer_gone();  // before the look for mail: nothing can follow it
        const bool any = box.consume(std::size_t{64} * 1024, [&](MailKind, std::uint64_t target, MutableBytes payload) {
            const auto size = std::min(static_cast<std::size_t>(random.magnitude(size_bits)), box.max_payload());
            if (target != received++ || as_text(payload) != std::string_view{bytes}.substr(0, size)) ++wrong;
        });
        if (!any && gone) break;
        if (!any) std::this_thread::yield();
    }
    producer.join();
    EXPECT_EQ(received, records);
    EXPECT_EQ(wrong, 0U) << "lost, doubled, swapped or damaged";
}

TEST(MailboxThreadTest, two_million_records_arrive_in_order) {
    exchange(std::size_t{1} << 20, scaled(2'000'000), 6);
}

TEST(MailboxThreadTest, the_smallest_ring_loses_nothing_when_it_is_always_full) {
    exchange(smallest, scaled(200'000), 11);
}

TEST(MailboxThreadTest, the_last_words_of_a_thread_are_heard) {
    for (std::size_t round = 0; round < scaled(300); ++round) {
        Mailbox box{smallest};
        std::thread producer{[&] {
            ASSERT_TRUE(post(box, 1, "last"));
            box.abandon_producer();
        }};
        while (!box.producer_gone()) std::this_thread::yield();
        ASSERT_EQ(take(box).size(), 1U);
        producer.join();
    }
}

}  // namespace
}  // namespace pollux::test
