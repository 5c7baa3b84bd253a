// A server's part on one reactor.
#include "server_shard.h"

#include <algorithm>
#include <utility>

#include "round_up.h"
#include "server_core.h"
#include "stream_connection.h"
#include "tls_context_core.h"

namespace pollux {

namespace {

/// Accepted in one go, so that a flood of new connections does not starve the old ones.
constexpr int accepts_per_event = 64;

constexpr std::chrono::milliseconds first_backoff{10};
constexpr std::chrono::milliseconds longest_backoff{1000};

}  // namespace

ServerShard::ServerShard(ServerBase::Core& server, ReactorCore& reactor)
    : ConnectionOwner(server.options().connection, Transport::tcp, &log_),
      server_(&server),
      reactor_(&reactor),
      log_(reactor.send_slab()),
      listener_(*this),
      slab_(nullptr),
      handler_offset_(round_up(sizeof(StreamConnection), server.factory().alignment)),
      backoff_timer_(*this) {}

std::uint64_t ServerShard::server_number() const noexcept {
    return server_->number();
}
ServerBase* ServerShard::server() const noexcept {
    return server_->handle();
}

// Active and inactive.

void ServerShard::begin(platform::NativeHandle listener, Transport transport) {
    keep_alive_ = server_->shared_from_this();
    const bool stopped_already = reactor_->stopping() || !server_->running();
    set_transport(transport);
    set_secure(static_cast<bool>(server_->options().tls));
    stopping_ = false;
    active_ = true;
    reactor_->add(*this);
    if (slab_ == nullptr) slab_ = &reactor_->slab_for(handler_offset_ + server_->factory().size);
    if (listener != platform::invalid_handle) {
        if (stopped_already || reactor_->poller().attach(listener_, listener)) {
            platform::close_handle(listener);
        } else {
            reactor_->poller().arm_receive(listener_);
        }
    }
    if (stopped_already) stop(false);
}

void ServerShard::stop(bool abort) {
    if (!active_) return;
    stopping_ = true;
    close_listener();
    close_all(abort);
    end_if_done();
}

void ServerShard::close_listener() {
    reactor_->timers().cancel(backoff_timer_);
    backoff_ = {};
    // A listener has no operation whose memory the system could still use after the turn but its own.
    static_cast<void>(reactor_->poller().close(listener_));
}

void ServerShard::close_all(bool abort) {
    const CloseReason reason = stopping_ ? CloseReason::shutdown
                               : abort   ? CloseReason::aborted
                                         : CloseReason::local_close;
    for (StreamConnection* connection = first_; connection != nullptr; connection = connection->next_of_owner) {
        if (abort) {
            connection->abort_with(reason);
        } else {
            connection->close_gracefully(reason);
        }
    }
}

void ServerShard::end_if_done() {
    if (!active_ || !stopping_ || first_ != nullptr || unreleased_ != 0) return;
    active_ = false;
    if (std::exchange(broadcasts_waiting_, false)) reactor_->remove_pending_broadcast();
    congested_.store(false, std::memory_order_relaxed);
    reactor_->remove(*this);
    const auto last_reference = std::move(keep_alive_);  // this may be the end of the core, and of this
    last_reference->shard_ended();
}

// Accepting.

void ServerShard::on_listener_event(std::uint32_t flags) {
    if (!active_ || stopping_) return;
    if ((flags & (platform::receivable | platform::failed)) != 0) accept_some();
}

void ServerShard::accept_some() {
    for (int i = 0; i < accepts_per_event; ++i) {
        platform::Accepted accepted;
        const platform::IoResult result = reactor_->poller().accept(listener_, accepted);
        switch (result.status) {
            case platform::IoStatus::done:
                backoff_ = {};
                place(accepted);
                if (stopping_) return;  // by the new connection's handler
                break;
            case platform::IoStatus::no_descriptors:
                descriptors_exhausted();
                return;
            case platform::IoStatus::would_block:
            case platform::IoStatus::end:
            case platform::IoStatus::failed:
                reactor_->poller().arm_receive(listener_);
                return;
        }
    }
    reactor_->poller().arm_receive(listener_);
}

/// No descriptor is left. The reserve lets one waiting client know instead of hanging; the others stay in the backlog
/// until one is free again. Trying at once would spin, since the socket stays ready.
void ServerShard::descriptors_exhausted() {
    platform::ReserveDescriptor& reserve = reactor_->reserve_descriptor();
    reserve.restore();  // another reactor's accept may have taken what was given up the last time
    if (reserve.release()) {
        platform::Accepted accepted;
        if (reactor_->poller().accept(listener_, accepted).status == platform::IoStatus::done) {
            platform::close_handle(accepted.handle);
            refused_.add(1);
        }
        reserve.restore();
    }
    reactor_->poller().disarm_receive(listener_);
    backoff_ = backoff_.count() == 0 ? first_backoff : std::min(2 * backoff_, longest_backoff);
    reactor_->timers().arm(backoff_timer_, reactor_->turn_time() + backoff_);
}

void ServerShard::resume_accepting() {
    reactor_->timers().cancel(backoff_timer_);
    if (!stopping_) reactor_->poller().arm_receive(listener_);
}

void ServerShard::place(const platform::Accepted& accepted) {
    if (!server_->deals()) {
        open(accepted);
        return;
    }
    // As a control task, not as mail: that would not wait for the other shard's beginning.
    ServerShard& target = server_->next_shard();
    server_->run_on(target, [&target, accepted] { target.open(accepted); });
}

void ServerShard::open(const platform::Accepted& accepted) {
    if (!active_ || stopping_ || !server_->admit()) {
        platform::close_handle(accepted.handle);
        refused_.add(1);
        return;
    }
    auto* memory = static_cast<std::byte*>(slab_->allocate());
    ConnectionHandler* handler = server_->factory().construct(memory + handler_offset_);
    auto* connection = ::new (static_cast<void*>(memory)) StreamConnection(*reactor_, *this, *handler);
    connection->next_of_owner = first_;
    if (first_ != nullptr) first_->previous_of_owner = connection;
    first_ = connection;
    if (const std::error_code error = reactor_->poller().attach(*connection, accepted.handle)) {
        platform::close_handle(accepted.handle);
        connection->finish(CloseReason::system_error, error);
        return;
    }
    accepted_.add(1);
    if (connection->establish(accepted.peer)) connection->begin();
}

SslPointer ServerShard::make_tls() {
    return server_->options().tls.core()->accept();
}

void ServerShard::on_connected(StreamConnection& /*connection*/) {}

void ServerShard::on_finished(StreamConnection& connection) {
    if (connection.failed_handshake()) handshakes_failed_.add(1);
    (connection.previous_of_owner != nullptr ? connection.previous_of_owner->next_of_owner : first_) =
        connection.next_of_owner;
    if (connection.next_of_owner != nullptr) {
        connection.next_of_owner->previous_of_owner = connection.previous_of_owner;
    }
    connection.handler().~ConnectionHandler();
    server_->leave();
    if (backoff_.count() != 0 && backoff_timer_.armed()) resume_accepting();
    // The memory waits for the end of the next turn; the shard must be there to take it back, so it ends then.
    ++unreleased_;
}

void ServerShard::on_released(StreamConnection& connection) {
    connection.~StreamConnection();
    slab_->release(&connection);
    --unreleased_;
    end_if_done();
}

// Broadcasting.

/// The high watermark would be passed: a matter of the slowest member, where the estimate does not know better.
void ServerShard::broadcast_much(Bytes bytes) {
    // Whoever broadcasts much in one turn must not make the log grow without bound.
    if (longest_lag() + bytes.size() > options().max_pending_bytes) flush_broadcasts();
    lay_down(bytes);
    if (server_->options().slow_consumer == SlowConsumer::wait) {
        find_slowest();
        if (longest_lag() >= options().high_watermark_bytes) congested_.store(true, std::memory_order_relaxed);
    }
}

/// Sends to every member that takes something, and with `SlowConsumer::close` gives up those that are too far behind.
void ServerShard::flush_broadcasts() {
    if (std::exchange(broadcasts_waiting_, false)) reactor_->remove_pending_broadcast();
    if (log_.members() > 1) reactor_->gather_records();
    const bool gives_up = server_->options().slow_consumer == SlowConsumer::close;
    for (StreamConnection* connection = first_; connection != nullptr; connection = connection->next_of_owner) {
        if (connection->broadcast_lag() == 0 || connection->phase() != ConnectionState::open) continue;
        connection->flush();
        if (gives_up && connection->pending() > options().max_pending_bytes) {
            connection->finish(CloseReason::slow_consumer, {});
        }
    }
    find_slowest();
}

void ServerShard::find_slowest() {
    std::size_t lag = 0;
    for (StreamConnection* connection = first_; connection != nullptr; connection = connection->next_of_owner) {
        lag = std::max(lag, connection->broadcast_lag());
    }
    slowest_ = log_.end() - lag;
}

void ServerShard::on_turn_end() {
    if (broadcasts_waiting_) {
        flush_broadcasts();
    } else if (congested()) {
        find_slowest();
    }
    if (!congested()) return;
    if (longest_lag() > options().low_watermark_bytes) return;
    congested_.store(false, std::memory_order_relaxed);
    if (server_->options().on_broadcast_drain) server_->options().on_broadcast_drain(*reactor_);
}

}  // namespace pollux
