// Buffers that are used again, and how many of them are kept.
#include "buffer_pool.h"

#include <utility>
#include <vector>

#include "unit/support.h"

namespace pollux::test {
namespace {

TEST(BufferPoolTest, gives_what_it_was_given_but_empty) {
    BufferPool pool;
    BufferPool::Buffer buffer = pool.take();
    ASSERT_NE(buffer, nullptr);
    buffer->assign(1000, 'x');
    const char* const memory = buffer->data();
    pool.give_back(std::move(buffer));
    buffer = pool.take();
    EXPECT_TRUE(buffer->empty());
    EXPECT_EQ(buffer->data(), memory) << "the same memory";
    EXPECT_GE(buffer->capacity(), 1000u);
    EXPECT_NE(pool.take()->data(), memory) << "nobody else has it";
    pool.give_back(nullptr);
}

TEST(BufferPoolTest, keeps_so_many) {
    BufferPool pool;
    std::vector<BufferPool::Buffer> buffers;
    for (std::size_t i = 0; i <= BufferPool::max_kept; ++i) {
        buffers.push_back(pool.take());
        buffers.back()->reserve(100);
    }
    for (auto& buffer : buffers) pool.give_back(std::move(buffer));
    for (std::size_t i = 0; i < BufferPool::max_kept; ++i) {
        buffers[i] = pool.take();
        EXPECT_GE(buffers[i]->capacity(), 100u) << i;
    }
    EXPECT_LT(pool.take()->capacity(), 100u) << "that one was one too many";
}

TEST(BufferPoolTest, keeps_so_many_bytes) {
    BufferPool pool;
    const auto sized = [](std::size_t capacity) {
        auto buffer = std::make_unique<std::string>();
        buffer->reserve(capacity);
        return buffer;
    };
    pool.give_back(sized(BufferPool::max_kept_bytes + 1));
    EXPECT_LT(pool.take()->capacity(), 100u);

    constexpr std::size_t half = BufferPool::max_kept_bytes / 2;
    pool.give_back(sized(half));
    pool.give_back(sized(half + 1));
    pool.give_back(sized(half / 2));
    EXPECT_LT(pool.take()->capacity(), half) << "the last that fits";
    EXPECT_GE(pool.take()->capacity(), half) << "the first that fits";
    EXPECT_LT(pool.take()->capacity(), 100u);
    pool.give_back(sized(half + 1));
    EXPECT_GT(pool.take()->capacity(), half) << "what was taken makes room";
}

}  // namespace
}  // namespace pollux::test
