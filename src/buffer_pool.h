// Buffers for what was received and cannot be used yet.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pollux {

/// Idle connections should own none, and busy ones should not ask the allocator each time. One thread.
class BufferPool {
public:
    using Buffer = std::unique_ptr<std::string>;

    /// An empty one.
    [[nodiscard]] Buffer take() {
        if (buffers_.empty()) return std::make_unique<std::string>();
        Buffer buffer = std::move(buffers_.back());
        buffers_.pop_back();
        kept_bytes_ -= buffer->capacity();
        return buffer;
    }

    /// What is more than a bound on them all goes back to the allocator.
    void give_back(Buffer buffer) noexcept {
        if (buffer == nullptr || buffers_.size() == max_kept) return;
        if (buffer->capacity() > max_kept_bytes - kept_bytes_) return;
        buffer->clear();
        kept_bytes_ += buffer->capacity();
        buffers_.push_back(std::move(buffer));
    }

private:
    static constexpr std::size_t max_kept = 64;
    static constexpr std::size_t max_kept_bytes = 4 * 1024 * 1024;

    std::vector<Buffer> buffers_;
    std::size_t kept_bytes_ = 0;
};

}  // namespace pollux
