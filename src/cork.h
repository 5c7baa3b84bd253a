// Cork: what one connection sends during its own callback, kept together for one call to the kernel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include <pollux/bytes.h>
#include <pollux/detail/message_lane.h>

namespace pollux {

class StreamConnection;

/// A reactor's one cork. It belongs to the connection whose callback runs, and is empty when none does. It holds twice
/// what a receive can carry, so that all the answers to one receive leave in one send.
class Cork {
public:
    explicit Cork(std::size_t capacity) : memory_(new std::byte[capacity]), capacity_(capacity) {
        lane_.next = base_ = memory_.get();
    }

    /// The connection that collects here now, or null.
    [[nodiscard]] const StreamConnection* owner() const noexcept { return owner_; }

    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(lane_.next - base_); }
    [[nodiscard]] bool fits(std::size_t bytes) const noexcept { return bytes <= room(); }

    /// `lane_bytes` is for `open_lane`.
    void begin(const StreamConnection& connection, std::size_t lane_bytes) noexcept {
        owner_ = &connection;
        lane_bytes_ = std::min(lane_bytes, size() + room());
        lane_.messages = 0;
        renew_budget();
    }
    void release() noexcept {
        owner_ = nullptr;
        close_lane();
    }

    void append(Bytes bytes) noexcept {
        std::memcpy(tail(), bytes.data(), bytes.size());
        grow(bytes.size());
    }

    /// The short way for many short messages: no call and nothing to ask, until the callback ends or something happens
    /// that has to be asked about. `sender` speaks for the cork's owner.
    [[nodiscard]] detail::MessageLane& lane() noexcept { return lane_; }
    void open_lane(const void* sender) noexcept {
        if (lane_bytes_ < detail::MessageLane::longest_bytes) return;
        lane_.owner = sender;
        lane_.last = base_ + (lane_bytes_ - detail::MessageLane::longest_bytes);
    }

    /// The owner is closing, or something waits that comes before what it sends.
    void close_lane() noexcept {
        lane_bytes_ = 0;
        lane_.owner = nullptr;
    }

    [[nodiscard]] std::uint64_t lane_messages() const noexcept { return lane_.messages; }

    /// Where the next bytes go, and that so many were laid down there.
    [[nodiscard]] std::byte* tail() noexcept { return lane_.next; }
    void grow(std::size_t bytes) noexcept { lane_.next += bytes; }

    /// What was collected; valid until the next `append`.
    [[nodiscard]] Bytes take() noexcept {
        const Bytes bytes{base_, size()};
        lane_.next = base_;
        return bytes;
    }

    /// What was collected stays where it is, until `unstage`; the next owner collects behind it.
    [[nodiscard]] Bytes stage() noexcept {
        const Bytes bytes{base_, size()};
        base_ = lane_.next;
        return bytes;
    }
    void unstage() noexcept { lane_.next = base_ = memory_.get(); }

    /// Whoever sends for as long as it is accepted must meet an end even when the peer reads as fast. So what goes
    /// straight to the kernel within a callback or, outside of connections' callbacks, a turn has a budget; past it,
    /// bytes wait for the end of the turn.
    void count_sent(std::size_t bytes) noexcept { sent_ += bytes; }
    void renew_budget() noexcept { sent_ = 0; }
    [[nodiscard]] bool budget_spent() const noexcept { return sent_ >= budget_bytes; }

private:
    static constexpr std::size_t budget_bytes = 4 * 1024 * 1024;

    [[nodiscard]] std::size_t room() const noexcept {
        return capacity_ - static_cast<std::size_t>(lane_.next - memory_.get());
    }

    const StreamConnection* owner_ = nullptr;
    std::unique_ptr<std::byte[]> memory_;
    std::byte* base_ = nullptr;
    std::size_t capacity_;
    std::size_t lane_bytes_ = 0;  // at most `capacity_`
    detail::MessageLane lane_;    // its `next` is the end of what is collected
    std::size_t sent_ = 0;
};

}  // namespace pollux
