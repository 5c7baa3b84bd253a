// The epoll back end.
#include "platform/poller_epoll.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

#include "platform/socket_address.h"
#include "platform/stream_posix.h"

namespace pollux::platform {

namespace {

constexpr std::uint32_t datagram_events = EPOLLIN | EPOLLET;

}  // namespace

EpollPoller::~EpollPoller() {
    for (const int descriptor : {alarm_, wake_, epoll_}) {
        if (descriptor >= 0) ::close(descriptor);
    }
}

std::error_code EpollPoller::watch(int descriptor, void* mark) {
    // Edge-triggered, so that neither needs a read to be silenced: each write and each expiry is a new edge.
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = mark;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) < 0 ? system_error(errno) : std::error_code{};
}

std::error_code EpollPoller::open() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return system_error(errno);
    wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_ < 0) return system_error(errno);
    alarm_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (alarm_ < 0) return system_error(errno);
    if (const auto error = watch(wake_, nullptr)) return error;
    return watch(alarm_, this);
}

int EpollPoller::wait_epoll(Time deadline) {
    constexpr int capacity = static_cast<int>(max_events);
    if (again_.waiting() || deadline <= Time{}) return ::epoll_wait(epoll_, events_.data(), capacity, 0);
    if (deadline < alarm_time_) {
        const auto since_start = deadline.time_since_epoch();
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_start);
        const itimerspec setting{{0, 0}, {seconds.count(), (since_start - seconds).count()}};
        ::timerfd_settime(alarm_, TFD_TIMER_ABSTIME, &setting, nullptr);
        alarm_time_ = deadline;
    }
    return ::epoll_wait(epoll_, events_.data(), capacity, -1);
}

std::size_t EpollPoller::wait(Time deadline) {
    const int count = wait_epoll(deadline);
    fresh_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    return fresh_ + again_.begin_turn();
}

Event<EpollPoller::Socket> EpollPoller::event(std::size_t index) noexcept {
    if (index >= fresh_) {
        Socket* const socket = again_.tell(index - fresh_);
        if (socket == nullptr) return {};
        const bool still_wanted = !socket->drained && (socket->wanted & receivable) != 0;
        return {socket, still_wanted ? receivable : 0, 0};
    }
    const epoll_event& raw = events_[index];
    if (raw.data.ptr == nullptr) return {};
    if (raw.data.ptr == this) {
        alarm_time_ = Time::max();
        return {};
    }
    auto* socket = static_cast<Socket*>(raw.data.ptr);
    std::uint32_t flags = 0;
    if ((raw.events & EPOLLIN) != 0) {
        socket->drained = false;
        flags |= receivable;
    }
    if ((raw.events & EPOLLRDHUP) != 0) socket->peer_finished = true;
    if ((raw.events & EPOLLOUT) != 0) flags |= sendable;
    flags &= socket->wanted;
    socket->wanted &= static_cast<std::uint8_t>(~(flags & sendable));
    if (socket->datagrams.present && (flags & sendable) != 0) watch_send(*socket, false);
    if ((raw.events & (EPOLLERR | EPOLLHUP)) != 0) flags |= failed;
    return {socket, flags, 0};
}

void EpollPoller::wake() noexcept {
    const int saved = errno;  // also called from signal handlers
    const std::uint64_t one = 1;
    // It can only fail when the counter is full, and then the poller is awake anyway.
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
    errno = saved;
}

std::error_code EpollPoller::attach(Socket& socket, NativeHandle handle) {
    return add(socket, handle, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

std::error_code EpollPoller::add(Socket& socket, NativeHandle handle, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &socket;
    socket.drained = true;
    socket.peer_finished = false;
    socket.wanted = 0;
    socket.watches_send = (events & EPOLLOUT) != 0;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, static_cast<int>(handle), &event) < 0) return system_error(errno);
    socket.descriptor = static_cast<int>(handle);
    return {};
}

void EpollPoller::watch_send(Socket& socket, bool wanted) noexcept {
    epoll_event event{};
    event.events = datagram_events | (wanted ? std::uint32_t{EPOLLOUT} : 0);
    event.data.ptr = &socket;
    // What is registered can be changed: no memory is needed for it.
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket.descriptor, &event);
    socket.watches_send = wanted;
}

IoResult EpollPoller::accept(Socket& listener, Accepted& out) noexcept {
    const IoResult result = accept_stream(listener.descriptor, out);
    listener.drained = result.status != IoStatus::done && result.status != IoStatus::no_descriptors;
    return result;
}

IoResult EpollPoller::connect(Socket& socket, const SocketAddress& address, const ConnectionOptions& options) {
    const IoResult result = start_connect(socket.descriptor, address, options);
    if (result.status != IoStatus::done) return result;
    // Only now: a socket that is neither connected nor connecting reports a hang-up.
    if (const std::error_code error = attach(socket, socket.descriptor)) return {IoStatus::failed, error.value(), 0};
    arm_send(socket, {});
    return {};
}

std::error_code EpollPoller::finish_connect(Socket& socket) noexcept {
    return connect_outcome(socket.descriptor);
}

IoResult EpollPoller::receive(Socket& socket, MutableBytes buffer) noexcept {
    const IoResult result = receive_stream(socket.descriptor, buffer);
    socket.drained = result.status != IoStatus::done || (result.bytes < buffer.size() && !socket.peer_finished);
    return result;
}

IoResult EpollPoller::send(Socket& socket, Bytes bytes) noexcept {
    return send_stream(socket.descriptor, bytes);
}

IoResult EpollPoller::send(Socket& socket, std::span<const Bytes> parts) noexcept {
    return send_stream(socket.descriptor, parts);
}

IoResult EpollPoller::send_file(Socket& socket, NativeHandle file, std::uint64_t offset, std::size_t count) noexcept {
    return platform::send_file(socket.descriptor, file, offset, count);
}

std::error_code EpollPoller::attach_datagrams(Socket& socket, NativeHandle handle, UdpBatching batching) {
    if (datagrams_ == nullptr) datagrams_ = std::make_unique<LinuxDatagrams>();
    if (const std::error_code error = add(socket, handle, datagram_events)) return error;
    socket.datagrams = LinuxDatagrams::prepare(socket.descriptor, batching);
    return {};
}

IoResult EpollPoller::receive_datagrams(Socket& socket, DatagramIntake& intake) noexcept {
    const IoResult result = datagrams_->receive(socket.descriptor, socket.datagrams, intake);
    // What is short of all slots was all there was. A failure that leaves some behind is one of datagrams sent, whose
    // own edge comes.
    socket.drained = result.status != IoStatus::done || intake.count < intake.arrivals.size();
    return result;
}

IoResult EpollPoller::send_datagrams(Socket& socket, std::span<const OutgoingRun> runs) noexcept {
    return datagrams_->send(socket.descriptor, socket.datagrams, runs);
}

bool EpollPoller::take_datagram_error(Socket& socket, DatagramFault& out) noexcept {
    return LinuxDatagrams::take_error(socket.descriptor, out);
}

int EpollPoller::take_error(Socket& socket) noexcept {
    return take_socket_error(socket.descriptor);
}

void EpollPoller::shutdown_send(Socket& socket) noexcept {
    finish_sending(socket.descriptor);
}

void EpollPoller::reset_on_close(Socket& socket) noexcept {
    discard_on_close(socket.descriptor);
}

bool EpollPoller::close(Socket& socket) noexcept {
    again_.remove(socket);
    if (socket.is_open()) {
        // Closing the last descriptor removes it from epoll, but a fork may have left another: then events of a socket
        // that is gone would come for ever.
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket.descriptor, nullptr);
        ::close(socket.descriptor);
    }
    const std::uint8_t tag = socket.tag;
    socket = Socket{};
    socket.tag = tag;
    return true;
}

SocketAddress EpollPoller::local_address(const Socket& socket) const {
    return local_address_of(socket.descriptor);
}

SocketAddress EpollPoller::peer_address(const Socket& socket) const {
    return peer_address_of(socket.descriptor);
}

}  // namespace pollux::platform
