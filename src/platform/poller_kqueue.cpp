// The kqueue back end.
#include "platform/poller_kqueue.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "platform/datagrams_posix.h"
#include "platform/socket_address.h"
#include "platform/stream_posix.h"

namespace pollux::platform {

namespace {

constexpr NativeHandle wake_ident = 0;

/// How long the system is told to sleep at most: a sleep that ends early is allowed, and some systems have trouble with
/// numbers of seconds that are years.
constexpr std::chrono::hours longest_sleep{24};

struct kevent make_change(NativeHandle ident, int filter, int flags, void* mark) noexcept {
    struct kevent change {};
    change.ident = static_cast<std::uintptr_t>(ident);
    change.filter = static_cast<decltype(change.filter)>(filter);
    change.flags = static_cast<decltype(change.flags)>(flags);
    change.udata = mark;
    return change;
}

timespec to_timespec(std::chrono::nanoseconds duration) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    timespec result{};
    result.tv_sec = static_cast<decltype(result.tv_sec)>(seconds.count());
    result.tv_nsec = static_cast<decltype(result.tv_nsec)>((duration - seconds).count());
    return result;
}

}  // namespace

KqueuePoller::~KqueuePoller() {
    if (queue_ >= 0) ::close(queue_);
}

std::error_code KqueuePoller::open() {
    queue_ = ::kqueue();
    if (queue_ < 0) return system_error(errno);
    ::fcntl(queue_, F_SETFD, FD_CLOEXEC);
    changes_.reserve(max_events);
    return change(make_change(wake_ident, EVFILT_USER, EV_ADD | EV_CLEAR, nullptr));
}

std::error_code KqueuePoller::change(const struct kevent& change) const noexcept {
    return ::kevent(queue_, &change, 1, nullptr, 0, nullptr) < 0 ? system_error(errno) : std::error_code{};
}

int KqueuePoller::wait_kqueue(Time deadline) {
    timespec limit{};
    const timespec* bound = &limit;
    if (!again_.waiting() && deadline > Time{}) {
        if (deadline == Time::max()) {
            bound = nullptr;
        } else {
            const auto left = std::max(deadline - now(), Time::duration{});
            limit = to_timespec(std::min<std::chrono::nanoseconds>(left, longest_sleep));
        }
    }
    const int changes = static_cast<int>(changes_.size());
    return ::kevent(queue_, changes_.data(), changes, events_.data(), static_cast<int>(max_events), bound);
}

std::size_t KqueuePoller::wait(Time deadline) {
    const int count = wait_kqueue(deadline);
    // Whatever else it fails with, it may not have come to all of them: asking again for what is registered already
    // does no harm.
    if (count >= 0 || errno == EINTR) changes_.clear();
    fresh_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    return fresh_ + again_.begin_turn();
}

Event<KqueuePoller::Socket> KqueuePoller::event(std::size_t index) noexcept {
    if (index >= fresh_) return event_again(again_.tell(index - fresh_));
    const struct kevent& raw = events_[index];
    auto* const socket = static_cast<Socket*>(raw.udata);
    if (socket == nullptr || !socket->is_open()) return {};  // a wake, or closed earlier in this turn
    // A request for room that there was no memory for comes back with EV_ERROR: whoever waits then tries, and asks
    // anew.
    return raw.filter == EVFILT_WRITE ? send_event(*socket) : receive_event(*socket, raw);
}

Event<KqueuePoller::Socket> KqueuePoller::event_again(Socket* socket) noexcept {
    if (socket == nullptr) return {};
    std::uint32_t flags = socket->datagram_fault != 0 ? failed : 0;
    if (!socket->drained) flags |= socket->wanted & receivable;
    return {socket, flags, 0};
}

Event<KqueuePoller::Socket> KqueuePoller::receive_event(Socket& socket, const struct kevent& raw) noexcept {
    socket.drained = false;
    std::uint32_t flags = socket.wanted & receivable;
    if ((raw.flags & EV_EOF) != 0) {
        socket.peer_finished = true;
        if (raw.fflags != 0) flags |= failed;
    }
    // An error of a datagram is an event with nothing to read, or is met by a call.
    if (socket.connected_datagrams && raw.data == 0) flags |= failed;
    return {&socket, flags, 0};
}

Event<KqueuePoller::Socket> KqueuePoller::send_event(Socket& socket) noexcept {
    const std::uint32_t flags = socket.wanted & sendable;
    socket.wanted &= static_cast<std::uint8_t>(~sendable);
    return {&socket, flags, 0};
}

void KqueuePoller::wake() noexcept {
    const int saved = errno;  // also called from signal handlers
    struct kevent trigger = make_change(wake_ident, EVFILT_USER, 0, nullptr);
    trigger.fflags = NOTE_TRIGGER;
    // The event is registered: no memory is needed, and nothing else can fail.
    static_cast<void>(change(trigger));
    errno = saved;
}

std::error_code KqueuePoller::attach(Socket& socket, NativeHandle handle) {
    socket.drained = true;
    socket.peer_finished = false;
    socket.wanted = 0;
    if (const auto error = change(make_change(handle, EVFILT_READ, EV_ADD | EV_CLEAR, &socket))) return error;
    socket.descriptor = static_cast<int>(handle);
    return {};
}

void KqueuePoller::arm_send(Socket& socket, Bytes /*pending*/) noexcept {
    if ((socket.wanted & sendable) != 0) return;
    socket.wanted |= sendable;
    changes_.push_back(make_change(socket.descriptor, EVFILT_WRITE, EV_ADD | EV_ONESHOT, &socket));
}

IoResult KqueuePoller::accept(Socket& listener, Accepted& out) noexcept {
    const IoResult result = accept_stream(listener.descriptor, out);
    listener.drained = result.status != IoStatus::done && result.status != IoStatus::no_descriptors;
    return result;
}

IoResult KqueuePoller::connect(Socket& socket, const SocketAddress& address, const ConnectionOptions& options) {
    const IoResult result = start_connect(socket.descriptor, address, options);
    if (result.status != IoStatus::done) return result;
    if (const std::error_code error = attach(socket, socket.descriptor)) return {IoStatus::failed, error.value(), 0};
    arm_send(socket, {});
    return {};
}

std::error_code KqueuePoller::finish_connect(Socket& socket) noexcept {
    return connect_outcome(socket.descriptor);
}

IoResult KqueuePoller::receive(Socket& socket, MutableBytes buffer) noexcept {
    const IoResult result = receive_stream(socket.descriptor, buffer);
    socket.drained = result.status != IoStatus::done || (result.bytes < buffer.size() && !socket.peer_finished);
    return result;
}

IoResult KqueuePoller::send(Socket& socket, Bytes bytes) noexcept {
    return send_stream(socket.descriptor, bytes);
}

IoResult KqueuePoller::send(Socket& socket, std::span<const Bytes> parts) noexcept {
    return send_stream(socket.descriptor, parts);
}

IoResult KqueuePoller::send_file(Socket& socket, NativeHandle file, std::uint64_t offset, std::size_t count) noexcept {
    return platform::send_file(socket.descriptor, file, offset, count);
}

std::error_code KqueuePoller::attach_datagrams(Socket& socket, NativeHandle handle, UdpBatching /*batching*/) {
    if (const std::error_code error = attach(socket, handle)) return error;
    socket.ipv6 = is_ipv6_socket(socket.descriptor);
    socket.connected_datagrams = peer_address_of(socket.descriptor).family != SocketAddress::Family::none;
    return {};
}

/// The system has told of it, to a call that it does not concern.
void KqueuePoller::keep_fault(Socket& socket, int error) noexcept {
    if (error == 0 || !socket.connected_datagrams) return;
    socket.datagram_fault = error;
    again_.add(socket);
}

IoResult KqueuePoller::receive_datagrams(Socket& socket, DatagramIntake& intake) noexcept {
    int fault = 0;
    const IoResult result = receive_one_by_one(socket.descriptor, intake, fault);
    if (result.status != IoStatus::failed) keep_fault(socket, fault);
    socket.drained = result.status != IoStatus::done || intake.count < intake.arrivals.size();
    return result;
}

IoResult KqueuePoller::send_datagrams(Socket& socket, std::span<const OutgoingRun> runs) noexcept {
    int fault = 0;
    const IoResult result = send_one_by_one(socket.descriptor, socket.ipv6, runs, fault);
    keep_fault(socket, fault);
    return result;
}

bool KqueuePoller::take_datagram_error(Socket& socket, DatagramFault& out) noexcept {
    if (!socket.connected_datagrams) return false;
    int error = std::exchange(socket.datagram_fault, 0);
    if (error == 0) error = take_error(socket);
    if (error == 0) return false;
    const SocketAddress peer = peer_address_of(socket.descriptor);
    out = {system_error(error), {peer.family, peer.port, peer.scope, peer.ip}};
    return true;
}

int KqueuePoller::take_error(Socket& socket) noexcept {
    return take_socket_error(socket.descriptor);
}

void KqueuePoller::shutdown_send(Socket& socket) noexcept {
    finish_sending(socket.descriptor);
}

void KqueuePoller::reset_on_close(Socket& socket) noexcept {
    discard_on_close(socket.descriptor);
}

bool KqueuePoller::close(Socket& socket) noexcept {
    again_.remove(socket);
    if ((socket.wanted & sendable) != 0) {
        std::erase_if(changes_, [&](const struct kevent& change) { return change.udata == &socket; });
    }
    // What is registered of a descriptor goes with it, also where a child process has inherited the socket.
    if (socket.is_open()) ::close(socket.descriptor);
    const std::uint8_t tag = socket.tag;
    socket = Socket{};
    socket.tag = tag;
    return true;
}

SocketAddress KqueuePoller::local_address(const Socket& socket) const {
    return local_address_of(socket.descriptor);
}

SocketAddress KqueuePoller::peer_address(const Socket& socket) const {
    return peer_address_of(socket.descriptor);
}

}  // namespace pollux::platform
