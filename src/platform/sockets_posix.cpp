// Sockets outside a reactor, on POSIX systems.
#include "platform/sockets_posix.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>

#include "platform/name_lookup.h"
#include "platform/socket_address.h"

namespace pollux::platform {

namespace {

void apply_keep_alive(int descriptor, const KeepAlive& keep_alive) noexcept {
    if (!keep_alive.enabled) return;
    set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    const auto seconds = [](std::chrono::seconds value) { return static_cast<int>(value.count()); };
    set_option(descriptor, IPPROTO_TCP, keep_alive_idle_option, seconds(keep_alive.idle));
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, seconds(keep_alive.interval));
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(keep_alive.count));
}

std::error_code bind_socket(int descriptor, const SocketAddress& address, const ListenOptions& options) {
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(address, storage);
    if (length == 0) return make_error_code(std::errc::filename_too_long);
    if (address.family != SocketAddress::Family::unix_domain) {
        if (options.reuse_address) set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
        if (options.reuse_port && !set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)) return system_error(errno);
        if (address.family == SocketAddress::Family::ipv6) {
            set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
        }
    }
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&storage), length) < 0) return system_error(errno);
    return {};
}

bool is_file(const SocketAddress& address) noexcept {
    return address.family == SocketAddress::Family::unix_domain && !address.path.empty() && address.path.front() != '@';
}

/// True if the path is a socket that nobody accepts on any more: left behind by a process that died.
bool is_stale_socket_file(const SocketAddress& address) noexcept {
    struct stat info {};
    if (::lstat(address.path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
    int raw = -1;
    if (open_socket(AF_UNIX, SOCK_STREAM, raw)) return false;
    const Descriptor probe{raw};
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(address, storage);
    if (length == 0) return false;
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&storage), length) < 0 && errno == ECONNREFUSED;
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
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    return ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0 && address.ss_family == AF_INET6;
}

Descriptor::~Descriptor() {
    if (value_ >= 0) ::close(value_);
}

bool set_option(int descriptor, int level, int name, int value) noexcept {
    return ::setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

int clamp_to_int(std::size_t value) noexcept {
    return static_cast<int>(std::min<std::size_t>(value, std::numeric_limits<int>::max()));
}

std::error_code open_socket(int family, int type, int& out) noexcept {
    const int descriptor = make_socket(family, type);
    if (descriptor < 0) return system_error(errno);
    out = descriptor;
    return {};
}

void apply_stream_options(int descriptor, bool is_tcp, const ConnectionOptions& options) noexcept {
    if (options.kernel_receive_buffer_bytes != 0) {
        set_option(descriptor, SOL_SOCKET, SO_RCVBUF, clamp_to_int(options.kernel_receive_buffer_bytes));
    }
    if (options.kernel_send_buffer_bytes != 0) {
        set_option(descriptor, SOL_SOCKET, SO_SNDBUF, clamp_to_int(options.kernel_send_buffer_bytes));
    }
    if (!is_tcp) return;
    if (options.no_delay) set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    apply_keep_alive(descriptor, options.keep_alive);
}

std::error_code listen(const SocketAddress& address, const ListenOptions& options, NativeHandle& out) {
    int raw = -1;
    if (const auto error = open_socket(family_of(address), SOCK_STREAM, raw)) return error;
    Descriptor descriptor{raw};
    std::error_code error = bind_socket(descriptor.get(), address, options);
    if (error == std::errc::address_in_use && is_file(address) && is_stale_socket_file(address)) {
        ::unlink(address.path.c_str());
        error = bind_socket(descriptor.get(), address, options);
    }
    if (error) return error;
    // Accepted sockets inherit the options of the listening one, so they cost no call for each connection.
    apply_stream_options(descriptor.get(), address.family != SocketAddress::Family::unix_domain, options.connection);
    if (::listen(descriptor.get(), options.backlog) < 0) return system_error(errno);
    out = descriptor.take();
    return {};
}

std::error_code check_address_free(const SocketAddress& address, const ListenOptions& options) {
    int raw = -1;
    if (const auto error = open_socket(family_of(address), SOCK_STREAM, raw)) return error;
    const Descriptor descriptor{raw};
    ListenOptions exclusive = options;
    exclusive.reuse_port = false;
    return bind_socket(descriptor.get(), address, exclusive);
}

SocketAddress local_address(NativeHandle handle) {
    return local_address_of(static_cast<int>(handle));
}

void close_handle(NativeHandle handle) noexcept {
    if (handle != invalid_handle) ::close(static_cast<int>(handle));
}

SocketFile::SocketFile(const SocketAddress& address) {
    if (is_file(address) && identify(address.path, device_, file_)) path_ = address.path;
}

bool SocketFile::identify(const std::string& path, std::uint64_t& device, std::uint64_t& file) noexcept {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return false;
    device = static_cast<std::uint64_t>(info.st_dev);
    file = info.st_ino;
    return true;
}

void SocketFile::remove() noexcept {
    std::uint64_t device = 0;
    std::uint64_t file = 0;
    if (!path_.empty() && identify(path_, device, file) && device == device_ && file == file_) ::unlink(path_.c_str());
    path_.clear();
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
