// The completion port: waiting, operations that come back, and the life of sockets.
#include "platform/poller_iocp.h"

#include <cerrno>
#include <utility>

#include "platform/socket_address.h"

namespace pollux::platform {

namespace {

/// What a wait can last. Rounded up: one that ends before the deadline would be followed by others that spin.
DWORD milliseconds_until(Time deadline) noexcept {
    if (deadline == Time::max()) return INFINITE;
    const Time now = IocpPoller::now();
    if (deadline <= now) return 0;
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
    constexpr DWORD longest = INFINITE - 1;
    return milliseconds < std::int64_t{longest} ? static_cast<DWORD>(milliseconds) : longest;
}

/// The Winsock error that an operation came back with.
int error_of(const Operation& operation) noexcept {
    if (operation.Internal == 0) return 0;
    OVERLAPPED copy = operation;
    DWORD bytes = 0;
    DWORD flags = 0;
    if (::WSAGetOverlappedResult(operation.record->handle, &copy, &bytes, FALSE, &flags) != 0) return 0;
    return ::WSAGetLastError();
}

/// What was set on a listening socket for those that it accepts.
AcceptSlot::Options accept_options_of(SOCKET listener, int family) noexcept {
    // To set a size, even to the one that there is, would end the system's own tuning of it.
    const OwnedSocket untouched = open_socket(family, SOCK_STREAM);
    const auto size_of = [&](int name) {
        const int size = get_option(listener, SOL_SOCKET, name);
        return size == get_option(untouched.get(), SOL_SOCKET, name) ? 0 : size;
    };
    AcceptSlot::Options options;
    options.no_delay = get_option(listener, IPPROTO_TCP, TCP_NODELAY);
    options.keep_alive = get_option(listener, SOL_SOCKET, SO_KEEPALIVE);
    options.keep_alive_idle = get_option(listener, IPPROTO_TCP, keep_alive_idle_option);
    options.keep_alive_interval = get_option(listener, IPPROTO_TCP, keep_alive_interval_option);
    options.keep_alive_count = get_option(listener, IPPROTO_TCP, keep_alive_count_option);
    options.receive_buffer = size_of(SO_RCVBUF);
    options.send_buffer = size_of(SO_SNDBUF);
    return options;
}

}  // namespace

IocpPoller::~IocpPoller() {
    // Until an operation is back, the system may write to its memory.
    discard_closed();
    for (SocketRecord* record = first_record_; record != nullptr;) {
        SocketRecord* const next = record->next;
        record->socket = nullptr;
        if (record->handle != INVALID_SOCKET) {
            ::CancelIoEx(reinterpret_cast<HANDLE>(record->handle), nullptr);
            ::closesocket(std::exchange(record->handle, INVALID_SOCKET));
        }
        if (record->in_flight == 0) discard(*record);
        record = next;
    }
    while (first_record_ != nullptr) {
        ULONG count = 0;
        if (::GetQueuedCompletionStatusEx(port_, entries_.data(), max_events, &count, INFINITE, FALSE) == 0) break;
        for (ULONG i = 0; i < count; ++i) take(entries_[i]);
    }
    hang_ups_.stop();
    if (port_ != nullptr) ::CloseHandle(port_);
}

std::error_code IocpPoller::open() {
    port_ = ::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1);
    if (port_ == nullptr) return system_error(static_cast<int>(::GetLastError()));
    return functions_.load();
}

// Waiting.

std::size_t IocpPoller::wait(Time deadline) {
    discard_closed();
    fresh_ = 0;
    ULONG count = 0;
    const DWORD timeout = again_.waiting() ? 0 : milliseconds_until(deadline);
    if (::GetQueuedCompletionStatusEx(port_, entries_.data(), max_events, &count, timeout, FALSE) == 0) count = 0;
    for (ULONG i = 0; i < count; ++i) take(entries_[i]);
    return fresh_ + again_.begin_turn();
}

void IocpPoller::take(const OVERLAPPED_ENTRY& entry) noexcept {
    if (entry.lpOverlapped == nullptr) {
        if (entry.lpCompletionKey == IocpHangUps::key) {
            find_hang_ups();
        } else {
            woken_.exchange(false);  // what was done before the calls that found it true is seen from here on
        }
        return;
    }
    auto& operation = static_cast<Operation&>(*entry.lpOverlapped);
    SocketRecord& record = *operation.record;
    --record.in_flight;
    if (record.socket != nullptr) {
        completions_[fresh_++] = {&operation, entry.dwNumberOfBytesTransferred, error_of(operation)};
    } else if (record.in_flight == 0) {
        discard(record);
    }
}

Event<IocpPoller::Socket> IocpPoller::event(std::size_t index) noexcept {
    if (index >= fresh_) return tell_again(index - fresh_);
    return tell(completions_[index]);
}

Event<IocpPoller::Socket> IocpPoller::tell(const Completion& completion) noexcept {
    completion.operation->under_way = false;
    SocketRecord& record = *completion.operation->record;
    auto* const socket = static_cast<Socket*>(record.socket);
    if (socket == nullptr) return {};  // closed earlier in this turn
    std::uint32_t flags = 0;
    std::size_t sent = 0;
    switch (completion.operation->kind) {
        case Operation::Kind::receive:
            record.ready = true;
            flags = receivable;
            if ((record.wanted & receivable) == 0) watch_hang_up(record);
            break;
        case Operation::Kind::accept:
            // If it failed, its connection was gone again, and the next `accept` looks for others.
            record.ready = true;
            record.accepting->is_waiting = completion.error == 0;
            return {socket, receivable & record.wanted, 0};
        case Operation::Kind::connect:
            flags = sendable;
            break;
        case Operation::Kind::send:
            flags = sendable;
            if (record.role == SocketRecord::Role::stream) sent = completion.bytes;
            break;
    }
    flags &= record.wanted;
    record.wanted &= static_cast<std::uint8_t>(~(flags & sendable));
    if (completion.error != 0) {
        record.error = completion.error;
        record.ready = true;
        flags |= failed;
    }
    return {socket, flags, sent};
}

Event<IocpPoller::Socket> IocpPoller::tell_again(std::size_t index) noexcept {
    SocketRecord* const record = again_.tell(index);
    if (record == nullptr) return {};  // closed earlier in this turn
    std::uint32_t flags = 0;
    if (record->ready) flags |= receivable;
    if (record->room) flags |= sendable;
    flags &= record->wanted;
    if ((flags & sendable) != 0) {
        record->room = false;
        record->wanted &= static_cast<std::uint8_t>(~sendable);
    }
    if (record->tells_error) flags |= failed;
    record->tells_error = false;
    return {static_cast<Socket*>(record->socket), flags, 0};
}

void IocpPoller::wake() noexcept {
    if (woken_.exchange(true)) return;
    const int saved_errno = errno;  // also called from signal handlers
    const DWORD saved_error = ::GetLastError();
    if (::PostQueuedCompletionStatus(port_, 0, 0, nullptr) == 0) woken_ = false;
    ::SetLastError(saved_error);
    errno = saved_errno;
}

// Operations.

void IocpPoller::begin(Operation& operation, Operation::Kind kind) noexcept {
    static_cast<OVERLAPPED&>(operation) = {};
    operation.kind = kind;
    operation.under_way = true;
    ++operation.record->in_flight;
}

/// To be called with what the call that starts an operation said. False, with WSAGetLastError, if nothing will come.
bool IocpPoller::begun(Operation& operation, bool accepted_by_system) noexcept {
    // One that was done at once comes back all the same.
    if (accepted_by_system || ::WSAGetLastError() == WSA_IO_PENDING) return true;
    operation.under_way = false;
    --operation.record->in_flight;
    return false;
}

void IocpPoller::fail(SocketRecord& record, int error) noexcept {
    record.error = error;
    record.ready = record.tells_error = true;
    again_.add(record);
}

/// Begins to wait for something to receive, or for the end of the connection.
void IocpPoller::watch_receive(SocketRecord& record) noexcept {
    const bool datagrams = record.role == SocketRecord::Role::datagrams;
    // A datagram that does not fit would be an error, which some ways to report do and others do not.
    WSABUF buffer{datagrams ? static_cast<ULONG>(datagram_slot_bytes) : 0,
                  datagrams ? reinterpret_cast<char*>(peeked_.get()) : nullptr};
    DWORD flags = datagrams ? MSG_PEEK : 0;
    begin(record.receiving, Operation::Kind::receive);
    const int result = ::WSARecv(record.handle, &buffer, 1, nullptr, &flags, &record.receiving, nullptr);
    if (!begun(record.receiving, result == 0)) fail(record, ::WSAGetLastError());
}

void IocpPoller::arm_receive(Socket& socket) noexcept {
    SocketRecord& record = *socket.system_side;
    record.wanted |= receivable;
    if (record.ready) {
        again_.add(record);
    } else if (record.receiving.under_way) {
        return;
    } else if (record.role == SocketRecord::Role::listener) {
        start_accept(record);
    } else {
        watch_receive(record);
    }
}

void IocpPoller::disarm_receive(Socket& socket) noexcept {
    SocketRecord& record = *socket.system_side;
    record.wanted &= static_cast<std::uint8_t>(~receivable);
    // The connection may break all the same.
    if (record.role != SocketRecord::Role::stream || record.finished) return;
    if (record.ready) {
        watch_hang_up(record);
    } else if (!record.receiving.under_way) {
        watch_receive(record);
    }
}

/// What is there keeps a receive from waiting: something else has to.
void IocpPoller::watch_hang_up(SocketRecord& record) noexcept {
    if (record.held || record.role != SocketRecord::Role::stream || record.error != 0) return;
    record.held = hang_ups_.add(record.handle, port_);
}

void IocpPoller::find_hang_ups() noexcept {
    for (SocketRecord* record = first_record_; record != nullptr; record = record->next) {
        if (!record->held || record->socket == nullptr || record->error != 0) continue;
        if (const int error = IocpHangUps::error_of(record->handle); error != 0) fail(*record, error);
    }
}

// The life of sockets.

std::error_code IocpPoller::add(Socket& socket, SOCKET handle, SocketRecord::Role role) {
    if (::CreateIoCompletionPort(reinterpret_cast<HANDLE>(handle), port_, 0, 0) == nullptr) {
        return system_error(static_cast<int>(::GetLastError()));
    }
    auto* const record = new SocketRecord;
    record->socket = &socket;
    record->handle = handle;
    record->role = role;
    record->next = first_record_;
    if (first_record_ != nullptr) first_record_->previous = record;
    first_record_ = record;
    socket.system_side = record;
    return {};
}

std::error_code IocpPoller::attach(Socket& socket, NativeHandle handle) {
    const auto native = static_cast<SOCKET>(handle);
    const bool is_listener = get_option(native, SOL_SOCKET, SO_ACCEPTCONN) != 0;
    const auto role = is_listener ? SocketRecord::Role::listener : SocketRecord::Role::stream;
    if (const std::error_code error = add(socket, native, role)) return error;
    SocketRecord& record = *socket.system_side;
    if (!is_listener) {
        watch_receive(record);
        return {};
    }
    WSAPROTOCOL_INFOW protocol{};
    int length = sizeof protocol;
    ::getsockopt(native, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&protocol), &length);
    record.is_unix = protocol.iAddressFamily == AF_UNIX;
    record.is_ipv6 = protocol.iAddressFamily == AF_INET6;
    record.accepting = std::make_unique<AcceptSlot>();
    if (!record.is_unix) record.accepting->options = accept_options_of(native, protocol.iAddressFamily);
    return {};
}

void IocpPoller::discard(SocketRecord& record) noexcept {
    if (record.next != nullptr) record.next->previous = record.previous;
    (record.previous != nullptr ? record.previous->next : first_record_) = record.next;
    delete &record;
}

void IocpPoller::discard_closed() noexcept {
    for (SocketRecord* record : closed_) discard(*record);
    closed_.clear();
}

bool IocpPoller::close(Socket& socket) noexcept {
    if (!socket.is_open()) return true;
    SocketRecord& record = *std::exchange(socket.system_side, nullptr);
    again_.remove(record);
    record.socket = nullptr;
    if (record.in_flight != 0) ::CancelIoEx(reinterpret_cast<HANDLE>(record.handle), nullptr);
    ::closesocket(std::exchange(record.handle, INVALID_SOCKET));
    if (record.in_flight == 0) closed_.push_back(&record);
    return true;
}

int IocpPoller::take_error(Socket& socket) noexcept {
    const SocketRecord& record = *socket.system_side;
    return record.error != 0 ? record.error : get_option(record.handle, SOL_SOCKET, SO_ERROR);
}

SocketAddress IocpPoller::local_address(const Socket& socket) const {
    return local_address_of(socket.system_side->handle);
}

SocketAddress IocpPoller::peer_address(const Socket& socket) const {
    return peer_address_of(socket.system_side->handle);
}

}  // namespace pollux::platform
