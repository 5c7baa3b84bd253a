// Pieces of memory that do not overlap and stay where they are until all are given back.
#include "arena.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/support.h"

namespace pollux::test {
namespace {

TEST(ArenaTest, copies_and_joins) {
    Arena arena;
    EXPECT_EQ(arena.copy("abc"), "abc");
    EXPECT_EQ(arena.copy(""), "");
    EXPECT_EQ(arena.join("ab", "cd"), "abcd");
    EXPECT_EQ(arena.join("", "cd"), "cd");
    EXPECT_EQ(arena.join("ab", ""), "ab");
    EXPECT_EQ(arena.join("", ""), "");
}

TEST(ArenaTest, what_was_given_stays_whatever_is_given_after_it) {
    Random random{3};
    Arena arena;
    for (int round = 0; round < 20; ++round) {
        std::vector<std::pair<std::string, std::string_view>> given;
        for (int i = 0; i < 200; ++i) {
            const std::string text = pattern(random.up_to(1000), static_cast<std::size_t>(random.magnitude(14)));
            given.emplace_back(text, arena.copy(text));
        }
        for (const auto& [text, copy] : given) ASSERT_EQ(copy, text);
        arena.reset();
    }
}

TEST(ArenaTest, keeps_its_first_block) {
    for (const std::size_t first : {std::size_t{100}, std::size_t{2048}, std::size_t{2049}, std::size_t{100'000}}) {
        Arena arena;
        static_cast<void>(arena.allocate(first));
        arena.reset();
        const char* const again = arena.allocate(64);
        for (int round = 0; round < 3; ++round) {
            static_cast<void>(arena.allocate(5000));
            arena.reset();
            EXPECT_EQ(arena.allocate(64), again) << "after " << first;
        }
    }
}

TEST(ArenaTest, may_be_reset_empty) {
    Arena arena;
    arena.reset();
    EXPECT_EQ(arena.copy("x"), "x");
}

}  // namespace
}  // namespace pollux::test
