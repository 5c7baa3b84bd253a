// Stream sockets by their descriptors, on POSIX systems.
#include "platform/stream_posix.h"

#include <sys/uio.h>

#include <array>
#include <cassert>
#include <cerrno>

#include "platform/socket_address.h"
#include "platform/socket_options.h"
#include "platform/sockets_posix.h"

namespace pollux::platform {

namespace {

IoResult failure() noexcept {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::would_block, 0, 0};
    return {IoStatus::failed, errno, 0};
}

bool is_out_of_descriptors(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

IoResult accept_stream(int listener, Accepted& out) noexcept {
    for (;;) {
        sockaddr_storage storage;
        storage.ss_family = AF_UNSPEC;  // some systems tell no address of a peer that is gone already
        socklen_t length = sizeof storage;
        const int descriptor = accept_socket(listener, reinterpret_cast<sockaddr*>(&storage), &length);
        if (descriptor >= 0) {
            out.handle = descriptor;
            out.peer = inet_from_sockaddr(storage, length);
            return {};
        }
        if (is_out_of_descriptors(errno)) return {IoStatus::no_descriptors, errno, 0};
        if (errno != EINTR && !is_of_one_connection(errno)) return failure();
    }
}

IoResult start_connect(int& descriptor, const SocketAddress& address, const ConnectionOptions& options) {
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(address, storage);
    if (length == 0) return {IoStatus::failed, EINVAL, 0};
    if (descriptor < 0) {
        descriptor = make_socket(storage.ss_family, SOCK_STREAM);
        if (descriptor < 0) return {IoStatus::failed, errno, 0};
        apply_stream_options(descriptor, address.family != SocketAddress::Family::unix_domain, options);
    }
    int result;
    do {
        result = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&storage), length);
    } while (result < 0 && errno == EINTR);
    if (result < 0 && errno != EINPROGRESS) return failure();
    return {};
}

std::error_code connect_outcome(int descriptor) noexcept {
    if (const int error = take_socket_error(descriptor); error != 0) return system_error(error);
    // Without a listener a loopback connect can meet its own port and succeed (simultaneous open with itself).
    if (is_connected_to_itself(descriptor)) return make_error_code(Errc::self_connect);
    return {};
}

IoResult receive_stream(int descriptor, MutableBytes buffer) noexcept {
    for (;;) {
        const ssize_t count = ::recv(descriptor, buffer.data(), buffer.size(), 0);
        if (count > 0) return {IoStatus::done, 0, static_cast<std::size_t>(count)};
        if (count == 0) return {IoStatus::end, 0, 0};
        if (errno != EINTR) return failure();
    }
}

IoResult send_stream(int descriptor, Bytes bytes) noexcept {
    for (;;) {
        const ssize_t count = ::send(descriptor, bytes.data(), bytes.size(), send_flags);
        if (count >= 0) return {IoStatus::done, 0, static_cast<std::size_t>(count)};
        if (errno != EINTR) return failure();
    }
}

IoResult send_stream(int descriptor, std::span<const Bytes> parts) noexcept {
    assert(parts.size() <= max_send_parts);
    std::array<iovec, max_send_parts> vectors;
    const std::size_t count = parts.size();
    for (std::size_t i = 0; i < count; ++i) {
        vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
    for (;;) {
        const ssize_t sent = ::sendmsg(descriptor, &message, send_flags);
        if (sent >= 0) return {IoStatus::done, 0, static_cast<std::size_t>(sent)};
        if (errno != EINTR) return failure();
    }
}

int take_socket_error(int descriptor) noexcept {
    int error = 0;
    socklen_t length = sizeof error;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

void finish_sending(int descriptor) noexcept {
    ::shutdown(descriptor, SHUT_WR);
}

void discard_on_close(int descriptor) noexcept {
    const linger discard{1, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &discard, sizeof discard);
}

}  // namespace pollux::platform
