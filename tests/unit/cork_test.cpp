// Cork: whose it is, what it holds, and the budget of a callback.
#include "cork.h"

#include <cstring>

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

TEST_F(CorkTest, its_owner_may_lay_messages_down_up_to_a_limit) {
    const auto lay_down = [this](std::string_view message) {
        std::byte* const place = cork.lane(connection(0), message.size());
        if (place == nullptr) return false;
        std::memcpy(place, message.data(), message.size());
        cork.add_lane_message(message.size());
        return true;
    };
    cork.begin(connection(0), 10);
    EXPECT_EQ(cork.lane(connection(1), 1), nullptr) << "it is somebody else's";
    EXPECT_TRUE(lay_down("four"));
    cork.append(as_bytes("-"));
    EXPECT_TRUE(lay_down("five "));
    EXPECT_FALSE(lay_down("x")) << "beyond the limit";
    EXPECT_EQ(cork.lane_messages(), 2U);
    EXPECT_EQ(as_text(cork.take()), "four-five ");
    EXPECT_TRUE(lay_down("again")) << "there is room when it was taken";
    cork.close_lane();
    EXPECT_FALSE(lay_down("x"));
    cork.release();
    EXPECT_EQ(cork.lane(connection(0), 1), nullptr);

    cork.begin(connection(0), 1000);
    EXPECT_EQ(cork.lane_messages(), 0U) << "of this callback";
    EXPECT_EQ(as_text(cork.take()), "again");
    EXPECT_TRUE(lay_down(pattern(0, 100)));
    EXPECT_FALSE(lay_down("x")) << "nor is there more than it holds";
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
