// The loop.
#include <pollux/reactor.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "platform/threads.h"
#include "processor.h"
#include "reactor_core.h"
#include "server_shard.h"
#include "stream_connection.h"
#include "stream_tls.h"
#include "thread_mailboxes.h"
#include "timer_access.h"
#include "udp_shard.h"

namespace pollux {

namespace {

/// Mail read from one mailbox in a turn, so that one busy thread does not starve the sockets.
constexpr std::size_t mail_bytes_per_turn = 256 * 1024;

/// Eight records with their headers and tags: from there on a larger send saves nothing more.
constexpr std::size_t record_cork_bytes = 8 * (TlsSession::max_record_bytes + 64);

/// How often a spinning reactor looks at its poller: each look is a system call.
constexpr int relaxations_per_poll = 16;

thread_local ReactorCore* current_reactor = nullptr;

std::uint64_t next_reactor_number() noexcept {
    static std::atomic<std::uint64_t> counter{0};
    return counter.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

/// Makes the calling thread the reactor's.
class ReactorCore::CurrentScope {
public:
    explicit CurrentScope(ReactorCore& reactor) : former_(std::exchange(current_reactor, &reactor)) {}
    ~CurrentScope() { current_reactor = former_; }
    CurrentScope(const CurrentScope&) = delete;
    CurrentScope& operator=(const CurrentScope&) = delete;

private:
    ReactorCore* former_;
};

ReactorCore::ReactorCore(Engine& engine, const EngineOptions& options, std::size_t index)
    : timers_(platform::Poller::now()),
      now_(platform::Poller::now()),
      spin_(options.spin),
      cork_(std::max(2 * options.receive_buffer_bytes, TlsSession::max_record_bytes) + StagedSends::most_bytes),
      record_cork_(record_cork_bytes),
      receive_buffer_(new std::byte[options.receive_buffer_bytes]),
      receive_buffer_bytes_(options.receive_buffer_bytes),
      send_slab_(send_block_bytes),
      stop_timeout_(options.stop_timeout),
      engine_(&engine),
      index_(index),
      number_(next_reactor_number()),
      mailbox_bytes_(options.mailbox_bytes) {
    stop_timer_.kind = static_cast<std::uint8_t>(TimerKind::stop);
}

ReactorCore::~ReactorCore() {
    new_mailboxes_.take().run();
    for (const auto& box : mailboxes_) box->abandon_consumer();
}

ReactorCore* ReactorCore::on_this_thread() noexcept {
    return current_reactor;
}

Slab& ReactorCore::slab_for(std::size_t bytes) {
    for (const auto& slab : slabs_) {
        if (slab->block_bytes() >= bytes && slab->block_bytes() < bytes + 16) return *slab;
    }
    return *slabs_.emplace_back(std::make_unique<Slab>(bytes));
}

DatagramIo& ReactorCore::datagrams() {
    if (datagrams_ == nullptr) datagrams_ = std::make_unique<DatagramIo>();
    return *datagrams_;
}

// TLS.

TlsStream* ReactorCore::create_tls(StreamConnection& connection, SslPointer ssl) {
    return ::new (slab_for(sizeof(TlsStream)).allocate()) TlsStream(connection, std::move(ssl));
}

void ReactorCore::destroy_tls(TlsStream* tls) noexcept {
    if (buffered_tls_ == tls) buffered_tls_ = nullptr;
    tls->~TlsStream();
    slab_for(sizeof(TlsStream)).release(tls);
}

void ReactorCore::use_tls_buffers(TlsStream& tls) noexcept {
    if (buffered_tls_ == &tls) return;
    if (buffered_tls_ != nullptr) buffered_tls_->session.release_buffers();
    buffered_tls_ = &tls;
}

MutableBytes ReactorCore::record_buffer() noexcept {
    if (record_memory_ == nullptr) record_memory_.reset(new std::byte[TlsSession::max_record_bytes]);
    return {record_memory_.get(), TlsSession::max_record_bytes};
}

// The loop.

void ReactorCore::run() {
    const CurrentScope scope{*this};
    while (!stopping_ || !members_.empty() || has_work()) turn(std::chrono::nanoseconds::max());
    end();
}

void ReactorCore::lend_turn() {
    const CurrentScope scope{*this};
    turn(std::chrono::milliseconds{1});
}

void ReactorCore::turn(std::chrono::nanoseconds longest_wait) {
    const std::size_t events = wait(longest_wait);
    now_ = platform::Poller::now();
    if (events != 0) last_event_ = now_;
    cork_.renew_budget();
    handshake_time_ = {};
    gathers_records_ = events > 1;
    staged_.begin(events > 1, now_);
    for (std::size_t i = 0; i < events; ++i) dispatch_event(poller_.event(i));
    staged_.end();
    run_control();
    if (read_mail(mail_bytes_per_turn)) last_event_ = now_;
    notify_drained();
    fire_timers();
    if (stop_requested_.load(std::memory_order_relaxed) && !stopping_) begin_stop();
    end_turn();
    finish_connections();
}

bool ReactorCore::has_work() const noexcept {
    return !dirty_.empty() || first_dirty_socket_ != nullptr || !drained_.empty() || !finished_.empty() ||
           !releasable_.empty() || pending_broadcasts_ != 0;
}

std::size_t ReactorCore::wait(std::chrono::nanoseconds longest_wait) {
    if (has_work() || timers_.has_next()) return poller_.wait({});
    if (spin_.count() != 0 && now_ - last_event_ < spin_) {
        for (int i = 0; i < relaxations_per_poll; ++i) relax_core();
        return poller_.wait({});
    }
    Time deadline = timers_.next_event();
    if (longest_wait != std::chrono::nanoseconds::max()) deadline = std::min(deadline, now_ + longest_wait);
    if (!fall_asleep()) deadline = {};
    const std::size_t events = poller_.wait(deadline);
    asleep_.store(false, std::memory_order_relaxed);
    return events;
}

/// Announces that the poller will block. False if something came in before the announcement, so that nobody wakes it: a
/// sender publishes and then looks at `asleep_`, the reactor sets it and then looks for what is published; both in the
/// single order of sequentially consistent operations, so one of them sees the other.
bool ReactorCore::fall_asleep() noexcept {
    asleep_.store(true, std::memory_order_seq_cst);
    const bool nothing =
        control_.empty() && new_mailboxes_.empty() &&
        !(stop_requested_.load(std::memory_order_seq_cst) && !stopping_) &&
        std::all_of(mailboxes_.begin(), mailboxes_.end(), [](const auto& box) { return box->empty(); });
    if (!nothing) asleep_.store(false, std::memory_order_relaxed);
    return nothing;
}

void ReactorCore::wake_if_asleep() noexcept {
    if (asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false, std::memory_order_relaxed)) poller_.wake();
}

void ReactorCore::dispatch_event(const platform::Event<platform::Socket>& event) {
    if (event.socket == nullptr || event.flags == 0) return;
    switch (static_cast<SocketKind>(event.socket->tag)) {
        case SocketKind::connection:
            static_cast<StreamConnection*>(event.socket)->on_event(event.flags, event.sent);
            return;
        case SocketKind::listener:
            static_cast<ListenerSocket*>(event.socket)->shard->on_listener_event(event.flags);
            return;
        case SocketKind::datagram:
            static_cast<UdpShard*>(event.socket)->on_event(event.flags);
            return;
    }
}

// Lists consumed once a turn.

void ReactorCore::mark_dirty(StreamConnection& connection) {
    if (connection.in_dirty) return;
    connection.in_dirty = true;
    dirty_.push_back(&connection);
}

void ReactorCore::mark_dirty(UdpShard& socket) {
    if (socket.in_dirty) return;
    socket.in_dirty = true;
    *last_dirty_link_ = &socket;
    last_dirty_link_ = &socket.next_dirty;
}

void ReactorCore::mark_drained(StreamConnection& connection) {
    if (connection.in_drained) return;
    connection.in_drained = true;
    drained_.push_back(&connection);
}

void ReactorCore::notify_drained() {
    if (drained_.empty()) return;
    scratch_.swap(drained_);
    for (StreamConnection* connection : scratch_) {
        connection->in_drained = false;
        connection->notify_drained();
    }
    scratch_.clear();
}

void ReactorCore::end_turn() {
    // By index: a client or server may come or go while others end their turn.
    for (std::size_t i = 0; i < members_.size(); ++i) members_[i]->on_turn_end();
    end_turn_of_sockets();
    if (dirty_.empty()) return;
    scratch_.swap(dirty_);
    for (StreamConnection* connection : scratch_) {
        connection->in_dirty = false;
        if (connection->phase() != ConnectionState::closed) connection->end_turn();
    }
    scratch_.clear();
}

void ReactorCore::end_turn_of_sockets() {
    UdpShard* socket = std::exchange(first_dirty_socket_, nullptr);
    last_dirty_link_ = &first_dirty_socket_;
    while (socket != nullptr) {
        UdpShard* next = std::exchange(socket->next_dirty, nullptr);
        socket->in_dirty = false;
        socket->end_turn();  // which may be its end
        socket = next;
    }
}

void ReactorCore::finish_connections() {
    if (finished_.empty() && releasable_.empty()) return;
    // What ended before this turn's lists were consumed is in none of them any more.
    scratch_.swap(releasable_);
    for (StreamConnection* connection : scratch_) connection->owner().on_released(*connection);
    scratch_.clear();
    scratch_.swap(finished_);
    for (StreamConnection* connection : scratch_) {
        connection->notify_closed();
        connection->owner().on_finished(*connection);
        if (connection->socket_released()) releasable_.push_back(connection);
    }
    scratch_.clear();
}

void ReactorCore::fire_timers() {
    timers_.advance(now_, [this](TimerWheel::Node& node) { fire(node); });
}

void ReactorCore::fire(TimerWheel::Node& node) {
    switch (static_cast<TimerKind>(node.kind)) {
        case TimerKind::user:
            TimerAccess::fire(node);
            return;
        case TimerKind::connection:
            static_cast<StreamConnection&>(node).on_timer();
            return;
        case TimerKind::member:
            static_cast<MemberTimer&>(node).member->on_member_timer();
            return;
        case TimerKind::stop:
            abort_everything();
            return;
    }
}

// Mail.

Mailbox* ReactorCore::mailbox() {
    Mailbox* box = ThreadMailboxes::find(number_);
    return box != nullptr ? box : add_mailbox();
}

Mailbox* ReactorCore::add_mailbox() {
    auto box = std::make_shared<Mailbox>(mailbox_bytes_);
    if (!ThreadMailboxes::add(number_, box)) return nullptr;
    Mailbox* result = box.get();
    new_mailboxes_.push([this, box = std::move(box)] { mailboxes_.push_back(box); });
    return result;
}

Result ReactorCore::can_mail(std::size_t payload_bytes) {
    if (ended()) return Result::closed;
    Mailbox* box = mailbox();
    if (box == nullptr) return Result::closed;
    if (payload_bytes > box->max_payload()) return Result::too_large;
    return box->reserve(MailKind::padding, 0, payload_bytes) != nullptr ? Result::ok : Result::would_block;
}

bool ReactorCore::read_mail(std::size_t limit_bytes) {
    bool any = false;
    // By index: a task may send from this thread for the first time and so add a mailbox.
    for (std::size_t i = 0; i < mailboxes_.size();) {
        Mailbox& box = *mailboxes_[i];
        const bool producer_gone = box.producer_gone();  // before the look for mail: nothing can follow it
        const bool read = box.consume(limit_bytes, [this](MailKind kind, std::uint64_t target, MutableBytes payload) {
            handle_mail(kind, target, payload);
        });
        any |= read;
        if (producer_gone && !read) {
            mailboxes_.erase(mailboxes_.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
    return any;
}

void ReactorCore::handle_mail(MailKind kind, std::uint64_t target, MutableBytes payload) {
    switch (kind) {
        case MailKind::padding:
            return;
        case MailKind::send:
            if (StreamConnection* connection = connections_.find({target})) connection->send_promised(payload);
            return;
        case MailKind::message:
            if (StreamConnection* connection = connections_.find({target})) connection->receive_mail(payload);
            return;
        case MailKind::close:
            if (StreamConnection* connection = connections_.find({target})) connection->close();
            return;
        case MailKind::abort:
            if (StreamConnection* connection = connections_.find({target})) connection->abort();
            return;
        case MailKind::datagram:
            if (UdpShard* socket = udp_sockets_.find({target})) {
                InetAddress to;
                std::memcpy(&to, payload.data(), sizeof to);
                socket->send_promised(to, payload.subspan(sizeof to));
            }
            return;
        case MailKind::close_socket:
            if (UdpShard* socket = udp_sockets_.find({target})) socket->close();
            return;
        case MailKind::abort_socket:
            if (UdpShard* socket = udp_sockets_.find({target})) socket->abort();
            return;
        case MailKind::broadcast:
            if (ServerShard* shard = find_shard(target)) shard->broadcast_promised(payload);
            return;
        case MailKind::task: {
            Task task = Mailbox::take_task(payload);
            task();
            return;
        }
    }
}

Result ReactorCore::post_task(Task&& task) {
    return mail(MailKind::task, 0, sizeof(Task),
                [&task](std::byte* payload) { ::new (static_cast<void*>(payload)) Task(std::move(task)); });
}

// Control.

void ReactorCore::control(Task&& task) {
    control_.push(std::move(task));
    if (ended_.load(std::memory_order_seq_cst)) {
        const std::lock_guard lock{end_mutex_};
        const CurrentScope scope{*this};
        run_control();
        finish_connections();
    } else {
        wake_if_asleep();
    }
}

void ReactorCore::run_control() {
    if (control_.empty() && new_mailboxes_.empty()) return;
    ControlQueue::Batch batch = control_.take();
    // What the same threads sent before comes first, from mailboxes they made before too: both were published before
    // the tasks in this batch were pushed.
    new_mailboxes_.take().run();
    read_mail(std::numeric_limits<std::size_t>::max());
    batch.run();
}

// Members.

void ReactorCore::remove(ReactorMember& member) noexcept {
    std::erase(members_, &member);
}

ServerShard* ReactorCore::find_shard(std::uint64_t server) const noexcept {
    for (ReactorMember* member : members_) {
        if (member->server_number() == server) return static_cast<ServerShard*>(member);
    }
    return nullptr;
}

// Stopping.

void ReactorCore::request_stop() noexcept {
    stop_requested_.store(true, std::memory_order_seq_cst);
    poller_.wake();
}

void ReactorCore::begin_stop() {
    // What was sent and asked for before the stop comes first.
    run_control();
    read_mail(std::numeric_limits<std::size_t>::max());
    stopping_ = true;
    timers_.arm(stop_timer_, now_ + stop_timeout_);
    const std::vector<ReactorMember*> members = members_;
    for (ReactorMember* member : members) member->on_reactor_stop();
}

void ReactorCore::abort_everything() {
    connections_.for_each([](StreamConnection& connection) { connection.abort_with(CloseReason::shutdown); });
    udp_sockets_.for_each([](UdpShard& socket) { socket.abort_with(CloseReason::shutdown); });
}

/// From now on control tasks run on the threads that push them, one at a time.
void ReactorCore::end() {
    const std::lock_guard lock{end_mutex_};
    timers_.cancel(stop_timer_);
    ended_.store(true, std::memory_order_seq_cst);
    run_control();
    finish_connections();
    finish_connections();
}

// The public face.

namespace {

ReactorCore& core(Reactor& reactor) noexcept {
    return static_cast<ReactorCore&>(reactor);
}
const ReactorCore& core(const Reactor& reactor) noexcept {
    return static_cast<const ReactorCore&>(reactor);
}

}  // namespace

Result Reactor::post(Task&& task) {
    return core(*this).post_task(std::move(task));
}

Result Reactor::dispatch(Task&& task) {
    if (!is_current()) return post(std::move(task));
    task();
    return Result::ok;
}

bool Reactor::is_current() const noexcept {
    return current_reactor == &core(*this);
}
Reactor* Reactor::current() noexcept {
    return current_reactor;
}
std::chrono::steady_clock::time_point Reactor::now() const noexcept {
    return core(*this).turn_time();
}
Connection* Reactor::find(ConnectionId id) noexcept {
    return ConnectionTable::reactor_of(id) == core(*this).position() ? core(*this).connections().find(id) : nullptr;
}
UdpSocket* Reactor::find(UdpSocketId id) noexcept {
    return UdpTable::reactor_of(id) == core(*this).position() ? core(*this).udp_sockets().find(id) : nullptr;
}
std::size_t Reactor::index() const noexcept {
    return core(*this).position();
}
Engine& Reactor::engine() const noexcept {
    return core(*this).owner();
}

}  // namespace pollux
