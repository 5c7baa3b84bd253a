// A server's part on one reactor: its listening socket, its connections, its broadcasts.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include <pollux/server.h>

#include "backend.h"
#include "broadcast_log.h"
#include "connection_owner.h"
#include "reactor_core.h"

namespace pollux {

class ServerShard;

/// A listening socket that leads back to its shard.
struct ListenerSocket : platform::Socket {
    explicit ListenerSocket(ServerShard& owner) : shard(&owner) {
        tag = static_cast<std::uint8_t>(SocketKind::listener);
    }
    ServerShard* shard;
};

/// Lives as long as its server's core. Active from `begin` until it has stopped listening and its last connection is
/// gone; as long as that it keeps the core alive. Reactor thread only, unless said otherwise.
class ServerShard final : public ConnectionOwner, public ReactorMember {
public:
    ServerShard(ServerBase::Core& server, ReactorCore& reactor);
    ~ServerShard() = default;

    /// Becomes active. Takes over `listener`, which may be none if another shard deals connections to this one.
    void begin(platform::NativeHandle listener, Transport transport);

    /// Stops listening and ends every connection; inactive once they are gone.
    void stop(bool abort);

    void close_all(bool abort);

    [[nodiscard]] Result broadcast(Bytes bytes) {
        if (!active_ || stopping_) return Result::closed;
        if (bytes.size() > options().max_pending_bytes) return Result::too_large;
        if (congested()) return Result::would_block;
        broadcast_promised(bytes);
        return Result::ok;
    }

    /// A broadcast that another thread was promised delivery of.
    void broadcast_promised(Bytes bytes) {
        if (!active_ || stopping_ || bytes.empty() || log_.members() == 0) return;
        if (longest_lag() + bytes.size() < options().high_watermark_bytes) {
            lay_down(bytes);
        } else {
            broadcast_much(bytes);
        }
    }

    void on_listener_event(std::uint32_t flags);

    /// True while broadcasts from other threads should wait. Any thread.
    [[nodiscard]] bool congested() const noexcept { return congested_.load(std::memory_order_relaxed); }

    /// Figures beyond `counters()`. Any thread.
    [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_.get(); }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_.get(); }

    [[nodiscard]] ReactorCore& reactor() const noexcept { return *reactor_; }

    /// Accepted, and over before TLS was agreed on. Any thread.
    [[nodiscard]] std::uint64_t handshakes_failed() const noexcept { return handshakes_failed_.get(); }

    // ConnectionOwner
    [[nodiscard]] bool is_server() const noexcept override { return true; }
    [[nodiscard]] SslPointer make_tls() override;
    void on_established(StreamConnection& /*connection*/) override {}
    void on_connected(StreamConnection& connection) override;
    void on_finished(StreamConnection& connection) override;
    void on_released(StreamConnection& connection) override;
    [[nodiscard]] ServerBase* server() const noexcept override;

    // ReactorMember
    void on_reactor_stop() override { stop(false); }
    void on_member_timer() override { resume_accepting(); }
    void on_turn_end() override;
    [[nodiscard]] std::uint64_t server_number() const noexcept override;

private:
    void accept_some();
    void place(const platform::Accepted& accepted);
    void open(const platform::Accepted& accepted);
    void descriptors_exhausted();
    void resume_accepting();
    void close_listener();
    void end_if_done();

    [[nodiscard]] std::size_t longest_lag() const noexcept { return static_cast<std::size_t>(log_.end() - slowest_); }
    void lay_down(Bytes bytes) {
        reactor_->cork().close_lane();
        log_.append(bytes);
        counters().messages_sent.add(log_.members());
        if (!std::exchange(broadcasts_waiting_, true)) reactor_->add_pending_broadcast();
    }
    void broadcast_much(Bytes bytes);
    void flush_broadcasts();
    void find_slowest();

    ServerBase::Core* server_;
    ReactorCore* reactor_;
    std::shared_ptr<ServerBase::Core> keep_alive_;
    BroadcastLog log_;
    ListenerSocket listener_;
    Slab* slab_;
    std::size_t handler_offset_;
    StreamConnection* first_ = nullptr;
    std::size_t unreleased_ = 0;  // connections that are over but whose memory is still out
    MemberTimer backoff_timer_;
    std::chrono::milliseconds backoff_{0};  // 0: accepting
    std::uint64_t slowest_ = 0;             // no member stands before this position of the log
    bool broadcasts_waiting_ = false;       // something was laid down since the last flush
    bool active_ = false;
    bool stopping_ = false;
    std::atomic<bool> congested_{false};  // the slowest member is too far behind; written here, read by any thread
    Counter accepted_;
    Counter refused_;
    Counter handshakes_failed_;
};

}  // namespace pollux
