// A UDP socket on its reactor: one of those of a `Udp`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <vector>

#include <pollux/udp.h>

#include "backend.h"
#include "counter.h"
#include "datagram_queue.h"
#include "reactor_core.h"

namespace pollux {

/// Counted by the reactor's thread over all sockets of a shard, past ones included; read by any thread.
struct UdpShardCounters {
    Counter datagrams_received;
    Counter bytes_received;
    Counter datagrams_sent;
    Counter bytes_sent;
    Counter datagrams_refused;
    Counter datagrams_truncated;
    Counter datagrams_overflowed;
    Counter errors;
    Counter bytes_pending;

    [[nodiscard]] UdpCounters read() const noexcept;
};

/// Lives as long as its `Udp`'s core; is active, and a socket, from `begin` until `on_close` was called, and as long as
/// that it keeps the core alive. Reactor thread only, unless said otherwise.
///
/// What is sent goes to the reactor's batch; from there to the system when the turn ends, when the socket's datagrams
/// of an event are handled, when another socket sends, or when the batch is full. What the system has no room for waits
/// in the socket's own queue, and while there is such, all that follows goes there. Handlers are called from the loop
/// only: whatever a send brings about is noted, and told at the end of the event or the turn.
class UdpShard final : public UdpSocket, public platform::Socket, public ReactorMember {
public:
    UdpShard(UdpBase::Core& core, ReactorCore& reactor);
    ~UdpShard() = default;

    /// Becomes active with a socket that is bound, and connected if `peer` is an address.
    void begin(platform::NativeHandle handle, const InetAddress& peer);

    void on_event(std::uint32_t flags);

    /// The reactor's list of those that have something to do at the end of the turn.
    void end_turn();
    bool in_dirty = false;
    UdpShard* next_dirty = nullptr;

    /// A send from another thread, whose mailbox promised to pass it on.
    void send_promised(const InetAddress& to, Bytes bytes);

    [[nodiscard]] Result send_bytes(const InetAddress& to, Bytes bytes) {
        // Going on with a run that is being collected: it was allowed to begin.
        if (phase_ == Phase::open && io_->owner == this && io_->batch().extend(to, bytes)) return Result::ok;
        return send_run(to, DatagramRun{bytes, 0});
    }
    [[nodiscard]] Result send_run(const InetAddress& to, const DatagramRun& run);
    void close_gracefully(CloseReason reason);
    void abort_with(CloseReason reason, std::error_code error = {});
    [[nodiscard]] Status change_membership(const MulticastGroup& group, bool join);

    /// Sends what the reactor's batch holds of this socket.
    void flush();

    [[nodiscard]] ReactorCore& home() const noexcept { return *reactor_; }
    [[nodiscard]] bool accepts() const noexcept { return phase_ == Phase::open; }
    [[nodiscard]] const InetAddress& peer() const noexcept { return peer_; }
    [[nodiscard]] InetAddress read_local_address() const;
    [[nodiscard]] std::size_t pending() const noexcept { return queue_.cost(); }

    // Any thread.

    [[nodiscard]] UdpSocketId identity() const noexcept { return {id_.load(std::memory_order_acquire)}; }
    [[nodiscard]] const UdpShardCounters& counters() const noexcept { return counters_; }

    // ReactorMember
    void on_reactor_stop() override { close_gracefully(CloseReason::shutdown); }
    void on_member_timer() override { abort_with(CloseReason::close_timeout); }

private:
    enum class Phase : std::uint8_t {
        inactive,
        open,
        closing,   // what is pending goes out
        finished,  // `on_close` follows at the end of the turn
    };

    [[nodiscard]] const UdpOptions& options() const noexcept;

    // Receiving.
    void receive_all();
    void receive();
    void deliver(const platform::DatagramArrival& arrival);
    void deliver_cut(const InetAddress& from, const DatagramRun& run, bool last_is_cut);
    void count_overflows(std::uint32_t overflows) noexcept;

    // Sending.
    [[nodiscard]] bool is_for(const InetAddress& to) const noexcept;
    [[nodiscard]] bool has_room(std::size_t cost) const noexcept;
    template <class Consume>
    [[nodiscard]] bool send_front(const DatagramBatch& batch, const Consume& consume);
    void collect(const InetAddress& to, const DatagramRun& run);
    void collect_piece(const InetAddress& to, const DatagramRun& piece);
    void queue(const InetAddress& to, const DatagramRun& run);
    void move_to_queue(DatagramBatch& batch);
    void send_queue();

    // Errors.
    void refuse(const InetAddress& to, std::error_code error);
    void take_errors();
    void note(DatagramError::Kind kind, std::error_code error, const InetAddress& peer);
    void tell_errors();

    void mark_dirty();
    void finish();

    UdpBase::Core* core_;
    ReactorCore* reactor_;
    DatagramIo* io_;
    std::shared_ptr<UdpBase::Core> keep_alive_;
    DatagramHandler* handler_ = nullptr;
    void* handler_memory_ = nullptr;
    InetAddress peer_;
    DatagramQueue queue_;
    std::vector<DatagramError> errors_;  // to be told
    std::atomic<std::uint64_t> id_{0};
    MemberTimer close_timer_;
    UdpShardCounters counters_;
    std::error_code close_error_;
    std::uint32_t overflows_ = 0;  // of this socket, as the system told last
    Phase phase_ = Phase::inactive;
    CloseReason close_reason_ = CloseReason::none;
    bool wants_drain_ = false;
    bool errors_left_ = false;  // the system has more of them
};

}  // namespace pollux
