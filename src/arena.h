// Arena: small pieces of memory that are all given back at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace pollux {

/// Gives pieces of blocks. `reset` keeps the first block, so that who needs little each time stops allocating. One
/// thread.
class Arena {
public:
    Arena() = default;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    /// `size` bytes without alignment, valid until `reset`.
    [[nodiscard]] char* allocate(std::size_t size) {
        if (size > left_) add_block(size);
        left_ -= size;
        return std::exchange(next_, next_ + size);
    }

    [[nodiscard]] std::string_view copy(std::string_view text) {
        if (text.empty()) return {};
        char* bytes = allocate(text.size());
        std::memcpy(bytes, text.data(), text.size());
        return {bytes, text.size()};
    }

    [[nodiscard]] std::string_view join(std::string_view first, std::string_view second) {
        char* bytes = allocate(first.size() + second.size());
        first.copy(bytes, first.size());
        second.copy(bytes + first.size(), second.size());
        return {bytes, first.size() + second.size()};
    }

    void reset() noexcept {
        if (blocks_.empty()) return;
        blocks_.resize(1);
        next_ = blocks_.front().get();
        left_ = first_block_bytes;
    }

private:
    static constexpr std::size_t first_block_bytes = 2048;

    void add_block(std::size_t size) {
        const std::size_t bytes =
            blocks_.empty() && size <= first_block_bytes ? first_block_bytes : std::max(size, 2 * first_block_bytes);
        // The first block always has the same size: it is what `reset` keeps.
        if (blocks_.empty() && bytes != first_block_bytes) {
            blocks_.push_back(std::make_unique_for_overwrite<char[]>(first_block_bytes));
        }
        blocks_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
        next_ = blocks_.back().get();
        left_ = bytes;
    }

    std::vector<std::unique_ptr<char[]>> blocks_;
    char* next_ = nullptr;
    std::size_t left_ = 0;
};

}  // namespace pollux
