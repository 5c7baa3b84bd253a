// The engine's side of a connection: its life, and what it receives.
#include "stream_connection.h"

#include <algorithm>
#include <array>

#include "cork_scope.h"
#include "reactor_core.h"
#include "stream_tls.h"

namespace pollux {

namespace {

/// An error code's category in two bits: this is the index.
const std::array<const std::error_category*, 4>& error_categories() noexcept {
    static const std::array<const std::error_category*, 4> categories{&platform::system_category(), &error_category(),
                                                                      &tls_category(), &certificate_category()};
    return categories;
}

}  // namespace

StreamConnection::StreamConnection(ReactorCore& reactor, ConnectionOwner& owner, ConnectionHandler& handler)
    : reactor_(&reactor), owner_(&owner), handler_(&handler) {
    Socket::tag = static_cast<std::uint8_t>(SocketKind::connection);
    TimerNode::kind = static_cast<std::uint8_t>(TimerKind::connection);
}

StreamConnection::~StreamConnection() {
    if (tls_ != nullptr) reactor_->destroy_tls(tls_);
}

// Establishing.

void StreamConnection::start_connecting(const SocketAddress& address, Time deadline) {
    const platform::IoResult result = reactor_->poller().connect(*this, address, owner_->options());
    if (result.status != platform::IoStatus::done) {
        const int error =
            result.status == platform::IoStatus::would_block ? platform::would_block_error() : result.error;
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

bool StreamConnection::establish(const InetAddress& peer) {
    peer_ = peer;
    id_ = reactor_->connections().insert(reactor_->position(), this);
    if (!id_) {
        finish(CloseReason::limit, {});
        return false;
    }
    reactor_->timers().cancel(*this);
    return true;
}

void StreamConnection::begin() {
    if (owner_->secure()) {
        start_handshake();
    } else {
        announce();
    }
}

void StreamConnection::announce() {
    state_ = ConnectionState::open;
    opened_ = true;
    opened_at_ = last_activity_ = reactor_->turn_time();
    reactor_->timers().cancel(*this);
    rearm_idle_timer();
    owner_->on_established(*this);
    join_broadcasts();
    const CorkScope scope{*this};  // its end arms the socket
    handler_->on_open(*this);
}

// Closing.

void StreamConnection::close_gracefully(CloseReason reason) {
    if (state_ < ConnectionState::open) {
        finish(reason, make_error_code(Errc::cancelled));
        return;
    }
    if (state_ != ConnectionState::open) return;
    if (protocol_ != nullptr && protocol_->on_close_asked(reason)) return;
    state_ = ConnectionState::closing;
    reactor_->cork().close_lane();
    reason_ = receive_closed_ ? CloseReason::peer_closed : reason;
    leave_broadcasts();
    if (state_ == ConnectionState::closed) return;
    send_closing_ = true;
    reactor_->timers().arm(*this, platform::Poller::now() + owner_->options().close_timeout);
    reactor_->mark_dirty(*this);
}

void StreamConnection::close_sending() {
    if (!accepts()) return;
    send_closing_ = true;
    reactor_->cork().close_lane();
    reactor_->mark_dirty(*this);
}

void StreamConnection::finish_sending() {
    if (tls_ != nullptr && !close_notify_sent()) return;
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
    finish(reason, state_ < ConnectionState::open ? make_error_code(Errc::cancelled) : std::error_code{});
}

void StreamConnection::finish(CloseReason reason, std::error_code error) {
    send_staged_first();  // it was accepted before, and may find that this is the end
    if (state_ == ConnectionState::closed) return;
    state_ = ConnectionState::closed;
    reason_ = reason;
    error_ = error.value();
    const auto& categories = error_categories();
    const auto category = std::find_if(categories.begin(), categories.end(),
                                       [&](const std::error_category* known) { return *known == error.category(); });
    error_category_ = static_cast<std::uint8_t>((category - categories.begin()) & 3);
    reactor_->timers().cancel(*this);
    Cork& cork = reactor_->cork();
    cork.close_lane();
    if (cork.owner() == this) static_cast<void>(cork.take());
    if (reactor_->record_cork().owner() == this) static_cast<void>(reactor_->record_cork().take());
    if (cursor_.attached()) owner_->log()->detach(cursor_);
    socket_released_ = reactor_->poller().close(*this);
    // The system may still send from the front of the queue until the socket is released.
    if (socket_released_) drop_queue();
    reactor_->mark_finished(*this);
}

void StreamConnection::drop_queue() {
    owner_->counters().bytes_pending.subtract(queue_.size());
    queue_.clear(reactor_->send_slab());
    if (tls_ != nullptr) drop_encrypted();
}

void StreamConnection::notify_closed() {
    if (opened_) {
        handler_->on_close(*this, reason_, close_error());
    } else if (failed_handshake() && owner_->is_server()) {
        handler_->on_handshake_error(*this, reason_, close_error());
    }
    if (id_) reactor_->connections().remove(id_);
}

std::error_code StreamConnection::close_error() const noexcept {
    if (error_ == 0) return {};
    return {error_, *error_categories()[error_category_]};
}

void StreamConnection::fail(int error) {
    finish(platform::is_connection_reset(error) ? CloseReason::peer_reset : CloseReason::system_error,
           platform::system_error(error));
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
        if (tls_ != nullptr) {
            encrypted_sent(sent);
        } else if (sent != 0) {
            consumed(sent);
        }
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
    if (state_ != ConnectionState::open) return false;  // a handshake goes on, and a closing peer's end must be seen
    return paused_ ||
           (*owner_->options().hold_receive_while_pending && sendable() > owner_->options().low_watermark_bytes);
}

void StreamConnection::update_receiving() {
    const bool begun = opened_ || state_ == ConnectionState::handshaking;
    if (receive_closed_ || !begun || state_ == ConnectionState::closed) return;
    if (receiving_held()) {
        reactor_->poller().disarm_receive(*this);
        return;
    }
    reactor_->poller().arm_receive(*this);
    if (tls_ != nullptr && tls_->has_unread()) reactor_->mark_dirty(*this);
}

void StreamConnection::receive() {
    if (receive_closed_) return;
    if (receiving_held()) {
        reactor_->poller().disarm_receive(*this);
        return;
    }
    if (owner_->secure() && state_ <= ConnectionState::open) {
        if (state_ == ConnectionState::handshaking && reactor_->handshake_budget_spent()) {
            reactor_->poller().arm_receive(*this);  // reported again in the next turn
        } else {
            receive_records();
        }
        return;
    }
    const MutableBytes buffer = reactor_->receive_buffer();
    const platform::IoResult result = reactor_->poller().receive(*this, buffer);
    switch (result.status) {
        case platform::IoStatus::done:
            last_activity_ = reactor_->turn_time();
            if (state_ == ConnectionState::closing) {
                update_receiving();
            } else {
                const CorkScope scope{*this};  // its end arms the socket again
                deliver(buffer.first(result.bytes));
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

void StreamConnection::deliver(Bytes data) {
    bytes_received_ += data.size();
    ++messages_received_;
    owner_->counters().bytes_received.add(data.size());
    owner_->counters().messages_received.add(1);
    handler_->on_data(*this, data);
}

/// The peer has finished sending: it half-closed the socket or, with TLS, sent close_notify.
void StreamConnection::received_end() {
    if (owner_->secure() && state_ <= ConnectionState::open && !take_tls_end()) {
        const bool opened = state_ == ConnectionState::open;
        finish(opened ? CloseReason::tls_truncated : CloseReason::peer_closed, make_error_code(Errc::closed_by_peer));
        return;
    }
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
        case ConnectionState::handshaking:
            finish(CloseReason::handshake_timeout, make_error_code(Errc::timed_out));
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
    if (const Cork& cork = reactor_->cork(); cork.owner() == this) counters.messages_sent += cork.lane_messages();
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
