// Broadcast log: members that join, read at their own pace and leave, against a plain position in an endless pattern.
#include "broadcast_log.h"

#include <algorithm>
#include <array>
#include <list>
#include <optional>

#include "unit/support.h"

namespace pollux::test {
namespace {

class BroadcastLogTest : public testing::TestWithParam<std::size_t> {
protected:
    ~BroadcastLogTest() override {
        log.reset();
        EXPECT_EQ(slab.used_blocks(), 0U) << "the log kept blocks";
    }

    void append(std::size_t size) { log->append(as_bytes(pattern(log->end(), size))); }

    /// All that a member has not consumed.
    std::string unread(const BroadcastLog::Cursor& cursor) {
        std::vector<Bytes> parts(log->lag(cursor) + 1);
        const std::size_t count = log->peek(cursor, parts);
        return text_of(std::span{parts}.first(count));
    }

    /// What fits into one block, found out rather than known.
    std::size_t block_capacity() {
        Slab other{GetParam()};
        BroadcastLog measured{other};
        BroadcastLog::Cursor cursor;
        measured.attach(cursor);
        measured.append(as_bytes(std::string(2 * other.block_bytes(), 'x')));
        std::array<Bytes, 1> front;
        EXPECT_EQ(measured.peek(cursor, front), 1U);
        measured.detach(cursor);
        return front[0].size();
    }

    Slab slab{GetParam()};
    std::optional<BroadcastLog> log{slab};
};

INSTANTIATE_TEST_SUITE_P(BlockBytes, BroadcastLogTest, testing::Values(48, 64, 1024, 16368),
                         testing::PrintToStringParamName());

TEST_P(BroadcastLogTest, keeps_nothing_without_members) {
    append(1000);
    EXPECT_EQ(slab.used_blocks(), 0U);
    BroadcastLog::Cursor cursor;
    EXPECT_FALSE(cursor.attached());
    EXPECT_EQ(log->lag(cursor), 0U);
    std::array<Bytes, 2> parts;
    EXPECT_EQ(log->peek(cursor, parts), 0U);
    log->detach(cursor);
    EXPECT_EQ(log->members(), 0U);
}

TEST_P(BroadcastLogTest, a_member_gets_what_comes_after_it_joined) {
    BroadcastLog::Cursor early;
    BroadcastLog::Cursor late;
    log->attach(early);
    append(10);
    const std::uint64_t middle = log->end();
    log->attach(late);
    EXPECT_EQ(log->members(), 2U);
    append(20);
    EXPECT_EQ(log->lag(early), 30U);
    EXPECT_EQ(log->lag(late), 20U);
    EXPECT_EQ(unread(late), pattern(middle, 20));
    EXPECT_EQ(unread(early), pattern(middle - 10, 30));
    log->detach(early);
    EXPECT_FALSE(early.attached());
    EXPECT_EQ(unread(late), pattern(middle, 20));
    log->detach(late);
    log->detach(late);  // once more does no harm
    EXPECT_EQ(log->members(), 0U);
    EXPECT_EQ(slab.used_blocks(), 0U);
}

TEST_P(BroadcastLogTest, a_cursor_at_the_end_of_a_block_goes_on_in_the_next) {
    const std::size_t capacity = block_capacity();
    BroadcastLog::Cursor reader;
    BroadcastLog::Cursor idle;
    log->attach(reader);
    log->attach(idle);
    for (std::uint64_t block = 0; block < 4; ++block) {
        append(capacity);
        log->consume(reader, capacity);
        EXPECT_EQ(log->lag(reader), 0U);
        EXPECT_EQ(unread(reader), "");
        BroadcastLog::Cursor newcomer;  // joins where a block is full
        log->attach(newcomer);
        append(1);
        EXPECT_EQ(unread(reader), pattern(block * (capacity + 1) + capacity, 1));
        EXPECT_EQ(unread(newcomer), unread(reader));
        log->consume(reader, 1);
        log->consume(newcomer, 1);
        EXPECT_EQ(log->lag(reader), 0U);
        log->detach(newcomer);
    }
    EXPECT_EQ(unread(idle), pattern(0, static_cast<std::size_t>(log->end())));
    log->detach(idle);
    EXPECT_EQ(slab.used_blocks(), 1U) << "the one that the reader stands in";
    log->detach(reader);
}

TEST_P(BroadcastLogTest, a_block_goes_back_with_its_last_reader) {
    const std::size_t capacity = block_capacity();
    std::array<BroadcastLog::Cursor, 3> cursors;
    for (auto& cursor : cursors) log->attach(cursor);
    append(10 * capacity);
    EXPECT_EQ(slab.used_blocks(), 10U);
    log->consume(cursors[0], 10 * capacity);
    log->consume(cursors[1], 5 * capacity);
    EXPECT_EQ(slab.used_blocks(), 10U) << "the third has read nothing";
    log->consume(cursors[2], 3 * capacity + 1);
    EXPECT_EQ(slab.used_blocks(), 7U);
    log->detach(cursors[2]);
    EXPECT_EQ(slab.used_blocks(), 5U);
    log->consume(cursors[1], 5 * capacity);
    EXPECT_EQ(slab.used_blocks(), 1U);
    log->detach(cursors[0]);
    log->detach(cursors[1]);
    EXPECT_EQ(slab.used_blocks(), 0U);
}

TEST_P(BroadcastLogTest, peeks_at_no_more_parts_than_there_is_room_for) {
    const std::size_t capacity = block_capacity();
    BroadcastLog::Cursor cursor;
    log->attach(cursor);
    append(5 * capacity);
    log->consume(cursor, 1);
    for (std::size_t room = 0; room <= 7; ++room) {
        std::vector<Bytes> parts(room);
        ASSERT_EQ(log->peek(cursor, parts), std::min<std::size_t>(room, 5));
        const std::string text = text_of(parts);
        EXPECT_EQ(text, pattern(1, text.size()));
    }
    log->detach(cursor);
}

TEST_P(BroadcastLogTest, one_copy_serves_all) {
    const std::size_t capacity = block_capacity();
    std::vector<BroadcastLog::Cursor> cursors(100);
    for (auto& cursor : cursors) log->attach(cursor);
    append(8 * capacity);
    EXPECT_EQ(slab.used_blocks(), 8U);
    for (auto& cursor : cursors) log->detach(cursor);
}

TEST_P(BroadcastLogTest, does_what_positions_in_a_text_do) {
    struct Member {
        BroadcastLog::Cursor cursor;
        std::uint64_t position = 0;
    };
    const std::size_t capacity = block_capacity();
    const std::size_t steps = std::min(scaled(20'000), scaled(50'000'000) / capacity);
    Random random{GetParam()};
    std::list<Member> members;
    std::vector<Bytes> parts;
    for (std::size_t step = 0; step < steps; ++step) {
        const std::uint64_t action = random.up_to(11);
        const auto chosen = std::next(
            members.begin(), members.empty() ? 0 : static_cast<std::ptrdiff_t>(random.up_to(members.size() - 1)));
        if (action < 3) {
            const std::size_t size = random.one_in(4) ? capacity : random.size_up_to(2 * capacity);
            const std::uint64_t before = log->end();
            append(size);
            ASSERT_EQ(log->end(), before + (members.empty() ? 0 : size));
        } else if (action == 3 && members.size() < 20) {
            Member& member = members.emplace_back();
            log->attach(member.cursor);
            member.position = log->end();
        } else if (members.empty()) {
            ASSERT_EQ(slab.used_blocks(), 0U);
            continue;
        } else if (action == 4) {
            // Now and then all leave, or the slowest would always be the same.
            do {
                log->detach(members.begin()->cursor);
                members.pop_front();
            } while (random.one_in(30) && !members.empty());
        } else {
            const std::size_t lag = log->lag(chosen->cursor);
            const std::size_t size = random.one_in(3)   ? lag
                                     : random.one_in(2) ? std::min(lag, capacity)
                                                        : random.size_up_to(lag);
            log->consume(chosen->cursor, size);
            chosen->position += size;
        }
        ASSERT_EQ(log->members(), members.size());
        std::uint64_t slowest = log->end();
        for (const Member& member : members) {
            slowest = std::min(slowest, member.position);
            ASSERT_EQ(log->lag(member.cursor), log->end() - member.position);
        }
        ASSERT_LE(slab.used_blocks(), members.empty() ? 0 : (log->end() - slowest) / capacity + 2);
        if (members.empty()) continue;
        const Member& looked_at = random.one_in(2) ? members.front() : members.back();
        parts.assign(random.size_up_to(8), Bytes{});
        const std::size_t count = log->peek(looked_at.cursor, parts);
        for (std::size_t i = 0; i < count; ++i) ASSERT_FALSE(parts[i].empty());
        const std::string text = text_of(std::span{parts}.first(count));
        ASSERT_EQ(text, pattern(looked_at.position, text.size()));
        if (count < parts.size()) {
            ASSERT_EQ(text.size(), log->lag(looked_at.cursor));
        }
    }
    for (Member& member : members) log->detach(member.cursor);
}

}  // namespace
}  // namespace pollux::test
