// Buffers for what was received and cannot be used yet.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace pollux {

/// Idle connections should own none, and busy ones should not ask the allocator each time. One thread.
class BufferPool {
public:
    using Buffer = std::unique_ptr<std::string>;

    static constexpr std::size_t max_kept = 64;
    static constexpr std::size_t max_kept_bytes = 4 * 1024 * 1024;

    /// An empty one.
    [[nodiscard]] Buffer take() {
        if (kept_ == 0) return std::make_unique<std::string>();
        Buffer buffer = std::move(buffers_[--kept_]);
        kept_bytes_ -= buffer->capacity();
        return buffer;
    }

    /// What is more than a bound on them all goes back to the allocator.
    void give_back(Buffer buffer) noexcept {
        if (buffer == nullptr || kept_ == max_kept) return;
        if (buffer->capacity() > max_kept_bytes - kept_bytes_) return;
        buffer->clear();
        kept_bytes_ += buffer->capacity();
        buffers_[kept_++] = std::move(buffer);
    }

private:
    std::array<Buffer, max_kept> buffers_;
    std::size_t kept_ = 0;
    std::size_t kept_bytes_ = 0;
};

}  // namespace pollux
