// Streams on a completion port: accepting, connecting, receiving and sending.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "platform/poller_iocp.h"
#include "platform/socket_address.h"
#include "platform/socket_options.h"

namespace pollux::platform {

namespace {

/// What an operation that sends takes with it. Small, since it is copied; when it is through, more goes without a copy.
constexpr std::size_t longest_operation = std::size_t{16} * 1024;

/// The system keeps what it takes in memory that is never swapped out, and takes all of what it is given: this bounds
/// what a connection can make it keep.
constexpr std::size_t longest_send = std::size_t{1} << 20;

bool is_out_of_resources(int error) noexcept {
    return error == WSAEMFILE || error == WSAENOBUFS || error == WSA_NOT_ENOUGH_MEMORY;
}

IoResult failure(int error) noexcept {
    if (error == WSAEWOULDBLOCK) return {IoStatus::would_block, 0, 0};
    return {IoStatus::failed, error, 0};
}

WSABUF to_buffer(Bytes bytes, std::size_t longest) noexcept {
    return {static_cast<ULONG>(std::min(bytes.size(), longest)),
            const_cast<char*>(reinterpret_cast<const char*>(bytes.data()))};
}

/// What AcceptEx and accept leave to be done.
bool complete(SOCKET accepted, SOCKET listener, bool by_operation, const AcceptSlot::Options& options) noexcept {
    if (by_operation) {
        // From now on the calls that ask a connection for its addresses know it as one.
        const char* const context = reinterpret_cast<const char*>(&listener);
        if (::setsockopt(accepted, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, context, sizeof listener) != 0) return false;
    } else {
        ::SetHandleInformation(reinterpret_cast<HANDLE>(accepted), HANDLE_FLAG_INHERIT, 0);
        if (!keep_from_blocking(accepted)) return false;
    }
    if (options.receive_buffer != 0) set_option(accepted, SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
    if (options.send_buffer != 0) set_option(accepted, SOL_SOCKET, SO_SNDBUF, options.send_buffer);
    if (options.no_delay != 0) set_option(accepted, IPPROTO_TCP, TCP_NODELAY, 1);
    if (options.keep_alive != 0) {
        set_option(accepted, SOL_SOCKET, SO_KEEPALIVE, 1);
        // Zeros, of a system that takes them and cannot tell them, are refused.
        set_option(accepted, IPPROTO_TCP, keep_alive_idle_option, options.keep_alive_idle);
        set_option(accepted, IPPROTO_TCP, keep_alive_interval_option, options.keep_alive_interval);
        set_option(accepted, IPPROTO_TCP, keep_alive_count_option, options.keep_alive_count);
    }
    return true;
}

}  // namespace

// Accepting.

void IocpPoller::start_accept(SocketRecord& listener) noexcept {
    AcceptSlot& slot = *listener.accepting;
    const int family = listener.is_unix ? AF_UNIX : listener.is_ipv6 ? AF_INET6 : AF_INET;
    slot.socket = open_socket(family, SOCK_STREAM);
    bool started = false;
    if (slot.socket) {
        DWORD received = 0;
        begin(listener.receiving, Operation::Kind::accept);
        const BOOL done =
            functions_.accept_ex(listener.handle, slot.socket.get(), slot.addresses.data(), 0,
                                 AcceptSlot::address_bytes, AcceptSlot::address_bytes, &received, &listener.receiving);
        started = begun(listener.receiving, done != 0);
    }
    if (started) return;
    slot.error = ::WSAGetLastError();
    listener.ready = true;
    again_.add(listener);
}

/// Hands over the connection that the operation has brought. False if it broke meanwhile.
bool IocpPoller::take_accepted(SocketRecord& listener, Accepted& out) noexcept {
    AcceptSlot& slot = *listener.accepting;
    slot.is_waiting = false;
    OwnedSocket socket = std::move(slot.socket);
    if (!complete(socket.get(), listener.handle, true, slot.options)) return false;
    sockaddr* local = nullptr;
    sockaddr* peer = nullptr;
    int local_length = 0;
    int peer_length = 0;
    functions_.get_accept_ex_sockaddrs(slot.addresses.data(), 0, AcceptSlot::address_bytes, AcceptSlot::address_bytes,
                                       &local, &local_length, &peer, &peer_length);
    sockaddr_storage storage{};
    std::memcpy(&storage, peer, std::min<std::size_t>(static_cast<std::size_t>(peer_length), sizeof storage));
    out.peer = inet_from_sockaddr(storage, peer_length);
    out.handle = static_cast<NativeHandle>(socket.take());
    return true;
}

IoResult IocpPoller::accept(Socket& socket, Accepted& out) noexcept {
    SocketRecord& listener = *socket.system_side;
    AcceptSlot& slot = *listener.accepting;
    if (const int error = std::exchange(slot.error, 0); error != 0) {
        if (is_out_of_resources(error)) return {IoStatus::no_descriptors, error, 0};
        return failure(error);
    }
    if (slot.is_waiting && take_accepted(listener, out)) return {};
    for (;;) {
        sockaddr_storage storage;
        int length = sizeof storage;
        OwnedSocket accepted{::accept(listener.handle, reinterpret_cast<sockaddr*>(&storage), &length)};
        if (accepted) {
            if (!complete(accepted.get(), listener.handle, false, slot.options)) continue;
            listener.ready = true;
            out.peer = inet_from_sockaddr(storage, length);
            out.handle = static_cast<NativeHandle>(accepted.take());
            return {};
        }
        const int error = ::WSAGetLastError();
        if (error == WSAECONNRESET) continue;  // it was reset while it waited in the backlog
        if (is_out_of_resources(error)) return {IoStatus::no_descriptors, error, 0};
        listener.ready = false;
        return failure(error);
    }
}

// Connecting.

IoResult IocpPoller::connect(Socket& socket, const SocketAddress& address, const ConnectionOptions& options) {
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(address, storage);
    if (length == 0) return {IoStatus::failed, WSAEINVAL, 0};
    const bool is_unix = address.family == SocketAddress::Family::unix_domain;
    if (!socket.is_open()) {
        OwnedSocket made = open_socket(storage.ss_family, SOCK_STREAM);
        if (!made) return {IoStatus::failed, ::WSAGetLastError(), 0};
        apply_stream_options(made.get(), !is_unix, options);
        if (const std::error_code error = add(socket, made.get(), SocketRecord::Role::stream)) {
            return {IoStatus::failed, error.value(), 0};
        }
        made.take();
    }
    SocketRecord& record = *socket.system_side;
    record.wanted |= sendable;
    if (is_unix) return connect_unix(record, storage, length);
    sockaddr_storage any{};
    any.ss_family = storage.ss_family;
    if (::bind(record.handle, reinterpret_cast<const sockaddr*>(&any), length) != 0) {
        return {IoStatus::failed, ::WSAGetLastError(), 0};
    }
    begin(record.sending, Operation::Kind::connect);
    const BOOL done = functions_.connect_ex(record.handle, reinterpret_cast<const sockaddr*>(&storage), length, nullptr,
                                            0, nullptr, &record.sending);
    if (begun(record.sending, done != 0)) return {};
    return {IoStatus::failed, ::WSAGetLastError(), 0};
}

/// ConnectEx is documented for the internet's families alone. On one machine a plain connect has its outcome at once.
IoResult IocpPoller::connect_unix(SocketRecord& record, const sockaddr_storage& address, int length) noexcept {
    if (::connect(record.handle, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        return failure(::WSAGetLastError());
    }
    record.is_unix = record.room = true;
    again_.add(record);
    return {};
}

std::error_code IocpPoller::finish_connect(Socket& socket) noexcept {
    SocketRecord& record = *socket.system_side;
    if (record.error != 0) return system_error(record.error);
    if (!record.is_unix) {
        if (::setsockopt(record.handle, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, nullptr, 0) != 0) {
            return last_socket_error();
        }
        if (is_connected_to_itself(record.handle)) return make_error_code(Errc::self_connect);
    }
    watch_receive(record);
    return {};
}

// Receiving.

IoResult IocpPoller::receive(Socket& socket, MutableBytes buffer) noexcept {
    SocketRecord& record = *socket.system_side;
    const auto size = static_cast<int>(std::min<std::size_t>(buffer.size(), std::numeric_limits<int>::max()));
    const int count = ::recv(record.handle, reinterpret_cast<char*>(buffer.data()), size, 0);
    if (count > 0) {
        record.ready = count == size || record.error != 0;
        return {IoStatus::done, 0, static_cast<std::size_t>(count)};
    }
    const int error = count == 0 ? 0 : ::WSAGetLastError();
    if (count == 0 && record.error == 0 && was_reset(record.handle)) record.error = WSAECONNRESET;
    // The operation that told of the error may have been the only one to hear of it.
    if (record.error != 0) return {IoStatus::failed, record.error, 0};
    record.ready = false;
    record.finished = count == 0;
    if (count == 0) return {IoStatus::end, 0, 0};
    return failure(error);
}

// Sending.

IoResult IocpPoller::send_buffers(SocketRecord& record, std::span<WSABUF> buffers) noexcept {
    // What goes out now would overtake it.
    if (record.sending.under_way) return {IoStatus::would_block, 0, 0};
    DWORD sent = 0;
    if (::WSASend(record.handle, buffers.data(), static_cast<DWORD>(buffers.size()), &sent, 0, nullptr, nullptr) == 0) {
        return {IoStatus::done, 0, sent};
    }
    const int error = ::WSAGetLastError();
    if (error == WSAENOBUFS) return {IoStatus::would_block, 0, 0};  // a smaller piece is tried by an operation
    return failure(error);
}

IoResult IocpPoller::send(Socket& socket, Bytes bytes) noexcept {
    WSABUF buffer = to_buffer(bytes, longest_send);
    return send_buffers(*socket.system_side, {&buffer, 1});
}

IoResult IocpPoller::send(Socket& socket, std::span<const Bytes> parts) noexcept {
    assert(parts.size() <= max_send_parts);
    std::array<WSABUF, max_send_parts> buffers;
    std::size_t count = 0;
    for (std::size_t room = longest_send; count < parts.size() && room != 0; ++count) {
        buffers[count] = to_buffer(parts[count], room);
        room -= buffers[count].len;
    }
    return send_buffers(*socket.system_side, std::span{buffers}.first(count));
}

void IocpPoller::arm_send(Socket& socket, Bytes pending) noexcept {
    SocketRecord& record = *socket.system_side;
    record.wanted |= sendable;
    if (record.sending.under_way) return;
    if (pending.empty()) {
        record.room = true;
        again_.add(record);
        return;
    }
    if (record.outgoing == nullptr) record.outgoing.reset(new (std::nothrow) std::byte[longest_operation]);
    if (record.outgoing == nullptr) {
        fail(record, WSAENOBUFS);
        return;
    }
    const Bytes piece = pending.first(std::min(pending.size(), longest_operation));
    std::memcpy(record.outgoing.get(), piece.data(), piece.size());
    WSABUF buffer = to_buffer({record.outgoing.get(), piece.size()}, piece.size());
    begin(record.sending, Operation::Kind::send);
    const int result = ::WSASend(record.handle, &buffer, 1, nullptr, 0, &record.sending, nullptr);
    if (!begun(record.sending, result == 0)) fail(record, ::WSAGetLastError());
}

/// TransmitFile, the system's call for it, always waits for the peer, and a process may have two at a time on most
/// editions of Windows: reading and sending does without both.
IoResult IocpPoller::send_file(Socket& /*socket*/, NativeHandle /*file*/, std::uint64_t /*offset*/,
                               std::size_t /*count*/) noexcept {
    return {IoStatus::failed, WSAEOPNOTSUPP, 0};
}

void IocpPoller::shutdown_send(Socket& socket) noexcept {
    ::shutdown(socket.system_side->handle, SD_SEND);
}

void IocpPoller::reset_on_close(Socket& socket) noexcept {
    const linger discard{1, 0};
    ::setsockopt(socket.system_side->handle, SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&discard),
                 sizeof discard);
}

}  // namespace pollux::platform
