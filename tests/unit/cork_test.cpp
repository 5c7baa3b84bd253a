// Cork: whose it is, what it holds, and the budget of a callback.
#include "cork.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "unit/support.h"

namespace pollux::test {
namespace {

class CorkTest : public testing::Test {
protected:
    Cork cork{100};

    /// The cork compares addresses and looks no further.
    static const StreamConnection& connection(std::size_t index) {
        alignas(64) static char memory[2][64];
        return *reinterpret_cast<const StreamConnection*>(memory[index]);
    }
};

TEST_F(CorkTest, belongs_to_one_connection_at_a_time) {
    EXPECT_EQ(cork.owner(), nullptr);
    cork.begin(connection(0), 0);
    EXPECT_EQ(cork.owner(), &connection(0));
    cork.release();
    EXPECT_EQ(cork.owner(), nullptr);
    cork.begin(connection(1), 0);
    EXPECT_EQ(cork.owner(), &connection(1));
}

TEST_F(CorkTest, collects_in_order) {
    cork.begin(connection(0), 0);
    cork.append(as_bytes("one "));
    cork.append(as_bytes(""));
    cork.append(as_bytes("two"));
    EXPECT_EQ(cork.size(), 7U);
    EXPECT_EQ(as_text(cork.take()), "one two");
    EXPECT_EQ(cork.size(), 0U);
    EXPECT_TRUE(cork.take().empty());
    cork.append(as_bytes("three"));
    EXPECT_EQ(as_text(cork.take()), "three");
}

TEST_F(CorkTest, fits_exactly_its_capacity) {
    EXPECT_TRUE(cork.fits(100));
    EXPECT_FALSE(cork.fits(101));
    cork.append(as_bytes(pattern(0, 60)));
    EXPECT_TRUE(cork.fits(40));
    EXPECT_FALSE(cork.fits(41));
    EXPECT_FALSE(cork.fits(~std::size_t{0})) << "no sum may overflow";
    cork.append(as_bytes(pattern(60, 40)));
    EXPECT_TRUE(cork.fits(0));
    EXPECT_FALSE(cork.fits(1));
    EXPECT_EQ(as_text(cork.take()), pattern(0, 100));
    EXPECT_TRUE(cork.fits(100));
}

class MessageLaneTest : public CorkTest {
protected:
    MessageLaneTest() { cork = Cork{1000}; }

    void begin(std::size_t lane_bytes) {
        cork.begin(connection(0), lane_bytes);
        cork.open_lane(this);
    }

    bool lay_down(std::string_view message, const void* sender) {
        return detail::lay_down(cork.lane(), sender, 0x81, as_bytes(message));
    }
    bool lay_down(std::string_view message) { return lay_down(message, this); }

    static std::string framed(std::string_view message) {
        return std::string{'\x81', static_cast<char>(message.size())} + std::string{message};
    }
};

TEST_F(MessageLaneTest, takes_messages_of_its_owner_as_they_are) {
    begin(1000);
    EXPECT_FALSE(lay_down("x", &cork)) << "it is somebody else's";
    EXPECT_TRUE(lay_down("four"));
    cork.append(as_bytes("-"));
    EXPECT_TRUE(lay_down("five "));
    EXPECT_EQ(cork.lane_messages(), 2U);
    EXPECT_EQ(as_text(cork.take()), framed("four") + "-" + framed("five "));
    EXPECT_TRUE(lay_down("again")) << "there is room when it was taken";
    EXPECT_EQ(as_text(cork.take()), framed("again"));
}

TEST_F(MessageLaneTest, takes_every_length_that_is_short) {
    for (std::size_t size = 0; size <= 125; ++size) {
        begin(1000);
        ASSERT_TRUE(lay_down(pattern(size, size))) << size;
        EXPECT_EQ(as_text(cork.take()), framed(pattern(size, size)));
    }
    EXPECT_FALSE(lay_down(pattern(0, 126)));
}

TEST_F(MessageLaneTest, ends_where_a_longer_message_would_not_fit) {
    for (const std::size_t limit : {126U, 127U, 128U, 500U, 1000U, 5000U}) {
        begin(limit);
        std::size_t accepted = 0;
        while (lay_down(pattern(0, 125))) ++accepted;
        EXPECT_EQ(accepted, std::min<std::size_t>(limit, 1000) / 127) << limit;
        EXPECT_EQ(cork.take().size(), 127 * accepted);
        cork.release();
    }
}

TEST_F(MessageLaneTest, closes_for_the_rest_of_the_callback) {
    begin(1000);
    cork.close_lane();
    EXPECT_FALSE(lay_down("x"));
    cork.open_lane(this);
    EXPECT_FALSE(lay_down("x")) << "what closed it still stands";
    begin(1000);
    EXPECT_TRUE(lay_down("x"));
    cork.release();
    EXPECT_FALSE(lay_down("x")) << "the callback is over";
    begin(1000);
    EXPECT_EQ(cork.lane_messages(), 0U) << "of this callback";
}

TEST_F(CorkTest, a_callback_has_a_budget) {
    cork.begin(connection(0), 0);
    EXPECT_FALSE(cork.budget_spent());
    constexpr std::size_t mebibyte = std::size_t{1} << 20;
    std::size_t sent = 0;
    while (!cork.budget_spent()) {
        cork.count_sent(mebibyte);
        sent += mebibyte;
        ASSERT_LE(sent, 64 * mebibyte) << "a callback that sends for ever is never stopped";
    }
    EXPECT_GE(sent, mebibyte) << "not even one receive's answers";
    cork.release();
    cork.begin(connection(0), 0);
    EXPECT_FALSE(cork.budget_spent()) << "each callback has its own";
}

}  // namespace
}  // namespace pollux::test
