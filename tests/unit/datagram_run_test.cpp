// Runs of datagrams as handlers see them.
#include <pollux/udp_socket.h>

#include "unit/support.h"

namespace pollux::test {
namespace {

std::vector<std::string> texts_of(const DatagramRun& run) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < run.size(); ++i) texts.emplace_back(as_text(run[i]));
    return texts;
}

using Texts = std::vector<std::string>;

TEST(DatagramRunTest, is_cut_into_datagrams_of_one_size) {
    const DatagramRun run{as_bytes("abcdef"), 2};
    EXPECT_EQ(run.size(), 3U);
    EXPECT_EQ(run.segment_bytes(), 2U);
    EXPECT_EQ(as_text(run.bytes()), "abcdef");
    EXPECT_EQ(texts_of(run), (Texts{"ab", "cd", "ef"}));
}

TEST(DatagramRunTest, the_last_may_be_shorter) {
    EXPECT_EQ(texts_of({as_bytes("abcde"), 2}), (Texts{"ab", "cd", "e"}));
    EXPECT_EQ(texts_of({as_bytes("abcde"), 4}), (Texts{"abcd", "e"}));
}

TEST(DatagramRunTest, is_one_datagram_unless_its_bytes_are_more_than_one_has) {
    for (const std::size_t segment : std::initializer_list<std::size_t>{0, 5, 6, 65'507, ~std::size_t{0}}) {
        const DatagramRun run{as_bytes("abcde"), segment};
        EXPECT_EQ(run.size(), 1U) << segment;
        EXPECT_EQ(texts_of(run), Texts{"abcde"});
    }
}

TEST(DatagramRunTest, a_datagram_without_bytes_is_one) {
    for (const std::size_t segment : std::initializer_list<std::size_t>{0, 1, 100}) {
        const DatagramRun run{{}, segment};
        EXPECT_EQ(run.size(), 1U) << segment;
        EXPECT_TRUE(run[0].empty());
        EXPECT_TRUE(run.bytes().empty());
    }
}

TEST(DatagramRunTest, its_datagrams_are_its_bytes_whatever_their_size) {
    const std::string all = pattern(0, 300);
    for (std::size_t size = 0; size <= all.size(); ++size) {
        for (const std::size_t segment : std::initializer_list<std::size_t>{1, 2, 7, 64, 100, 299, 300}) {
            const DatagramRun run{as_bytes(std::string_view{all}.substr(0, size)), segment};
            std::string together;
            for (const std::string& text : texts_of(run)) {
                ASSERT_LE(text.size(), segment);
                ASSERT_TRUE(text.size() == segment || together.size() + text.size() == size) << "only the last";
                together += text;
            }
            ASSERT_EQ(together, all.substr(0, size));
        }
    }
}

}  // namespace
}  // namespace pollux::test
