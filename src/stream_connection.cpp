// The engine's side of a connection.
#include "stream_connection.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "reactor_core.h"

namespace pollux {

namespace {

/// From here on a copy costs more than a call of its own might save: the span goes straight to the kernel.
constexpr std::size_t direct_bytes = 16 * 1024;

bool is_reset(int error) noexcept {
    return error == ECONNRESET || error == EPIPE || error == ECONNABORTED;
}

}  // namespace

/// While a callback runs, what its connection sends collects in the cork; at the end it leaves in one call.
class StreamConnection::CorkScope {
public:
    explicit CorkScope(StreamConnection& connection) : connection_(connection) {
        connection.reactor_->cork().begin(connection);
    }
    ~CorkScope() {
        Cork& cork = connection_.reactor_->cork();
        if (cork.size() != 0) connection_.flush_cork();
        cork.end();
        if (connection_.state_ != ConnectionState::closed) connection_.after_flush();
    }
    CorkScope(const CorkScope&) = delete;
    CorkScope& operator=(const CorkScope&) = delete;

private:
    StreamConnection& connection_;
};

StreamConnection::StreamConnection(ReactorCore& reactor, ConnectionOwner& owner, ConnectionHandler& handler)
    : reactor_(&reactor), owner_(&owner), handler_(&handler) {
    Socket::tag = static_cast<std::uint8_t>(SocketKind::connection);
    TimerNode::kind = static_cast<std::uint8_t>(TimerKind::connection);
}

// Establishing.

void StreamConnection::start_connecting(const SocketAddress& address, Time deadline) {
    const platform::IoResult result = reactor_->poller().connect(*this, address, owner_->options());
    if (result.status != platform::IoStatus::done) {
        const int error = result.status == platform::IoStatus::would_block ? EAGAIN : result.error;
        finish(CloseReason::system_error, platform::system_error(error));
        return;
    }
    reactor_->timers().arm(*this, deadline);
}

void StreamConnection::finish_connecting() {
    if (const std::error_code error = reactor_->poller().finish_connect(*this)) {
        finish(CloseReason::system_error, error);
        return;
    }
    owner_->on_connected(*this);
}

bool StreamConnection::establish(const platform::PeerAddress& peer) {
    peer_ = peer;
    id_ = reactor_->connections().insert(reactor_->position(), this);
    if (!id_) {
        finish(CloseReason::limit, {});
        return false;
    }
    state_ = ConnectionState::open;
    opened_at_ = last_activity_ = reactor_->turn_time();
    reactor_->timers().cancel(*this);
    rearm_idle_timer();
    return true;
}

void StreamConnection::announce() {
    opened_ = true;
    if (BroadcastLog* log = owner_->log()) log->attach(cursor_);
    const CorkScope scope{*this};  // its end arms the socket
    handler_->on_open(*this);
}

// Sending.

std::size_t StreamConnection::pending() const noexcept {
    std::size_t bytes = queue_.size();
    if (cursor_.attached()) bytes += owner_->log()->lag(cursor_);
    if (reactor_->cork().owner() == this) bytes += reactor_->cork().size();
    return bytes;
}

Result StreamConnection::send_bytes(Bytes bytes) {
    if (!accepts()) return Result::closed;
    if (bytes.empty()) return Result::ok;
    const ConnectionOptions& options = owner_->options();
    const std::size_t waiting = pending();
    if (waiting >= options.high_watermark_bytes || waiting + bytes.size() > options.max_pending_bytes) {
        const Result result = refuse(bytes.size());
        if (result != Result::ok) return result;
    }
    accept(bytes);
    return state_ == ConnectionState::closed ? Result::closed : Result::ok;
}

Result StreamConnection::refuse(std::size_t size) {
    const ConnectionOptions& options = owner_->options();
    if (size > options.max_pending_bytes) return Result::too_large;
    // What is only in the cork may still go to the kernel now.
    Cork& cork = reactor_->cork();
    if (cork.owner() == this && cork.size() != 0 && queue_.empty()) {
        flush_cork();
        if (state_ == ConnectionState::closed) return Result::closed;
        const std::size_t waiting = pending();
        if (waiting < options.high_watermark_bytes && waiting + size <= options.max_pending_bytes) return Result::ok;
    }
    drain_wanted_ = true;
    return Result::would_block;
}

void StreamConnection::accept(Bytes bytes) {
    ++messages_sent_;
    owner_->counters().messages_sent.add(1);
    const bool nothing_waits = queue_.empty() && (!cursor_.attached() || owner_->log()->lag(cursor_) == 0);
    if (nothing_waits && reactor_->cork().owner() == this) {
        append_corked(bytes);
    } else if (nothing_waits && bytes.size() >= direct_bytes) {
        send_through(bytes);
    } else {
        settle_waiting();
        if (state_ == ConnectionState::closed) return;
        enqueue(bytes);
        reactor_->mark_dirty(*this);
    }
}

void StreamConnection::append_corked(Bytes bytes) {
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

void StreamConnection::flush_cork() {
    write_now(reactor_->cork().take(), {});
}

void StreamConnection::send_through(Bytes bytes) {
    Cork& cork = reactor_->cork();
    write_now(cork.owner() == this ? cork.take() : Bytes{}, bytes);
}

/// Hands two spans to the kernel, in this order; what it does not take is queued. The queue must be empty.
void StreamConnection::write_now(Bytes first, Bytes second) {
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
        bytes_sent_ += sent;
        owner_->counters().bytes_sent.add(sent);
        cork.count_sent(sent);
        if (sent != 0) last_activity_ = reactor_->turn_time();
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
    queue_.append(reactor_->send_slab(), bytes);
    owner_->counters().bytes_pending.add(bytes.size());
}

/// The kernel took less than it was given: it will say when it takes more.
void StreamConnection::block_sending() {
    blocked_ = true;
    std::array<Bytes, 1> front;
    if (queue_.peek(front) == 0 && cursor_.attached()) static_cast<void>(owner_->log()->peek(cursor_, front));
    reactor_->poller().arm_send(*this, front[0]);
}

/// Puts what is in the cork and what is still shared behind what is queued, in this order: it is the order they were
/// sent in, since nothing goes into the cork while a broadcast waits.
void StreamConnection::settle_waiting() {
    Cork& cork = reactor_->cork();
    if (cork.owner() == this && cork.size() != 0) flush_cork();
    if (!cursor_.attached()) return;
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

void StreamConnection::consumed(std::size_t count) {
    if (count == 0) return;
    bytes_sent_ += count;
    owner_->counters().bytes_sent.add(count);
    last_activity_ = reactor_->turn_time();
    const std::size_t of_queue = std::min(count, queue_.size());
    queue_.consume(reactor_->send_slab(), of_queue);
    owner_->counters().bytes_pending.subtract(of_queue);
    if (count != of_queue) owner_->log()->consume(cursor_, count - of_queue);
}

void StreamConnection::flush() {
    Cork& cork = reactor_->cork();
    if (cork.owner() == this && cork.size() != 0) flush_cork();
    if (state_ == ConnectionState::closed) return;
    // Before anything is sent: whoever saw the high watermark passed waits for `on_drain`, however much drains at once.
    if (pending() >= owner_->options().high_watermark_bytes) drain_wanted_ = true;
    while (!blocked_) {
        std::array<Bytes, platform::max_send_parts> parts;
        std::size_t count = queue_.peek(parts);
        if (cursor_.attached()) count += owner_->log()->peek(cursor_, std::span{parts}.subspan(count));
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
    after_flush();
}

/// Everything that waits for pending bytes to go down.
void StreamConnection::after_flush() {
    const std::size_t waiting = pending();
    if (drain_wanted_ && waiting <= owner_->options().low_watermark_bytes) reactor_->mark_drained(*this);
    if (waiting == 0 && send_closing_) finish_sending();
    if (state_ != ConnectionState::closed) update_receiving();
}

void StreamConnection::notify_drained() {
    if (!drain_wanted_ || state_ != ConnectionState::open || pending() > owner_->options().low_watermark_bytes) return;
    drain_wanted_ = false;
    const CorkScope scope{*this};
    handler_->on_drain(*this);
}

void StreamConnection::send_promised(Bytes bytes) {
    if (!accepts()) return;
    if (pending() + bytes.size() > owner_->options().max_pending_bytes) {
        finish(CloseReason::slow_consumer, {});
        return;
    }
    accept(bytes);
}

// Closing.

void StreamConnection::close_gracefully(CloseReason reason) {
    if (state_ == ConnectionState::connecting) {
        finish(reason, make_error_code(Errc::cancelled));
        return;
    }
    if (state_ != ConnectionState::open) return;
    state_ = ConnectionState::closing;
    reason_ = receive_closed_ ? CloseReason::peer_closed : reason;
    settle_waiting();
    if (state_ == ConnectionState::closed) return;
    if (BroadcastLog* log = owner_->log()) log->detach(cursor_);
    send_closing_ = true;
    reactor_->timers().arm(*this, platform::Poller::now() + owner_->options().close_timeout);
    reactor_->mark_dirty(*this);
}

void StreamConnection::close_sending() {
    if (!accepts()) return;
    send_closing_ = true;
    reactor_->mark_dirty(*this);
}

void StreamConnection::finish_sending() {
    if (!send_closed_) {
        send_closed_ = true;
        reactor_->poller().shutdown_send(*this);
    }
    if (state_ == ConnectionState::closing && receive_closed_) finish(reason_, {});
}

void StreamConnection::abort_with(CloseReason reason) {
    if (state_ == ConnectionState::closed) return;
    if (state_ != ConnectionState::connecting) reactor_->poller().reset_on_close(*this);
    reason_ = CloseReason::none;  // it overrides a graceful close under way
    finish(reason, state_ == ConnectionState::connecting ? make_error_code(Errc::cancelled) : std::error_code{});
}

void StreamConnection::finish(CloseReason reason, std::error_code error) {
    if (state_ == ConnectionState::closed) return;
    state_ = ConnectionState::closed;
    reason_ = reason;
    error_ = error.value();
    error_is_own_ = error && error.category() == error_category();
    reactor_->timers().cancel(*this);
    Cork& cork = reactor_->cork();
    if (cork.owner() == this) static_cast<void>(cork.take());
    if (BroadcastLog* log = owner_->log(); log != nullptr && cursor_.attached()) log->detach(cursor_);
    socket_released_ = reactor_->poller().close(*this);
    // The system may still send from the front of the queue until the socket is released.
    if (socket_released_) drop_queue();
    reactor_->mark_finished(*this);
}

void StreamConnection::drop_queue() {
    owner_->counters().bytes_pending.subtract(queue_.size());
    queue_.clear(reactor_->send_slab());
}

void StreamConnection::notify_closed() {
    if (opened_) handler_->on_close(*this, reason_, close_error());
    if (id_) reactor_->connections().remove(id_);
}

std::error_code StreamConnection::close_error() const noexcept {
    if (error_ == 0) return {};
    return error_is_own_ ? make_error_code(static_cast<Errc>(error_)) : platform::system_error(error_);
}

void StreamConnection::fail(int error) {
    finish(is_reset(error) ? CloseReason::peer_reset : CloseReason::system_error, platform::system_error(error));
}

// Receiving.

void StreamConnection::on_event(std::uint32_t flags, std::size_t sent) {
    if (state_ == ConnectionState::closed) {
        if ((flags & platform::released) != 0) {
            socket_released_ = true;
            drop_queue();
            reactor_->mark_released(*this);
        }
        return;
    }
    if (state_ == ConnectionState::connecting) {
        if ((flags & (platform::sendable | platform::failed)) != 0) finish_connecting();
        return;
    }
    if ((flags & platform::sendable) != 0) {
        blocked_ = false;
        if (sent != 0) consumed(sent);
        flush();
        if (state_ == ConnectionState::closed) return;
    }
    if ((flags & platform::receivable) != 0) {
        receive();
    } else if ((flags & platform::failed) != 0) {
        if (const int error = reactor_->poller().take_error(*this); error != 0) fail(error);
    }
}

bool StreamConnection::receiving_held() const noexcept {
    if (state_ == ConnectionState::closing) return false;  // the peer's end must be seen
    return paused_ ||
           (*owner_->options().hold_receive_while_pending && pending() > owner_->options().low_watermark_bytes);
}

void StreamConnection::update_receiving() {
    if (receive_closed_ || !opened_ || state_ == ConnectionState::closed) return;
    if (receiving_held()) {
        reactor_->poller().disarm_receive(*this);
    } else {
        reactor_->poller().arm_receive(*this);
    }
}

void StreamConnection::receive() {
    if (receive_closed_) return;
    if (receiving_held()) {
        reactor_->poller().disarm_receive(*this);
        return;
    }
    const MutableBytes buffer = reactor_->receive_buffer();
    const platform::IoResult result = reactor_->poller().receive(*this, buffer);
    switch (result.status) {
        case platform::IoStatus::done:
            last_activity_ = reactor_->turn_time();
            if (state_ == ConnectionState::closing) {
                update_receiving();
                return;
            }
            bytes_received_ += result.bytes;
            ++messages_received_;
            owner_->counters().bytes_received.add(result.bytes);
            owner_->counters().messages_received.add(1);
            {
                const CorkScope scope{*this};  // its end arms the socket again
                handler_->on_data(*this, buffer.first(result.bytes));
            }
            return;
        case platform::IoStatus::would_block:
            update_receiving();
            return;
        case platform::IoStatus::end:
            received_end();
            return;
        case platform::IoStatus::no_descriptors:
        case platform::IoStatus::failed:
            fail(result.error);
            return;
    }
}

void StreamConnection::received_end() {
    receive_closed_ = true;
    reactor_->poller().disarm_receive(*this);
    if (state_ == ConnectionState::open) {
        const CorkScope scope{*this};
        handler_->on_end(*this);
    } else if (send_closed_) {
        finish(reason_, {});
    }
}

void StreamConnection::pause() {
    paused_ = true;
    update_receiving();
}

void StreamConnection::resume() {
    paused_ = false;
    update_receiving();
}

// Time.

void StreamConnection::rearm_idle_timer() {
    const auto timeout = *owner_->options().idle_timeout;
    if (timeout.count() > 0) reactor_->timers().arm(*this, last_activity_ + timeout);
}

void StreamConnection::on_timer() {
    switch (state_) {
        case ConnectionState::connecting:
            finish(CloseReason::connect_timeout, make_error_code(Errc::timed_out));
            return;
        case ConnectionState::open:
            // Activity only notes its time; the timer is moved when it fires, not with every byte.
            if (reactor_->turn_time() - last_activity_ < *owner_->options().idle_timeout) {
                rearm_idle_timer();
            } else {
                finish(CloseReason::idle_timeout, {});
            }
            return;
        case ConnectionState::closing:
            // With nothing pending the close was complete on this side; the peer just never answered it.
            finish(pending() != 0 ? CloseReason::close_timeout : reason_, {});
            return;
        case ConnectionState::closed:
            return;
    }
}

// Facts.

ConnectionCounters StreamConnection::read_counters() const noexcept {
    ConnectionCounters counters;
    counters.bytes_received = bytes_received_;
    counters.bytes_sent = bytes_sent_;
    counters.messages_received = messages_received_;
    counters.messages_sent = messages_sent_;
    counters.bytes_pending = pending();
    if (opened_) counters.uptime = platform::Poller::now() - opened_at_;
    return counters;
}

SocketAddress StreamConnection::read_local_address() const {
    if (!Socket::is_open()) return {};
    return reactor_->poller().local_address(*this);
}

SocketAddress StreamConnection::read_peer_address() const {
    SocketAddress address;
    if (owner_->transport() == Transport::unix_domain) {
        if (Socket::is_open()) address = reactor_->poller().peer_address(*this);
        address.family = SocketAddress::Family::unix_domain;
        return address;
    }
    address.family = peer_.family;
    address.port = peer_.port;
    address.scope = peer_.scope;
    address.ip = peer_.ip;
    return address;
}

}  // namespace pollux
