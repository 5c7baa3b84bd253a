// The engine's side of a reactor: the loop and what it owns.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <pollux/engine.h>
#include <pollux/reactor.h>

#include "backend.h"
#include "control_queue.h"
#include "cork.h"
#include "datagram_io.h"
#include "mailbox.h"
#include "platform/sockets.h"
#include "proto/tls_session.h"
#include "slab.h"
#include "slot_table.h"
#include "staged_sends.h"
#include "timer_wheel.h"

namespace pollux {

class ReactorMember;
class ServerShard;
class StreamConnection;
class UdpShard;
struct TlsStream;

/// What embeds a timer node, in `TimerNode::kind`.
enum class TimerKind : std::uint8_t { user, connection, member, stop };

/// What embeds a socket, in `Socket::tag`.
enum class SocketKind : std::uint8_t { connection, listener, datagram };

/// One loop. Functions are for its own thread unless they say otherwise.
///
/// A turn: wait; dispatch events; run control tasks and mail; call `on_drain` where it is due; fire timers; hand what
/// collected to the kernel; call `on_close` of what ended and free what ended the turn before. Every list below is
/// consumed once a turn, before memory is freed, so none can hold a dangling pointer.
class ReactorCore final : public Reactor {
public:
    using Time = std::chrono::steady_clock::time_point;

    ReactorCore(Engine& engine, const EngineOptions& options, std::size_t index);
    ~ReactorCore();

    [[nodiscard]] std::error_code open() { return poller_.open(); }

    /// The body of the reactor's thread: turns until it was asked to stop and everything is closed.
    void run();

    /// One turn on the calling thread, for an engine that was not started. Waits at most a moment.
    void lend_turn();

    // From any thread.

    /// Asks to stop. Safe in a signal handler.
    void request_stop() noexcept;

    Result post_task(Task&& task);

    /// Runs a task on this reactor's thread whatever its mailboxes hold, after the mail its caller sent before. Never
    /// refused: on a reactor that has ended, it runs at once on the calling thread.
    void control(Task&& task);

    /// Writes one record into the calling thread's mailbox. `fill` gets the payload to fill.
    template <class Fill>
    Result mail(MailKind kind, std::uint64_t target, std::size_t payload_bytes, Fill&& fill) {
        if (ended_.load(std::memory_order_acquire)) return Result::closed;
        Mailbox* box = mailbox();
        if (box == nullptr) return Result::closed;
        if (payload_bytes > box->max_payload()) return Result::too_large;
        std::byte* payload = box->reserve(kind, target, payload_bytes);
        if (payload == nullptr) return Result::would_block;
        fill(payload);
        box->finish();
        box->publish();
        wake_if_asleep();
        return Result::ok;
    }

    /// True if the calling thread's mailbox has room for such a payload now. Only that thread can make it untrue.
    [[nodiscard]] Result can_mail(std::size_t payload_bytes);

    [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
    [[nodiscard]] std::size_t position() const noexcept { return index_; }
    [[nodiscard]] Engine& owner() const noexcept { return *engine_; }
    [[nodiscard]] static ReactorCore* on_this_thread() noexcept;

    // On its own thread.

    [[nodiscard]] platform::Poller& poller() noexcept { return poller_; }
    [[nodiscard]] TimerWheel& timers() noexcept { return timers_; }
    [[nodiscard]] ConnectionTable& connections() noexcept { return connections_; }
    [[nodiscard]] const ConnectionTable& connections() const noexcept { return connections_; }
    [[nodiscard]] UdpTable& udp_sockets() noexcept { return udp_sockets_; }
    [[nodiscard]] const UdpTable& udp_sockets() const noexcept { return udp_sockets_; }
    [[nodiscard]] Slab& send_slab() noexcept { return send_slab_; }
    [[nodiscard]] Cork& cork() noexcept { return cork_; }
    [[nodiscard]] StagedSends& staged() noexcept { return staged_; }

    /// Collects the records that one connection makes, where that is worth a copy.
    [[nodiscard]] Cork& record_cork() noexcept { return record_cork_; }

    /// True if several connections are busy in this turn: then records are better sent several at a time, to save
    /// calls. One that is alone sends each as soon as it is full: its peer decrypts it while the next is made.
    [[nodiscard]] bool gathers_records() const noexcept { return gathers_records_; }
    void gather_records() noexcept { gathers_records_ = true; }
    [[nodiscard]] MutableBytes receive_buffer() noexcept { return {receive_buffer_.get(), receive_buffer_bytes_}; }

    /// A connection's TLS, and what is put together for a record.
    [[nodiscard]] TlsStream* create_tls(StreamConnection& connection, SslPointer ssl);
    void destroy_tls(TlsStream* tls) noexcept;
    [[nodiscard]] MutableBytes record_buffer() noexcept;

    /// It is about to read or write records, for which OpenSSL needs buffers of 33 KiB. Who did last keeps them until
    /// somebody else does: then they go back to the allocator, which hands the same memory on. So idle connections own
    /// none, one that talks all the time takes them once, and many share what is in the cache already.
    void use_tls_buffers(TlsStream& tls) noexcept;

    /// Handshakes take long, so a turn has a bound on them: everybody else comes first again.
    [[nodiscard]] bool handshake_budget_spent() const noexcept { return handshake_time_ >= handshake_budget; }
    void count_handshake(std::chrono::nanoseconds time) noexcept { handshake_time_ += time; }
    [[nodiscard]] platform::ReserveDescriptor& reserve_descriptor() noexcept { return reserve_; }
    [[nodiscard]] Time turn_time() const noexcept { return now_; }
    [[nodiscard]] bool stopping() const noexcept { return stopping_; }

    /// What UDP sockets share; made on first use.
    [[nodiscard]] DatagramIo& datagrams();

    /// The reactor's one `T`, which a part of the library keeps for all its connections here; made on first use.
    template <class T>
    [[nodiscard]] T& local() {
        static char key;
        for (const Local& local : locals_) {
            if (local.key == &key) return *static_cast<T*>(local.object.get());
        }
        return *static_cast<T*>(locals_.emplace_back(&key, std::make_shared<T>()).object.get());
    }

    /// The slab for blocks of that size; made on first use.
    [[nodiscard]] Slab& slab_for(std::size_t bytes);

    /// It has something to hand to the kernel at the end of this turn.
    void mark_dirty(StreamConnection& connection);

    /// It has something to do at the end of this turn: to hand to the kernel, to tell, or to close.
    void mark_dirty(UdpShard& socket);

    /// Its `on_drain` is due.
    void mark_drained(StreamConnection& connection);

    /// It is over; `on_close` is called in this turn.
    void mark_finished(StreamConnection& connection) { finished_.push_back(&connection); }

    /// The socket of a finished connection came back from the system.
    void mark_released(StreamConnection& connection) { releasable_.push_back(&connection); }

    /// Servers and clients that are active here; stopping the reactor stops them.
    void add(ReactorMember& member) { members_.push_back(&member); }
    void remove(ReactorMember& member) noexcept;

    /// A broadcast was laid down that is to be sent at the end of a turn.
    void add_pending_broadcast() noexcept { ++pending_broadcasts_; }
    void remove_pending_broadcast() noexcept { --pending_broadcasts_; }

    /// The active part of a server, or null.
    [[nodiscard]] ServerShard* find_shard(std::uint64_t server) const noexcept;

private:
    class CurrentScope;

    struct Local {
        const void* key;
        std::shared_ptr<void> object;
    };

    static constexpr std::chrono::microseconds handshake_budget{500};

    void turn(std::chrono::nanoseconds longest_wait);
    [[nodiscard]] std::chrono::nanoseconds time_to_wait();
    std::size_t wait(std::chrono::nanoseconds longest_wait);
    [[nodiscard]] bool fall_asleep() noexcept;
    [[nodiscard]] bool has_work() const noexcept;
    void wake_if_asleep() noexcept;

    void dispatch_event(const platform::Event<platform::Socket>& event);
    void run_control();
    bool read_mail(std::size_t limit_bytes);
    void handle_mail(MailKind kind, std::uint64_t target, MutableBytes payload);
    void notify_drained();
    void fire_timers();
    void fire(TimerWheel::Node& node);
    void end_turn();
    void end_turn_of_sockets();
    void finish_connections();

    void begin_stop();
    void abort_everything();
    void end();

    /// The calling thread's mailbox for this reactor, made on first use; null if the thread is ending.
    [[nodiscard]] Mailbox* mailbox();
    [[nodiscard]] Mailbox* add_mailbox();

    // What the loop touches in every turn comes first.
    platform::Poller poller_;
    TimerWheel timers_;
    Time now_;
    Time last_event_{};
    std::chrono::nanoseconds spin_;
    Cork cork_;
    StagedSends staged_{cork_};
    Cork record_cork_;
    bool gathers_records_ = false;
    std::unique_ptr<std::byte[]> receive_buffer_;
    std::size_t receive_buffer_bytes_;
    std::unique_ptr<std::byte[]> record_memory_;  // made on first use
    std::chrono::nanoseconds handshake_time_{0};  // of this turn
    std::vector<StreamConnection*> dirty_;
    std::vector<StreamConnection*> drained_;
    std::vector<StreamConnection*> finished_;
    std::vector<StreamConnection*> releasable_;
    UdpShard* first_dirty_socket_ = nullptr;
    UdpShard** last_dirty_link_ = &first_dirty_socket_;
    std::vector<StreamConnection*> scratch_;  // a list being consumed while its successor fills
    std::vector<std::shared_ptr<Mailbox>> mailboxes_;
    std::vector<ReactorMember*> members_;
    std::size_t pending_broadcasts_ = 0;
    bool stopping_ = false;

    Slab send_slab_;
    std::vector<std::unique_ptr<Slab>> slabs_;
    ConnectionTable connections_;
    UdpTable udp_sockets_;
    std::unique_ptr<DatagramIo> datagrams_;
    std::vector<Local> locals_;
    platform::ReserveDescriptor reserve_;
    detail::TimerNode stop_timer_;
    TlsStream* buffered_tls_ = nullptr;
    std::chrono::milliseconds stop_timeout_;

    Engine* engine_;
    std::size_t index_;
    std::uint64_t number_;  // never used twice in a process: threads find their mailboxes by it
    std::size_t mailbox_bytes_;

    // What other threads touch.
    alignas(64) std::atomic<bool> asleep_{false};
    std::atomic<bool> stop_requested_{false};
    std::atomic<bool> ended_{false};
    ControlQueue control_;
    ControlQueue new_mailboxes_;
    std::recursive_mutex end_mutex_;  // serialises control tasks that run after the end
};

/// A server's or client's part on a reactor, as the reactor sees it.
class ReactorMember {
public:
    /// The reactor stops: accept nothing more, close everything gracefully.
    virtual void on_reactor_stop() = 0;

    /// Its timer (a node of kind `member`, embedded as `MemberTimer`) fired.
    virtual void on_member_timer() = 0;

    /// The end of a turn.
    virtual void on_turn_end() {}

    /// The server's number if this is part of one.
    [[nodiscard]] virtual std::uint64_t server_number() const noexcept { return 0; }

protected:
    ~ReactorMember() = default;
};

/// A timer that calls a member.
struct MemberTimer : detail::TimerNode {
    explicit MemberTimer(ReactorMember& owner) : member(&owner) { kind = static_cast<std::uint8_t>(TimerKind::member); }
    ReactorMember* member;
};

}  // namespace pollux
