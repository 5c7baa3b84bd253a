// Sockets outside a reactor, on Windows.
#include "platform/sockets_windows.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>

#include "platform/files_windows.h"
#include "platform/name_lookup.h"
#include "platform/socket_address.h"

namespace pollux::platform {

namespace {

void apply_keep_alive(SOCKET socket, const KeepAlive& keep_alive) noexcept {
    if (!keep_alive.enabled) return;
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    const auto seconds = [](std::chrono::seconds value) { return static_cast<int>(value.count()); };
    set_option(socket, IPPROTO_TCP, keep_alive_idle_option, seconds(keep_alive.idle));
    set_option(socket, IPPROTO_TCP, keep_alive_interval_option, seconds(keep_alive.interval));
    set_option(socket, IPPROTO_TCP, keep_alive_count_option, static_cast<int>(keep_alive.count));
}

std::error_code bind_socket(SOCKET socket, const SocketAddress& address, const ListenOptions& options) {
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(address, storage);
    if (length == 0) return make_error_code(std::errc::filename_too_long);
    const bool is_unix = address.family == SocketAddress::Family::unix_domain;
    if (!is_unix) {
        // What SO_REUSEADDR is for elsewhere, a port whose old connections linger, Windows gives anyway; its own would
        // let anybody take the port over. The opposite keeps the port until the last of them is gone.
        if (!options.reuse_address) set_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
        if (options.reuse_port) return make_error_code(std::errc::operation_not_supported);
        if (address.family == SocketAddress::Family::ipv6) {
            set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
        }
    }
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&storage), length) == 0) return {};
    // There are no ports that need a privilege: this is one that somebody else owns exclusively.
    if (!is_unix && ::WSAGetLastError() == WSAEACCES) return system_error(WSAEADDRINUSE);
    return last_socket_error();
}

bool is_file(const SocketAddress& address) noexcept {
    return address.family == SocketAddress::Family::unix_domain && !address.path.empty();
}

/// True if the path is a socket that nobody accepts on any more: left behind by a process that died.
bool is_stale_socket_file(const SocketAddress& address) {
    const std::filesystem::path path = from_utf8(address.path);
    WIN32_FIND_DATAW found{};
    const HANDLE search = ::FindFirstFileW(path.c_str(), &found);
    if (search == INVALID_HANDLE_VALUE) return false;
    ::FindClose(search);
    const bool is_socket =
        (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 && found.dwReserved0 == IO_REPARSE_TAG_AF_UNIX;
    if (!is_socket) return false;
    const OwnedSocket probe = open_socket(AF_UNIX, SOCK_STREAM);
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(address, storage);
    if (!probe || length == 0) return false;
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 &&
           ::WSAGetLastError() == WSAECONNREFUSED;
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

}  // namespace

bool is_ipv6_socket(SocketHandle socket) noexcept {
    // Not by its name: a socket that is not bound yet has none here.
    WSAPROTOCOL_INFOW protocol{};
    int length = sizeof protocol;
    return ::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&protocol), &length) == 0 &&
           protocol.iAddressFamily == AF_INET6;
}

void start_winsock() noexcept {
    // Once for the process, whose end ends it.
    static const int result = [] {
        WSADATA data;
        return ::WSAStartup(MAKEWORD(2, 2), &data);
    }();
    static_cast<void>(result);  // the calls that follow tell
}

OwnedSocket open_socket(int family, int type) noexcept {
    start_winsock();
    OwnedSocket socket{::WSASocketW(family, type, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)};
    if (socket && !keep_from_blocking(socket.get())) return {};
    return socket;
}

bool keep_from_blocking(SOCKET socket) noexcept {
    u_long on = 1;
    return ::ioctlsocket(socket, static_cast<long>(FIONBIO), &on) == 0;
}

bool set_option(SOCKET socket, int level, int name, int value) noexcept {
    return ::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value) == 0;
}

int get_option(SOCKET socket, int level, int name) noexcept {
    int value = 0;
    int length = sizeof value;
    return ::getsockopt(socket, level, name, reinterpret_cast<char*>(&value), &length) == 0 ? value : 0;
}

bool was_reset(SOCKET socket) noexcept {
    WSAPOLLFD state{socket, POLLIN, 0};
    return ::WSAPoll(&state, 1, 0) > 0 && (state.revents & POLLERR) != 0;
}

int clamp_to_int(std::size_t value) noexcept {
    return static_cast<int>(std::min<std::size_t>(value, std::numeric_limits<int>::max()));
}

void apply_stream_options(SOCKET socket, bool is_tcp, const ConnectionOptions& options) noexcept {
    if (options.kernel_receive_buffer_bytes != 0) {
        set_option(socket, SOL_SOCKET, SO_RCVBUF, clamp_to_int(options.kernel_receive_buffer_bytes));
    }
    if (options.kernel_send_buffer_bytes != 0) {
        set_option(socket, SOL_SOCKET, SO_SNDBUF, clamp_to_int(options.kernel_send_buffer_bytes));
    }
    if (!is_tcp) return;
    if (options.no_delay) set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    apply_keep_alive(socket, options.keep_alive);
}

std::error_code listen(const SocketAddress& address, const ListenOptions& options, NativeHandle& out) {
    OwnedSocket socket = open_socket(family_of(address), SOCK_STREAM);
    if (!socket) return last_socket_error();
    std::error_code error = bind_socket(socket.get(), address, options);
    if (error == std::errc::address_in_use && is_file(address) && is_stale_socket_file(address)) {
        ::DeleteFileW(from_utf8(address.path).c_str());
        error = bind_socket(socket.get(), address, options);
    }
    if (error) return error;
    // Those of the listening socket are what the poller gives the sockets it accepts.
    apply_stream_options(socket.get(), address.family != SocketAddress::Family::unix_domain, options.connection);
    if (::listen(socket.get(), options.backlog) != 0) return last_socket_error();
    out = static_cast<NativeHandle>(socket.take());
    return {};
}

std::error_code check_address_free(const SocketAddress& address, const ListenOptions& options) {
    const OwnedSocket socket = open_socket(family_of(address), SOCK_STREAM);
    if (!socket) return last_socket_error();
    ListenOptions exclusive = options;
    exclusive.reuse_port = false;
    return bind_socket(socket.get(), address, exclusive);
}

SocketAddress local_address(NativeHandle handle) {
    return local_address_of(static_cast<SOCKET>(handle));
}

void close_handle(NativeHandle handle) noexcept {
    if (handle != invalid_handle) ::closesocket(static_cast<SOCKET>(handle));
}

SocketFile::SocketFile(const SocketAddress& address) {
    if (is_file(address) && identify(address.path, device_, file_)) path_ = address.path;
}

bool SocketFile::identify(const std::string& path, std::uint64_t& device, std::uint64_t& file) noexcept {
    return identify_without_following(path, device, file);
}

void SocketFile::remove() noexcept {
    std::uint64_t device = 0;
    std::uint64_t file = 0;
    if (!path_.empty() && identify(path_, device, file) && device == device_ && file == file_) remove_file(path_);
    path_.clear();
}

std::error_code look_up(const char* host, const addrinfo& hints, addrinfo*& list) noexcept {
    start_winsock();
    switch (const int result = ::getaddrinfo(host, nullptr, &hints, &list)) {
        case 0:
            return {};
        case WSAHOST_NOT_FOUND:
        case WSATRY_AGAIN:
        case WSANO_RECOVERY:
        case WSANO_DATA:
            return make_error_code(Errc::name_not_resolved);
        default:
            return system_error(result);
    }
}

// Handles are bounded by memory alone: none need be held back, and what is short is not helped by one.

bool ReserveDescriptor::release() noexcept {
    return std::exchange(handle_, invalid_handle) != invalid_handle;
}

bool ReserveDescriptor::restore() noexcept {
    handle_ = 0;
    return true;
}

}  // namespace pollux::platform
