// Masking: the same as byte by byte, for every length, place and phase of the key.
#include "proto/ws/mask.h"

#include <string>
#include <string_view>
#include <vector>

#include "unit/ws_support.h"

namespace pollux::test {
namespace {

using ws::apply_mask;
using ws::Mask;

constexpr std::size_t cache_line = 64;

/// Memory of a known place within a cache line, with bytes around it that must stay.
class Place {
public:
    Place(std::size_t offset, std::size_t size) : bytes_(size + 3 * cache_line, guard), size_(size) {
        const auto misaligned = reinterpret_cast<std::uintptr_t>(bytes_.data()) % cache_line;
        begin_ = 2 * cache_line - misaligned + offset;
    }

    [[nodiscard]] MutableBytes bytes() { return MutableBytes{bytes_}.subspan(begin_, size_); }

    [[nodiscard]] bool intact() const {
        for (std::size_t i = 0; i < bytes_.size(); ++i) {
            if ((i < begin_ || i >= begin_ + size_) && bytes_[i] != guard) return false;
        }
        return true;
    }

private:
    static constexpr std::byte guard{0xa5};

    std::vector<std::byte> bytes_;
    std::size_t size_;
    std::size_t begin_;
};

void expect_masked(std::size_t size, std::size_t to_offset, std::size_t from_offset) {
    const std::string text = pattern(size, size);
    const std::string expected = masked(text);
    Place from{from_offset, size};
    Place to{to_offset, size};
    std::copy(text.begin(), text.end(), reinterpret_cast<char*>(from.bytes().data()));

    apply_mask(to.bytes().data(), from.bytes().data(), size, Mask{sample_mask});
    ASSERT_EQ(as_text(to.bytes()), expected) << size << " bytes from " << from_offset << " to " << to_offset;
    ASSERT_EQ(as_text(from.bytes()), text) << "the source is not written to";
    apply_mask(from.bytes(), Mask{sample_mask});
    ASSERT_EQ(as_text(from.bytes()), expected) << size << " bytes in place at " << from_offset;
    ASSERT_TRUE(from.intact() && to.intact()) << size << " bytes from " << from_offset << " to " << to_offset;
}

TEST(WsMaskTest, every_length_at_every_place) {
    for (std::size_t size = 0; size <= 300; ++size) {
        for (std::size_t offset = 0; offset < 16; ++offset) expect_masked(size, offset, 15 - offset);
    }
    for (const std::size_t size : Sizes{127, 128, 129, 4096, 65535, 65536, 65541}) {
        for (std::size_t offset = 0; offset < cache_line; offset += sanitized ? 13 : 1) {
            expect_masked(size, offset, cache_line - 1 - offset);
        }
    }
}

TEST(WsMaskTest, goes_on_anywhere) {
    for (const std::size_t size : Sizes{40, 500}) {
        const std::string text = pattern(7, size);
        const std::string expected = masked(text);
        for (std::size_t cut = 0; cut <= size; ++cut) {
            std::string bytes = text;
            const MutableBytes all = std::as_writable_bytes(std::span{bytes});
            apply_mask(all.first(cut), Mask{sample_mask});
            apply_mask(all.subspan(cut), Mask{sample_mask}.behind(cut));
            ASSERT_EQ(bytes, expected) << size << " bytes cut at " << cut;
        }
    }
}

TEST(WsMaskTest, twice_is_not_at_all) {
    Random random{6455};
    for (int round = 0; round < 200; ++round) {
        MaskKey key;
        for (std::byte& byte : key) byte = static_cast<std::byte>(random.up_to(255));
        const std::string text = pattern(random.up_to(1000), random.size_up_to(1000));
        std::string bytes = text;
        const MutableBytes all = std::as_writable_bytes(std::span{bytes});
        apply_mask(all, Mask{key});
        ASSERT_EQ(bytes, masked(text, key));
        apply_mask(all, Mask{key});
        ASSERT_EQ(bytes, text);
    }
}

TEST(WsMaskTest, the_example_of_the_rfc) {  // RFC 6455, 5.7
    std::string bytes = "\x7f\x9f\x4d\x51\x58";
    apply_mask(std::as_writable_bytes(std::span{bytes}), Mask{sample_mask});
    EXPECT_EQ(bytes, "Hello");
}

}  // namespace
}  // namespace pollux::test
