// The sending side of a connection.
#include <algorithm>
#include <array>

#include "cork_scope.h"
#include "reactor_core.h"
#include "stream_connection.h"
#include "stream_tls.h"

namespace pollux {

namespace {

/// From here on a copy costs more than a call of its own might save: the span goes straight to the kernel.
constexpr std::size_t direct_bytes = 16 * 1024;

}  // namespace

std::size_t StreamConnection::own_pending() const noexcept {
    std::size_t bytes = queue_.size();
    if (tls_ != nullptr) bytes += encrypted_bytes();
    if (reactor_->cork().owner() == this) bytes += reactor_->cork().size();
    if (staged_) bytes += reactor_->staged().bytes_of(*this);
    return bytes;
}

std::size_t StreamConnection::pending() const noexcept {
    return own_pending() + broadcast_lag();
}

Result StreamConnection::send_parts(Bytes first, Bytes second) {
    if (!accepts()) return Result::closed;
    if (first.empty() && second.empty()) return Result::ok;
    if (const Result result = admit(first.size() + second.size()); result != Result::ok) return result;
    send_admitted(first, second);
    return state_ == ConnectionState::closed ? Result::closed : Result::ok;
}

Result StreamConnection::admit(std::size_t size) {
    if (!accepts()) return Result::closed;
    const ConnectionOptions& options = owner_->options();
    const std::size_t waiting = sendable();
    const bool room = waiting < options.high_watermark_bytes && waiting + size <= options.max_pending_bytes;
    return room ? Result::ok : refuse(size);
}

Result StreamConnection::refuse(std::size_t size) {
    const ConnectionOptions& options = owner_->options();
    if (size > options.max_pending_bytes) return Result::too_large;
    // What is only in the cork may still go to the kernel now.
    Cork& cork = reactor_->cork();
    if (cork.owner() == this && cork.size() != 0 && queue_.empty()) {
        flush_cork();
        if (state_ == ConnectionState::closed) return Result::closed;
        const std::size_t waiting = sendable();
        if (waiting < options.high_watermark_bytes && waiting + size <= options.max_pending_bytes) return Result::ok;
    }
    drain_wanted_ = true;
    return Result::would_block;
}

void StreamConnection::want_drain() {
    drain_wanted_ = true;
    if (drain_due(sendable())) reactor_->mark_drained(*this);
}

std::byte* StreamConnection::reserve(std::size_t size) {
    Cork& cork = reactor_->cork();
    if (cork.owner() != this || !nothing_waits() || !accepts()) return nullptr;
    const std::size_t waiting = tls_ == nullptr ? cork.size() : own_pending();
    const ConnectionOptions& options = owner_->options();
    if (waiting >= options.high_watermark_bytes || waiting + size > options.max_pending_bytes) return nullptr;
    const bool fits = tls_ == nullptr ? cork.fits(size) : cork.size() + size < TlsSession::max_record_bytes;
    return fits ? cork.tail() : nullptr;
}

void StreamConnection::commit(std::size_t size) {
    count_messages(1);
    reactor_->cork().grow(size);
}

void StreamConnection::count_messages(std::uint64_t count) {
    messages_sent_ += count;
    owner_->counters().messages_sent.add(count);
}

/// At the end of its callback.
void StreamConnection::count_lane_messages() {
    const std::uint64_t messages = reactor_->cork().lane_messages();
    if (messages != 0) count_messages(messages);
}

/// Below that, no message is refused or leaves early.
std::size_t StreamConnection::unquestioned_bytes() const noexcept {
    const ConnectionOptions& options = owner_->options();
    return std::min(options.high_watermark_bytes, options.max_pending_bytes);
}

/// How much of the cork may be filled in this callback without asking.
std::size_t StreamConnection::lane_bytes() const noexcept {
    if (!nothing_waits() || !accepts()) return 0;
    if (tls_ == nullptr) return unquestioned_bytes();
    return has_room_for_record() ? TlsSession::max_record_bytes : 0;
}

void StreamConnection::send_admitted(Bytes first, Bytes second) {
    count_messages(1);
    accept(first);
    if (!second.empty() && state_ != ConnectionState::closed) accept(second);
}

void StreamConnection::accept(Bytes bytes) {
    send_staged_first();
    if (state_ == ConnectionState::closed) return;
    const bool straight = nothing_waits();
    if (straight && reactor_->cork().owner() == this) {
        append_corked(bytes);
    } else if (straight && bytes.size() >= direct_bytes) {
        send_through(bytes);
    } else {
        settle_waiting();
        if (state_ == ConnectionState::closed) return;
        enqueue(bytes);
        reactor_->mark_dirty(*this);
    }
}

void StreamConnection::append_corked(Bytes bytes) {
    if (tls_ != nullptr) {
        append_records(bytes);
        return;
    }
    Cork& cork = reactor_->cork();
    if (bytes.size() >= direct_bytes) {
        send_through(bytes);
        return;
    }
    if (!cork.fits(bytes.size())) {
        flush_cork();
        if (state_ == ConnectionState::closed) return;
        if (!queue_.empty()) {
            enqueue(bytes);
            return;
        }
    }
    cork.append(bytes);
}

/// At the end of its callback: leaves what it has sent in the cork, for a while. False if that is to be sent now.
bool StreamConnection::stage() {
    Cork& cork = reactor_->cork();
    if (tls_ != nullptr || cork.size() == 0 || blocked_ || !nothing_waits() || state_ != ConnectionState::open)
        return false;
    if (!reactor_->staged().add(*this)) return false;
    staged_ = true;
    cork.release();
    reactor_->staged().send_if_due();
    return true;
}

/// Before anything else is done with it.
void StreamConnection::send_staged_first() {
    if (staged_) [[unlikely]]
        reactor_->staged().send(*this);
}

void StreamConnection::send_staged(Bytes bytes) {
    staged_ = false;
    write_now(bytes, {});
    if (state_ != ConnectionState::closed) after_flush();
}

void StreamConnection::flush_cork() {
    write_now(reactor_->cork().take(), {});
}

void StreamConnection::send_through(Bytes bytes) {
    Cork& cork = reactor_->cork();
    write_now(cork.owner() == this ? cork.take() : Bytes{}, bytes);
}

/// Hands two spans to the kernel, in this order; what it does not take is queued. The queue must be empty.
void StreamConnection::write_now(Bytes first, Bytes second) {
    if (tls_ != nullptr) {
        write_records(first);
        if (state_ != ConnectionState::closed) write_records(second);
        return;
    }
    Cork& cork = reactor_->cork();
    std::size_t sent = 0;
    if (!blocked_ && !cork.budget_spent()) {
        platform::IoResult result;
        if (first.empty() || second.empty()) {
            result = reactor_->poller().send(*this, first.empty() ? second : first);
        } else {
            result = reactor_->poller().send(*this, std::array{first, second});
        }
        if (result.status == platform::IoStatus::failed) {
            fail(result.error);
            return;
        }
        sent = result.bytes;
        count_sent(sent);
        cork.count_sent(sent);
        if (sent == first.size() + second.size()) return;
        blocked_ = true;
    }
    const std::size_t of_first = std::min(sent, first.size());
    enqueue(first.subspan(of_first));
    enqueue(second.subspan(sent - of_first));
    if (blocked_) {
        block_sending();
    } else {
        reactor_->mark_dirty(*this);
    }
}

void StreamConnection::enqueue(Bytes bytes) {
    reactor_->cork().close_lane();
    queue_.append(reactor_->send_slab(), bytes);
    owner_->counters().bytes_pending.add(bytes.size());
}

/// The kernel took less than it was given: it will say when it takes more.
void StreamConnection::block_sending() {
    blocked_ = true;
    std::array<Bytes, 1> front;
    if (tls_ != nullptr) {
        static_cast<void>(tls_->encrypted.peek(front));
    } else {
        static_cast<void>(peek_sendable(front));
    }
    reactor_->poller().arm_send(*this, front[0]);
}

/// Puts what is in the cork and what is still shared behind what is queued, in this order: it is the order they were
/// sent in, since nothing goes into the cork while a broadcast waits.
void StreamConnection::settle_waiting() {
    send_staged_first();
    Cork& cork = reactor_->cork();
    if (cork.owner() == this && cork.size() != 0) flush_cork();
    if (sendable_lag() == 0) return;
    BroadcastLog& log = *owner_->log();
    std::array<Bytes, platform::max_send_parts> parts;
    while (log.lag(cursor_) != 0) {
        const std::size_t count = log.peek(cursor_, parts);
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < count; ++i) {
            enqueue(parts[i]);
            bytes += parts[i].size();
        }
        log.consume(cursor_, bytes);
    }
}

void StreamConnection::count_sent(std::size_t count) {
    if (count == 0) return;
    bytes_sent_ += count;
    owner_->counters().bytes_sent.add(count);
    last_activity_ = reactor_->turn_time();
}

/// The front of what waits was sent or, with TLS, encrypted.
void StreamConnection::consumed(std::size_t count) {
    count_sent(count);
    const std::size_t of_queue = std::min(count, queue_.size());
    queue_.consume(reactor_->send_slab(), of_queue);
    owner_->counters().bytes_pending.subtract(of_queue);
    if (count != of_queue) owner_->log()->consume(cursor_, count - of_queue);
}

void StreamConnection::flush() {
    send_staged_first();
    Cork& cork = reactor_->cork();
    if (cork.owner() == this && cork.size() != 0) flush_cork();
    if (state_ == ConnectionState::closed) return;
    // Before anything is sent: whoever saw the high watermark passed waits for `on_drain`, however much drains at once.
    if (sendable() >= owner_->options().high_watermark_bytes) drain_wanted_ = true;
    if (tls_ != nullptr) {
        flush_records();
    } else {
        flush_plain();
    }
    if (state_ != ConnectionState::closed) after_flush();
}

void StreamConnection::end_turn() {
    flush();
    if (tls_ != nullptr) receive_unread();
}

void StreamConnection::flush_plain() {
    while (!blocked_) {
        std::array<Bytes, platform::max_send_parts> parts;
        const std::size_t count = peek_sendable(parts);
        if (count == 0) break;
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < count; ++i) bytes += parts[i].size();
        const platform::IoResult result =
            count == 1 ? reactor_->poller().send(*this, parts[0])
                       : reactor_->poller().send(*this, std::span<const Bytes>{parts}.first(count));
        if (result.status == platform::IoStatus::failed) {
            fail(result.error);
            return;
        }
        consumed(result.bytes);
        if (result.bytes < bytes) block_sending();
    }
}

/// Everything that waits for pending bytes to go down.
void StreamConnection::after_flush() {
    const std::size_t waiting = sendable();
    if (drain_due(waiting)) reactor_->mark_drained(*this);
    if (waiting == 0 && send_closing_) finish_sending();
    if (state_ != ConnectionState::closed) update_receiving();
}

bool StreamConnection::drain_due(std::size_t waiting) const noexcept {
    if (file_waits_) return waiting == 0 && !blocked_;
    return drain_wanted_ && waiting <= owner_->options().low_watermark_bytes;
}

void StreamConnection::notify_drained() {
    if (state_ != ConnectionState::open || !drain_due(sendable())) return;
    drain_wanted_ = file_waits_ = false;
    const CorkScope scope{*this};
    handler_->on_drain(*this);
}

StreamConnection::FileSent StreamConnection::send_file(platform::NativeHandle file, std::uint64_t offset,
                                                       std::size_t count) {
    using Outcome = FileSent::Outcome;
    if (!accepts()) return {};
    if (tls_ != nullptr) return {Outcome::unsupported};
    send_staged_first();
    Cork& cork = reactor_->cork();
    if (cork.owner() == this && cork.size() != 0) flush_cork();
    if (state_ == ConnectionState::closed) return {};
    if (blocked_ || sendable() != 0) {
        file_waits_ = true;
        return {Outcome::would_block};
    }
    if (cork.budget_spent()) {
        file_waits_ = true;
        reactor_->mark_dirty(*this);
        return {Outcome::would_block};
    }
    const platform::IoResult result = reactor_->poller().send_file(*this, file, offset, count);
    switch (result.status) {
        case platform::IoStatus::done:
            count_sent(result.bytes);
            cork.count_sent(result.bytes);
            return {Outcome::sent, result.bytes};
        case platform::IoStatus::would_block:
            file_waits_ = true;
            blocked_ = true;
            reactor_->poller().arm_send(*this, {});
            return {Outcome::would_block};
        case platform::IoStatus::end:
            return {Outcome::ended};
        case platform::IoStatus::no_descriptors:
        case platform::IoStatus::failed:
            break;
    }
    // The file's fault or the socket's: if it is the socket's, sending what was read tells so.
    return {Outcome::unsupported};
}

void StreamConnection::send_promised(Bytes bytes) {
    if (!accepts()) return;
    if (pending() + bytes.size() > owner_->options().max_pending_bytes) {
        finish(CloseReason::slow_consumer, {});
        return;
    }
    send_admitted(bytes, {});
}

// Broadcasts.

void StreamConnection::join_broadcasts() {
    if (BroadcastLog* log = owner_->log(); log != nullptr && !cursor_.attached()) log->attach(cursor_);
}

void StreamConnection::leave_broadcasts() {
    settle_waiting();
    broadcasts_held_ = false;
    if (state_ != ConnectionState::closed && cursor_.attached()) owner_->log()->detach(cursor_);
}

void StreamConnection::hold_broadcasts(bool held) {
    if (held == broadcasts_held_) return;
    reactor_->cork().close_lane();
    if (held) settle_waiting();
    broadcasts_held_ = held;
    if (!held && broadcast_lag() != 0) reactor_->mark_dirty(*this);
}

/// The front of what may be sent now: what is queued, and broadcasts behind it.
std::size_t StreamConnection::peek_sendable(std::span<Bytes> parts) const noexcept {
    std::size_t count = queue_.peek(parts);
    if (cursor_.attached() && !broadcasts_held_) count += owner_->log()->peek(cursor_, parts.subspan(count));
    return count;
}

}  // namespace pollux
