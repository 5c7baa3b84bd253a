// Sockets outside a reactor, on Windows.
#include "platform/sockets_windows.h"

#include <utility>

#include "platform/files_windows.h"
#include "platform/name_lookup.h"
#include "platform/socket_address.h"
#include "platform/socket_options.h"

namespace pollux::platform {

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

std::error_code share_address(SocketHandle socket, int type, bool reuse_address, bool reuse_port) noexcept {
    if (reuse_port) return make_error_code(std::errc::operation_not_supported);
    // Without this, anybody who sets SO_REUSEADDR could take the port over.
    if (!reuse_address) {
        return set_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1) ? std::error_code{} : last_socket_error();
    }
    // What SO_REUSEADDR is for elsewhere in streams, a port whose old connections linger, Windows gives anyway, which
    // the exclusive use would keep from others until the last of them is gone.
    if (type != SOCK_DGRAM || set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1)) return {};
    return last_socket_error();
}

std::error_code bind_to(SocketHandle socket, const sockaddr& address, socklen_t length) noexcept {
    if (::bind(socket, &address, length) == 0) return {};
    // There are no ports that need a privilege: this is one that somebody else owns exclusively.
    if (address.sa_family != AF_UNIX && ::WSAGetLastError() == WSAEACCES) return system_error(WSAEADDRINUSE);
    return last_socket_error();
}

bool is_socket_file(const std::string& path) noexcept {
    WIN32_FIND_DATAW found{};
    const HANDLE search = ::FindFirstFileW(from_utf8(path).c_str(), &found);
    if (search == INVALID_HANDLE_VALUE) return false;
    ::FindClose(search);
    return (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 && found.dwReserved0 == IO_REPARSE_TAG_AF_UNIX;
}

bool is_ipv6_socket(SocketHandle socket) noexcept {
    // Not by its name: a socket that is not bound yet has none here.
    WSAPROTOCOL_INFOW protocol{};
    int length = sizeof protocol;
    return ::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&protocol), &length) == 0 &&
           protocol.iAddressFamily == AF_INET6;
}

bool keep_from_blocking(SOCKET socket) noexcept {
    u_long on = 1;
    return ::ioctlsocket(socket, static_cast<long>(FIONBIO), &on) == 0;
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

void close_handle(NativeHandle handle) noexcept {
    if (handle != invalid_handle) ::closesocket(static_cast<SOCKET>(handle));
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
