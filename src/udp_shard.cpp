// A UDP socket on its reactor.
#include "udp_shard.h"

#include <algorithm>
#include <utility>

#include "multicast.h"
#include "platform/datagram_sockets.h"
#include "to_inet.h"
#include "udp_core.h"

namespace pollux {

namespace {

/// Errors that the system is asked for in one go, so that a flood of them does not hold everybody up.
constexpr int errors_per_event = 64;

/// So many at once are a sign of more to come.
constexpr std::uint64_t busy_datagrams = 64;

/// What is shorter is copied sooner than it is referred to.
constexpr std::size_t borrowed_bytes = 512;

/// Bounds on what is received in one go, so that one busy socket does not starve the others.
constexpr int receives_per_event = 4;
constexpr std::uint64_t receive_bytes_per_event = 512 * 1024;

/// Errors that wait to be told one by one; from there on they are told together.
constexpr std::size_t errors_told_apart = 64;

}  // namespace

UdpCounters UdpShardCounters::read() const noexcept {
    return {datagrams_received.get(),
            bytes_received.get(),
            datagrams_sent.get(),
            bytes_sent.get(),
            datagrams_refused.get(),
            datagrams_truncated.get(),
            datagrams_overflowed.get(),
            errors.get(),
            static_cast<std::size_t>(bytes_pending.get())};
}

UdpShard::UdpShard(UdpBase::Core& core, ReactorCore& reactor) : core_(&core), reactor_(&reactor), close_timer_(*this) {
    tag = static_cast<std::uint8_t>(SocketKind::datagram);
}

const UdpOptions& UdpShard::options() const noexcept {
    return core_->options();
}

// Active and inactive.

void UdpShard::begin(platform::NativeHandle handle, const InetAddress& peer) {
    if (reactor_->stopping() || !core_->running()) {
        platform::close_handle(handle);
        core_->shard_ended();
        return;
    }
    keep_alive_ = core_->shared_from_this();
    io_ = &reactor_->datagrams();
    reactor_->add(*this);
    handler_memory_ = reactor_->slab_for(core_->factory().size).allocate();
    handler_ = core_->factory().construct(handler_memory_);
    peer_ = peer;
    overflows_ = 0;
    close_error_ = {};
    phase_ = Phase::open;
    const UdpSocketId id = reactor_->udp_sockets().insert(reactor_->position(), this);
    id_.store(id.value, std::memory_order_release);
    const std::error_code error = reactor_->poller().attach_datagrams(*this, handle, options().batching);
    if (error) platform::close_handle(handle);
    if (error || !id) {
        abort_with(error ? CloseReason::system_error : CloseReason::limit, error);
    } else {
        reactor_->poller().arm_receive(*this);
    }
    handler_->on_open(*this);
}

void UdpShard::close_gracefully(CloseReason reason) {
    if (phase_ != Phase::open) return;
    phase_ = Phase::closing;
    close_reason_ = reason;
    reactor_->poller().disarm_receive(*this);
    mark_dirty();
}

void UdpShard::abort_with(CloseReason reason, std::error_code error) {
    if (phase_ != Phase::open && phase_ != Phase::closing) return;
    phase_ = Phase::finished;
    close_reason_ = reason;
    close_error_ = error;
    mark_dirty();
}

void UdpShard::mark_dirty() {
    reactor_->mark_dirty(*this);
}

void UdpShard::end_turn() {
    if (phase_ == Phase::open || phase_ == Phase::closing) {
        flush();
        if (errors_left_) take_errors();
        tell_errors();
    }
    if (phase_ == Phase::closing) {
        if (queue_.empty()) {
            phase_ = Phase::finished;
        } else if (!close_timer_.armed()) {
            reactor_->timers().arm(close_timer_, reactor_->turn_time() + options().close_timeout);
        }
    }
    if (phase_ == Phase::finished) finish();
}

/// In the loop, at the end of a turn. What is pending still is lost.
void UdpShard::finish() {
    std::size_t lost = queue_.clear(io_->queue_slab());
    if (io_->owner == this) {
        lost += io_->batch().datagrams();
        io_->batch().clear();
        io_->owner = nullptr;
    }
    counters_.datagrams_refused.add(lost);
    counters_.bytes_pending.set(0);
    reactor_->timers().cancel(close_timer_);
    // A socket of a back end of completions has none in flight that the system could still use memory of.
    static_cast<void>(reactor_->poller().close(*this));
    if (identity()) reactor_->udp_sockets().remove(identity());
    handler_->on_close(*this, close_reason_, close_error_);
    std::exchange(handler_, nullptr)->~DatagramHandler();
    reactor_->slab_for(core_->factory().size).release(std::exchange(handler_memory_, nullptr));
    id_.store(0, std::memory_order_release);
    errors_.clear();
    errors_left_ = wants_drain_ = false;
    phase_ = Phase::inactive;
    reactor_->remove(*this);
    const auto last_reference = std::move(keep_alive_);  // this may be the end of the core, and of this
    last_reference->shard_ended();
}

void UdpShard::on_event(std::uint32_t flags) {
    if (phase_ != Phase::open && phase_ != Phase::closing) return;
    if ((flags & platform::failed) != 0) take_errors();
    if ((flags & platform::sendable) != 0) send_queue();
    if ((flags & (platform::receivable | platform::failed)) != 0) receive_all();
    if (phase_ == Phase::finished) return;
    flush();
    tell_errors();
}

// Receiving.

/// A peer that sends much has often sent more by the time it is answered: asking again then is cheaper than waiting for
/// an event. Not often: everybody else's turn comes all the same.
void UdpShard::receive_all() {
    const std::uint64_t begin = counters_.bytes_received.get();
    for (int i = 0; i < receives_per_event && phase_ == Phase::open; ++i) {
        if (i != 0) flush();
        const std::uint64_t before = counters_.datagrams_received.get();
        receive();
        if (counters_.datagrams_received.get() - before < busy_datagrams) return;
        if (counters_.bytes_received.get() - begin >= receive_bytes_per_event) return;
    }
}

void UdpShard::receive() {
    // A datagram that was received may be on its way out still.
    if (io_->batch().borrows()) io_->owner->flush();
    platform::DatagramIntake& intake = io_->intake();
    const platform::IoResult result = reactor_->poller().receive_datagrams(*this, intake);
    if (result.status == platform::IoStatus::failed) {
        note(DatagramError::Kind::receive, platform::system_error(result.error), peer_);
    } else if (result.status == platform::IoStatus::done) {
        if (intake.overflows != 0) count_overflows(intake.overflows);
        for (std::size_t i = 0; i < intake.count && phase_ == Phase::open; ++i) deliver(intake.arrivals[i]);
    }
    if (phase_ == Phase::open) reactor_->poller().arm_receive(*this);
}

void UdpShard::deliver(const platform::DatagramArrival& arrival) {
    const DatagramRun run{{arrival.slot, arrival.bytes}, arrival.segment_bytes};
    counters_.datagrams_received.add(run.size());
    counters_.bytes_received.add(arrival.bytes);
    const std::size_t largest = std::min(run.segment_bytes(), run.bytes().size());
    if (largest > options().max_datagram_bytes || arrival.truncated) {
        deliver_cut(arrival.from, run, arrival.truncated);
    } else {
        handler_->on_run(*this, arrival.from, run);
    }
}

/// Some are too large, or the system has cut the last.
void UdpShard::deliver_cut(const InetAddress& from, const DatagramRun& run, bool last_is_cut) {
    const std::size_t limit = options().max_datagram_bytes;
    for (std::size_t i = 0; i < run.size() && phase_ == Phase::open; ++i) {
        const Bytes datagram = run[i];
        if (datagram.size() <= limit && !(last_is_cut && i + 1 == run.size())) {
            handler_->on_datagram(*this, from, datagram);
        } else {
            counters_.datagrams_truncated.add(1);
            handler_->on_truncated(*this, from, datagram.first(std::min(datagram.size(), limit)));
        }
    }
}

void UdpShard::count_overflows(std::uint32_t overflows) noexcept {
    counters_.datagrams_overflowed.add(overflows - overflows_);
    overflows_ = overflows;
}

// Sending.

Result UdpShard::send_run(const InetAddress& to, const DatagramRun& run) {
    if (phase_ != Phase::open) return Result::closed;
    if (!is_for(to)) return Result::wrong_peer;
    const std::size_t cost = DatagramQueue::cost(run.size(), run.bytes().size());
    if (std::min(run.segment_bytes(), run.bytes().size()) > max_datagram_bytes) return Result::too_large;
    if (cost > options().max_pending_bytes) return Result::too_large;
    if (queue_.cost() >= options().high_watermark_bytes || !has_room(cost)) {
        wants_drain_ = true;
        return Result::would_block;
    }
    collect(to, run);
    return Result::ok;
}

/// A connected socket sends to its peer alone, every other says whom to.
bool UdpShard::is_for(const InetAddress& to) const noexcept {
    return peer_ ? !to || to == peer_ : static_cast<bool>(to);
}

void UdpShard::send_promised(const InetAddress& to, Bytes bytes) {
    if (phase_ != Phase::open) return;
    if (!is_for(to)) {
        refuse(to, make_error_code(peer_ ? std::errc::already_connected : std::errc::not_connected));
    } else if (!has_room(DatagramQueue::cost(1, bytes.size()))) {
        refuse(to, make_error_code(std::errc::no_buffer_space));
    } else {
        collect(to, DatagramRun{bytes, 0});
    }
}

bool UdpShard::has_room(std::size_t cost) const noexcept {
    return queue_.cost() + cost <= options().max_pending_bytes;
}

/// In pieces that the system can take as one.
void UdpShard::collect(const InetAddress& to, const DatagramRun& run) {
    // The system knows the peer of a connected socket, and looks up every other.
    const InetAddress address = peer_ ? InetAddress{} : to;
    const std::size_t segment = run.segment_bytes();
    Bytes rest = run.bytes();
    if (rest.size() <= segment) {
        collect_piece(address, run);
        return;
    }
    const std::size_t most = segment * std::min(platform::max_run_datagrams, max_datagram_bytes / segment);
    for (; !rest.empty(); rest = rest.subspan(std::min(most, rest.size()))) {
        collect_piece(address, DatagramRun{rest.first(std::min(most, rest.size())), segment});
    }
}

void UdpShard::collect_piece(const InetAddress& to, const DatagramRun& piece) {
    if (!queue_.empty()) {
        queue(to, piece);
        return;
    }
    if (io_->owner != this) {
        if (io_->owner != nullptr) io_->owner->flush();
        io_->owner = this;
        mark_dirty();
    }
    DatagramBatch& batch = io_->batch();
    if (piece.bytes().size() >= borrowed_bytes && io_->holds(piece.bytes())) {
        if (batch.borrow_run(to, piece)) return;
    } else if (piece.size() == 1 ? batch.append(to, piece.bytes()) : batch.begin_run(to, piece)) {
        return;
    }
    flush();
    collect_piece(to, piece);  // now there is room in the batch, or a queue
}

/// What the system had no room for after it was accepted may be more than is allowed to wait.
void UdpShard::queue(const InetAddress& to, const DatagramRun& run) {
    for (std::size_t i = 0; i < run.size(); ++i) {
        const Bytes datagram = run[i];
        if (has_room(DatagramQueue::cost(1, datagram.size()))) {
            queue_.append(io_->queue_slab(), to, datagram);
        } else {
            refuse(to, make_error_code(std::errc::no_buffer_space));
        }
    }
    counters_.bytes_pending.set(queue_.cost());
}

void UdpShard::flush() {
    if (io_->owner != this) return;
    DatagramBatch& batch = io_->batch();
    const auto consume = [&batch](std::size_t count) { batch.consume(count); };
    bool room = true;
    while (room && !batch.empty()) room = send_front(batch, consume);
    if (!room) {
        move_to_queue(batch);
        reactor_->poller().arm_send(*this, {});
    }
    io_->owner = nullptr;
}

void UdpShard::move_to_queue(DatagramBatch& batch) {
    for (const platform::OutgoingRun& run : batch.runs()) {
        queue(run.to, DatagramRun{{run.data, run.bytes}, run.segment_bytes});
    }
    batch.clear();
}

void UdpShard::send_queue() {
    Slab& slab = io_->queue_slab();
    const auto consume = [this, &slab](std::size_t count) { queue_.consume(slab, count); };
    bool room = true;
    while (room && !queue_.empty()) room = send_front(queue_.front(), consume);
    if (!room) reactor_->poller().arm_send(*this, {});
    counters_.bytes_pending.set(queue_.cost());
    if (phase_ == Phase::closing) {
        mark_dirty();
    } else if (wants_drain_ && queue_.cost() <= options().low_watermark_bytes) {
        wants_drain_ = false;
        handler_->on_drain(*this);
    }
}

/// Sends from the front of a batch; what the system refuses is dropped. False if it has no room for more.
template <class Consume>
bool UdpShard::send_front(const DatagramBatch& batch, const Consume& consume) {
    const platform::IoResult result = reactor_->poller().send_datagrams(*this, batch.runs());
    const std::size_t sent = result.bytes;
    const bool refused = result.status == platform::IoStatus::failed;
    counters_.datagrams_sent.add(sent);
    counters_.bytes_sent.add(batch.bytes_of(sent));
    if (refused) refuse(batch.address_of(sent), platform::system_error(result.error));
    consume(sent + (refused ? 1 : 0));
    return result.status != platform::IoStatus::would_block;
}

// Errors.

void UdpShard::refuse(const InetAddress& to, std::error_code error) {
    counters_.datagrams_refused.add(1);
    note(DatagramError::Kind::refused, error, to);
}

void UdpShard::take_errors() {
    errors_left_ = false;
    platform::DatagramFault fault;
    for (int i = 0; i < errors_per_event; ++i) {
        if (!reactor_->poller().take_datagram_error(*this, fault)) return;
        note(DatagramError::Kind::unreachable, fault.error, fault.peer);
    }
    errors_left_ = true;
    mark_dirty();
}

void UdpShard::note(DatagramError::Kind kind, std::error_code error, const InetAddress& peer) {
    if (kind != DatagramError::Kind::refused) counters_.errors.add(1);
    const DatagramError noted{kind, error, peer ? peer : peer_, 1};
    mark_dirty();
    const auto alike = [&](const DatagramError& other) {
        return other.kind == kind &&
               (errors_.size() >= errors_told_apart || (other.error == noted.error && other.peer == noted.peer));
    };
    const auto found = std::find_if(errors_.rbegin(), errors_.rend(), alike);
    if (found == errors_.rend()) {
        errors_.push_back(noted);
        return;
    }
    ++found->datagrams;
    if (found->peer != noted.peer) found->peer = {};
}

void UdpShard::tell_errors() {
    if (errors_.empty()) return;
    const std::vector<DatagramError> told = std::exchange(errors_, {});
    for (const DatagramError& error : told) {
        if (phase_ != Phase::open && phase_ != Phase::closing) return;
        handler_->on_error(*this, error);
    }
}

// What the public face asks for.

Status UdpShard::change_membership(const MulticastGroup& group, bool join) {
    const std::string what = join ? "cannot join the group " : "cannot leave the group ";
    if (phase_ != Phase::open) return {make_error_code(Errc::stopped), what + to_string(group) + ": the socket"};
    platform::Membership membership;
    if (Status status = parse_membership(group, membership); !status) return status;
    const std::error_code error = platform::set_membership(platform::Poller::handle_of(*this), membership, join);
    return error ? Status{error, what + to_string(group)} : Status{};
}

InetAddress UdpShard::read_local_address() const {
    if (!platform::Socket::is_open()) return {};
    return to_inet(reactor_->poller().local_address(*this));
}

void DatagramHandler::on_run(UdpSocket& socket, const InetAddress& from, const DatagramRun& run) {
    const auto& shard = static_cast<const UdpShard&>(socket);
    for (std::size_t i = 0; i < run.size() && shard.accepts(); ++i) on_datagram(socket, from, run[i]);
}

}  // namespace pollux
