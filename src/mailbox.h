// Mailbox: the lock-free single-producer single-consumer ring from one thread to one reactor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include <pollux/bytes.h>
#include <pollux/task.h>

#include "round_up.h"

namespace pollux {

/// What a record asks of the reactor.
enum class MailKind : std::uint16_t {
    padding,       ///< Fills the end of the ring.
    send,          ///< target: a ConnectionId; payload: bytes
    message,       ///< target: a ConnectionId; payload: a kind that its protocol knows, and bytes
    close,         ///< target: a ConnectionId
    abort,         ///< target: a ConnectionId
    datagram,      ///< target: a UdpSocketId; payload: an InetAddress, none for the peer, and bytes
    close_socket,  ///< target: a UdpSocketId
    abort_socket,  ///< target: a UdpSocketId
    broadcast,     ///< target: a server's number; payload: bytes
    task,          ///< payload: a Task
};

/// A ring of records of any size, each contiguous. Indices run free. The producer keeps a copy of the consumer's index
/// and reads the shared one only when the copy says full; the consumer reads the producer's once for a whole batch.
class Mailbox {
public:
    /// `capacity` is rounded up to a power of two.
    explicit Mailbox(std::size_t capacity);
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// The largest payload that `reserve` can ever give: half of the ring always becomes contiguous.
    [[nodiscard]] std::size_t max_payload() const noexcept { return capacity_ / 2 - sizeof(Record); }

    // Producer.

    /// Room for a payload, aligned to 16; null if the ring is full. Nothing is visible until `publish`.
    [[nodiscard]] std::byte* reserve(MailKind kind, std::uint64_t target, std::size_t payload_bytes) noexcept;

    /// Ends what was reserved; several records may be finished before one `publish`.
    void finish() noexcept { written_ = reserved_; }

    /// Makes what is finished visible. Ordered before the producer's next look at whether the consumer sleeps.
    void publish() noexcept { head_.store(written_, std::memory_order_seq_cst); }

    /// The producer's thread ends, or gives the mailbox up.
    void abandon_producer() noexcept { producer_gone_.store(true, std::memory_order_release); }

    /// True when nobody reads any more.
    [[nodiscard]] bool consumer_gone() const noexcept { return consumer_gone_.load(std::memory_order_acquire); }

    // Consumer.

    /// Calls `visit(kind, target, payload)` for records until `limit_bytes` of the ring were read, but only for what
    /// was published when it began, so that a producer as fast as the consumer cannot hold it for ever; returns whether
    /// there was anything. A task's visitor must leave it destroyed (see `take_task`).
    template <class Visit>
    bool consume(std::size_t limit_bytes, Visit&& visit) {
        const std::uint64_t start = tail_.load(std::memory_order_relaxed);
        const std::uint64_t known_head = head_.load(std::memory_order_acquire);
        std::uint64_t position = start;
        while (position != known_head && position - start < limit_bytes) {
            const auto* record = reinterpret_cast<const Record*>(at(position));
            const std::uint64_t next = position + record->bytes();
            if (record->kind != MailKind::padding) {
                visit(record->kind, record->target, MutableBytes{at(position) + sizeof(Record), record->payload_bytes});
            }
            position = next;
            // Room goes back in steps, so that a producer that waits for some does not wait for all.
            if (position - tail_.load(std::memory_order_relaxed) >= release_step_) {
                tail_.store(position, std::memory_order_release);
            }
        }
        tail_.store(position, std::memory_order_release);
        return position != start;
    }

    /// True if nothing is published. Consumer; ordered after its announcement that it is about to sleep.
    [[nodiscard]] bool empty() const noexcept {
        return head_.load(std::memory_order_seq_cst) == tail_.load(std::memory_order_relaxed);
    }

    [[nodiscard]] bool producer_gone() const noexcept { return producer_gone_.load(std::memory_order_acquire); }
    void abandon_consumer() noexcept { consumer_gone_.store(true, std::memory_order_release); }

    /// Moves a task out of the payload of a `MailKind::task` record and ends the one in the ring.
    [[nodiscard]] static Task take_task(MutableBytes payload) noexcept {
        auto* stored = std::launder(reinterpret_cast<Task*>(payload.data()));
        Task task = std::move(*stored);
        stored->~Task();
        return task;
    }

private:
    struct alignas(16) Record {
        std::uint64_t target;
        std::uint32_t payload_bytes;
        MailKind kind;

        /// What the record takes of the ring: header and payload, rounded up so that the next one is aligned.
        [[nodiscard]] std::size_t bytes() const noexcept { return ring_bytes(payload_bytes); }
    };
    static_assert(sizeof(Record) == 16);
    static constexpr std::size_t line = 64;

    [[nodiscard]] static constexpr std::size_t ring_bytes(std::size_t payload_bytes) noexcept {
        return round_up(sizeof(Record) + payload_bytes, alignof(Record));
    }

    [[nodiscard]] std::byte* at(std::uint64_t position) const noexcept {
        return memory_.get() + (position & (capacity_ - 1));
    }

    struct FreeMemory {
        void operator()(std::byte* memory) const noexcept { ::operator delete (memory, std::align_val_t{line}); }
    };

    std::size_t capacity_;
    std::size_t release_step_;
    std::unique_ptr<std::byte, FreeMemory> memory_;

    alignas(line) std::atomic<std::uint64_t> head_{0};  // the producer's line
    std::uint64_t reserved_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t known_tail_ = 0;

    alignas(line) std::atomic<std::uint64_t> tail_{0};  // the consumer's line

    alignas(line) std::atomic<bool> producer_gone_{false};
    std::atomic<bool> consumer_gone_{false};
};

}  // namespace pollux
