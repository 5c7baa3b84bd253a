// Listening sockets, and the files of those that are Unix sockets.
#include "platform/sockets.h"

#include "platform/files.h"
#include "platform/socket_address.h"
#include "platform/socket_calls.h"
#include "platform/socket_options.h"

namespace pollux::platform {

namespace {

bool is_unix(const SocketAddress& address) noexcept {
    return address.family == SocketAddress::Family::unix_domain;
}

bool is_file(const SocketAddress& address) noexcept {
    return is_unix(address) && !address.path.empty() && address.path.front() != '@';
}

int family_of(const SocketAddress& address) noexcept {
    switch (address.family) {
        case SocketAddress::Family::ipv4:
            return AF_INET;
        case SocketAddress::Family::ipv6:
            return AF_INET6;
        default:
            return AF_UNIX;
    }
}

std::error_code bind_listener(SocketHandle socket, const SocketAddress& address, const ListenOptions& options) {
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(address, storage);
    if (length == 0) return make_error_code(std::errc::filename_too_long);
    if (!is_unix(address)) {
        if (const auto error = share_address(socket, SOCK_STREAM, options.reuse_address, options.reuse_port)) {
            return error;
        }
        if (address.family == SocketAddress::Family::ipv6) {
            set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
        }
    }
    return bind_to(socket, reinterpret_cast<const sockaddr&>(storage), length);
}

/// True if the path is a socket that nobody accepts on any more: left behind by a process that died.
bool is_stale_socket_file(const SocketAddress& address) noexcept {
    if (!is_socket_file(address.path)) return false;
    const OwnedSocket probe = open_socket(AF_UNIX, SOCK_STREAM);
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(address, storage);
    if (!probe || length == 0) return false;
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 &&
           last_socket_error() == std::errc::connection_refused;
}

}  // namespace

std::error_code listen(const SocketAddress& address, const ListenOptions& options, NativeHandle& out) {
    OwnedSocket socket = open_socket(family_of(address), SOCK_STREAM);
    if (!socket) return last_socket_error();
    std::error_code error = bind_listener(socket.get(), address, options);
    if (error == std::errc::address_in_use && is_file(address) && is_stale_socket_file(address)) {
        remove_file(address.path);
        error = bind_listener(socket.get(), address, options);
    }
    if (error) return error;
    // Accepted sockets get those of the listening one: they inherit them, or the poller sees to it.
    apply_stream_options(socket.get(), !is_unix(address), options.connection);
    if (::listen(socket.get(), options.backlog) != 0) return last_socket_error();
    out = static_cast<NativeHandle>(socket.take());
    return {};
}

std::error_code check_address_free(const SocketAddress& address, const ListenOptions& options) {
    const OwnedSocket socket = open_socket(family_of(address), SOCK_STREAM);
    if (!socket) return last_socket_error();
    ListenOptions exclusive = options;
    exclusive.reuse_port = false;
    return bind_listener(socket.get(), address, exclusive);
}

SocketAddress local_address(NativeHandle handle) {
    return local_address_of(static_cast<SocketHandle>(handle));
}

SocketFile::SocketFile(const SocketAddress& address) {
    if (is_file(address) && identify_without_following(address.path, device_, file_)) path_ = address.path;
}

void SocketFile::remove() noexcept {
    std::uint64_t device = 0;
    std::uint64_t file = 0;
    const bool is_there = !path_.empty() && identify_without_following(path_, device, file);
    if (is_there && device == device_ && file == file_) remove_file(path_);
    path_.clear();
}

}  // namespace pollux::platform
