// Sockets outside a reactor, on POSIX systems.
#include "platform/sockets_posix.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "platform/name_lookup.h"
#include "platform/socket_address.h"
#include "platform/socket_calls.h"
#include "platform/socket_options.h"

namespace pollux::platform {

OwnedSocket open_socket(int family, int type) noexcept {
    return OwnedSocket{make_socket(family, type)};
}

std::error_code share_address(SocketHandle socket, int /*type*/, bool reuse_address, bool reuse_port) noexcept {
    if (reuse_address && !set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1)) return last_socket_error();
    if (reuse_port && !set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1)) return last_socket_error();
    return {};
}

std::error_code bind_to(SocketHandle socket, const sockaddr& address, socklen_t length) noexcept {
    return ::bind(socket, &address, length) == 0 ? std::error_code{} : last_socket_error();
}

bool is_socket_file(const std::string& path) noexcept {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

bool is_ipv6_socket(SocketHandle socket) noexcept {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    return ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0 && address.ss_family == AF_INET6;
}

void close_handle(NativeHandle handle) noexcept {
    if (handle != invalid_handle) ::close(static_cast<int>(handle));
}

std::error_code look_up(const char* host, const addrinfo& hints, addrinfo*& list) noexcept {
    const int result = ::getaddrinfo(host, nullptr, &hints, &list);
    if (result == EAI_SYSTEM) return system_error(errno);
    return result == 0 ? std::error_code{} : make_error_code(Errc::name_not_resolved);
}

bool ReserveDescriptor::release() noexcept {
    if (handle_ == invalid_handle) return false;
    ::close(static_cast<int>(std::exchange(handle_, invalid_handle)));
    return true;
}

bool ReserveDescriptor::restore() noexcept {
    if (handle_ == invalid_handle) handle_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return handle_ != invalid_handle;
}

}  // namespace pollux::platform
