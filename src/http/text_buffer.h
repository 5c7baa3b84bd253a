// Text that is put together piece by piece.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace pollux::http {

/// Grows as needed and keeps what it has grown to, within reason.
class TextBuffer {
public:
    /// Makes it longer by `size` characters, for the caller to fill in; valid until the next call.
    [[nodiscard]] char* extend(std::size_t size) {
        if (size > capacity_ - size_) [[unlikely]]
            grow(size);
        return memory_.get() + std::exchange(size_, size_ + size);
    }

    void append(std::string_view text) {
        if (!text.empty()) std::memcpy(extend(text.size()), text.data(), text.size());
    }

    [[nodiscard]] std::string_view text() const noexcept { return {memory_.get(), size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    void clear() noexcept {
        size_ = 0;
        if (capacity_ <= kept_bytes) return;
        memory_.reset();
        capacity_ = 0;
    }

private:
    static constexpr std::size_t first_bytes = 512;
    static constexpr std::size_t kept_bytes = 64 * 1024;

    void grow(std::size_t size) {
        const std::size_t capacity = std::max({first_bytes, 2 * capacity_, size_ + size});
        auto memory = std::make_unique_for_overwrite<char[]>(capacity);
        if (size_ != 0) std::memcpy(memory.get(), memory_.get(), size_);
        memory_ = std::move(memory);
        capacity_ = capacity;
    }

    std::unique_ptr<char[]> memory_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace pollux::http
