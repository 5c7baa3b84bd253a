// Slab: alignment, reuse, and what goes back to the system.
#include "slab.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "unit/support.h"

namespace pollux::test {
namespace {

/// Blocks that are taken out of a slab, each filled with a mark of its own. Gives them back at the end.
class Blocks {
public:
    explicit Blocks(Slab& slab) : slab_(slab) {}
    ~Blocks() { release_all(); }
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;

    void* add() {
        void* block = slab_.allocate();
        const auto mark = static_cast<unsigned char>(++marks_);
        std::memset(block, mark, slab_.block_bytes());
        blocks_.push_back({block, mark});
        return block;
    }

    void add(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) add();
    }

    /// Releases one; false if another block or the slab itself wrote into it.
    [[nodiscard]] bool release(std::size_t index) {
        std::swap(blocks_[index], blocks_.back());
        const auto [block, mark] = blocks_.back();
        blocks_.pop_back();
        const auto* bytes = static_cast<const unsigned char*>(block);
        const bool intact = std::all_of(bytes, bytes + slab_.block_bytes(),
                                        [expected = mark](unsigned char byte) { return byte == expected; });
        slab_.release(block);
        return intact;
    }

    void release_all() {
        while (!blocks_.empty()) EXPECT_TRUE(release(blocks_.size() - 1));
    }

    [[nodiscard]] std::size_t size() const { return blocks_.size(); }
    [[nodiscard]] void* operator[](std::size_t index) const { return blocks_[index].block; }

private:
    struct Block {
        void* block;
        unsigned char mark;
    };

    Slab& slab_;
    std::vector<Block> blocks_;
    unsigned marks_ = 0;
};

/// Chunks are a power of two in size, nearly filled by their blocks.
std::size_t chunk_bytes(const Slab& slab) {
    return std::bit_ceil(slab.blocks_per_chunk() * slab.block_bytes() + 1);
}

/// Where the chunk of a block begins: chunks are aligned to their size.
std::uintptr_t chunk_of(const Slab& slab, const void* block) {
    return reinterpret_cast<std::uintptr_t>(block) & ~(chunk_bytes(slab) - 1);
}

/// The empty chunks that a slab may keep: a mebibyte, and one if that is more.
std::size_t most_kept(const Slab& slab) {
    return std::max<std::size_t>((std::size_t{1} << 20) / chunk_bytes(slab), 1);
}

class SlabTest : public testing::TestWithParam<std::size_t> {
protected:
    Slab slab{GetParam()};
    Blocks blocks{slab};
};

INSTANTIATE_TEST_SUITE_P(BlockBytes, SlabTest,
                         testing::Values(1, 16, 24, 64, 100, 1000, 4096, 8191, 16368, 65536, 100'000, 1 << 20),
                         testing::PrintToStringParamName());

TEST(SlabSizeTest, is_rounded_up_to_sixteen) {
    EXPECT_EQ(Slab{0}.block_bytes(), 16U) << "a block must hold at least the link of the free list";
    for (std::size_t bytes = 1; bytes <= 5000; ++bytes) {
        const Slab slab{bytes};
        EXPECT_EQ(slab.block_bytes() % 16, 0U);
        EXPECT_GE(slab.block_bytes(), bytes);
        EXPECT_LT(slab.block_bytes(), bytes + 16);
    }
}

TEST_P(SlabTest, takes_nothing_from_the_system_before_it_is_asked) {
    EXPECT_EQ(slab.chunks(), 0U);
    EXPECT_EQ(slab.used_blocks(), 0U);
    EXPECT_GE(slab.blocks_per_chunk(), 8U);
}

TEST_P(SlabTest, blocks_are_aligned_and_apart) {
    for (std::size_t i = 0; i < 2 * slab.blocks_per_chunk() + 1; ++i) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks.add()) % 16, 0U);
    }
    EXPECT_EQ(slab.used_blocks(), blocks.size());
    blocks.release_all();  // looks whether each still has its own mark
    EXPECT_EQ(slab.used_blocks(), 0U);
}

TEST_P(SlabTest, takes_a_chunk_only_when_all_others_are_full) {
    for (std::size_t chunks = 1; chunks <= 3; ++chunks) {
        blocks.add(slab.blocks_per_chunk());
        EXPECT_EQ(slab.chunks(), chunks);
    }
    // Holes in full chunks are filled before a new one is taken.
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(blocks.release(blocks.size() / 2));
    blocks.add(3);
    EXPECT_EQ(slab.chunks(), 3U);
    blocks.add();
    EXPECT_EQ(slab.chunks(), 4U);
}

TEST_P(SlabTest, a_released_block_is_used_again) {
    blocks.add(slab.blocks_per_chunk());
    void* const first = blocks[0];
    EXPECT_TRUE(blocks.release(0));
    EXPECT_EQ(blocks.add(), first) << "it is the only one left in a chunk";
    EXPECT_EQ(slab.chunks(), 1U);
}

TEST_P(SlabTest, returns_empty_chunks_but_for_a_few) {
    for (int burst = 0; burst < 3; ++burst) {
        blocks.add((most_kept(slab) + 4) * slab.blocks_per_chunk());
        blocks.release_all();
        EXPECT_LE(slab.chunks(), most_kept(slab));
        EXPECT_GE(slab.chunks(), 1U) << "the next block would have to ask the system";
    }
    const std::size_t kept = slab.chunks();
    blocks.add(kept * slab.blocks_per_chunk());
    EXPECT_EQ(slab.chunks(), kept) << "those that were kept serve first";
}

TEST_P(SlabTest, one_block_holds_its_chunk) {
    const std::size_t chunks = most_kept(slab) + 4;
    blocks.add(chunks * slab.blocks_per_chunk());
    std::map<std::uintptr_t, int> seen;
    for (std::size_t i = 0; i < blocks.size();) {
        if (seen[chunk_of(slab, blocks[i])]++ == 0) {
            ++i;  // the first of its chunk stays
        } else {
            EXPECT_TRUE(blocks.release(i));
        }
    }
    EXPECT_EQ(blocks.size(), chunks);
    EXPECT_EQ(slab.chunks(), chunks);
    while (blocks.size() != 0) {
        EXPECT_TRUE(blocks.release(0));
        EXPECT_GE(slab.chunks(), blocks.size());
        EXPECT_LE(slab.chunks(), blocks.size() + most_kept(slab));
    }
}

TEST_P(SlabTest, a_block_going_to_and_fro_moves_no_chunk) {
    blocks.add(slab.blocks_per_chunk());
    void* const block = blocks.add();
    const std::size_t times = std::min<std::size_t>(1000, (std::size_t{32} << 20) / slab.block_bytes());
    for (std::size_t i = 0; i < times; ++i) {
        EXPECT_TRUE(blocks.release(blocks.size() - 1));
        ASSERT_EQ(slab.chunks(), 2U);
        ASSERT_EQ(chunk_of(slab, blocks.add()), chunk_of(slab, block));
        ASSERT_EQ(slab.chunks(), 2U);
    }
}

TEST_P(SlabTest, keeps_its_books_whatever_comes_and_goes) {
    Random random{GetParam()};
    const std::size_t most = (most_kept(slab) + 6) * slab.blocks_per_chunk();
    std::map<std::uintptr_t, std::size_t> used_in_chunk;  // the model
    std::size_t full_or_part = 0;
    const std::size_t steps = std::min<std::size_t>(scaled(50'000), scaled(400'000'000) / slab.block_bytes());
    bool growing = true;
    for (std::size_t step = 0; step < steps; ++step) {
        if (blocks.size() == most) growing = false;
        if (blocks.size() == 0 || random.one_in(most)) growing = true;
        const bool add = blocks.size() == 0 || (blocks.size() < most && random.one_in(3) != growing);
        if (add) {
            if (used_in_chunk[chunk_of(slab, blocks.add())]++ == 0) ++full_or_part;
        } else {
            const std::size_t index = random.size_up_to(blocks.size() - 1);
            if (--used_in_chunk[chunk_of(slab, blocks[index])] == 0) --full_or_part;
            ASSERT_TRUE(blocks.release(index));
        }
        ASSERT_EQ(slab.used_blocks(), blocks.size());
        ASSERT_GE(slab.chunks(), full_or_part);
        ASSERT_LE(slab.chunks(), full_or_part + most_kept(slab)) << "too many empty chunks are kept";
    }
}

}  // namespace
}  // namespace pollux::test
