// Mailbox: the lock-free single-producer single-consumer ring from one thread to one reactor.
#include "mailbox.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace pollux {

namespace {

constexpr std::size_t smallest_capacity = 4096;
constexpr std::size_t largest_capacity = std::size_t{1} << 31;  // a payload's size has 32 bits

}  // namespace

Mailbox::Mailbox(std::size_t capacity)
    : capacity_(std::bit_ceil(std::clamp(capacity, smallest_capacity, largest_capacity))),
      release_step_(capacity_ / 8),
      memory_(static_cast<std::byte*>(::operator new (capacity_, std::align_val_t{line}))) {}

Mailbox::~Mailbox() {
    // Tasks that nobody ran own things.
    consume(std::numeric_limits<std::size_t>::max(), [](MailKind kind, std::uint64_t, MutableBytes payload) {
        if (kind == MailKind::task) static_cast<void>(take_task(payload));
    });
}

std::byte* Mailbox::reserve(MailKind kind, std::uint64_t target, std::size_t payload_bytes) noexcept {
    const std::size_t needed = ring_bytes(payload_bytes);
    const std::size_t to_end = capacity_ - static_cast<std::size_t>(written_ & (capacity_ - 1));
    const std::size_t padding = needed <= to_end ? 0 : to_end;
    if (written_ + padding + needed - known_tail_ > capacity_) {
        known_tail_ = tail_.load(std::memory_order_acquire);
        if (written_ + padding + needed - known_tail_ > capacity_) return nullptr;
    }
    std::uint64_t position = written_;
    if (padding != 0) {
        ::new (static_cast<void*>(at(position)))
            Record{0, static_cast<std::uint32_t>(padding - sizeof(Record)), MailKind::padding};
        position += padding;
    }
    ::new (static_cast<void*>(at(position))) Record{target, static_cast<std::uint32_t>(payload_bytes), kind};
    reserved_ = position + needed;
    return at(position) + sizeof(Record);
}

}  // namespace pollux
