// Sockets outside a reactor, on POSIX systems.
#include "platform/sockets_posix.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>

#include "platform/address_posix.h"

namespace pollux::platform {

namespace {

void apply_keep_alive(int descriptor, const KeepAlive& keep_alive) noexcept {
    if (!keep_alive.enabled) return;
    set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    const auto seconds = [](std::chrono::seconds value) { return static_cast<int>(value.count()); };
#ifdef TCP_KEEPIDLE
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, seconds(keep_alive.idle));
#elif defined(TCP_KEEPALIVE)
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPALIVE, seconds(keep_alive.idle));
#endif
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

std::error_code lookup(const char* host, std::uint16_t port, int flags, std::vector<SocketAddress>& out) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* list = nullptr;
    const int result = ::getaddrinfo(host, nullptr, &hints, &list);
    if (result == EAI_SYSTEM) return system_error(errno);
    if (result != 0) return make_error_code(Errc::name_not_resolved);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{list, ::freeaddrinfo};
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, entry->ai_addr, entry->ai_addrlen);
        SocketAddress address = from_sockaddr(storage, entry->ai_addrlen);
        address.port = port;
        if (address.family != SocketAddress::Family::none) out.push_back(std::move(address));
    }
    return out.empty() ? make_error_code(Errc::name_not_resolved) : std::error_code{};
}

}  // namespace

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
    const int descriptor = ::socket(family, type, 0);
    if (descriptor < 0) return system_error(errno);
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
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
    device = info.st_dev;
    file = info.st_ino;
    return true;
}

void SocketFile::remove() noexcept {
    std::uint64_t device = 0;
    std::uint64_t file = 0;
    if (!path_.empty() && identify(path_, device, file) && device == device_ && file == file_) ::unlink(path_.c_str());
    path_.clear();
}

std::error_code resolve(const std::string& host, std::uint16_t port, std::vector<SocketAddress>& out) {
    return lookup(host.c_str(), port, AI_ADDRCONFIG, out);
}

bool parse_numeric(const std::string& host, std::uint16_t port, SocketAddress& out) {
    if (host.find(':') == std::string::npos) {
        // Not by the lookup: that takes "127.1" and octal numbers, too.
        in_addr address;
        if (::inet_pton(AF_INET, host.c_str(), &address) != 1) return false;
        out = {};
        out.family = SocketAddress::Family::ipv4;
        out.port = port;
        std::memcpy(out.ip.data(), &address, sizeof address);
        return true;
    }
    std::vector<SocketAddress> found;
    if (lookup(host.c_str(), port, AI_NUMERICHOST, found)) return false;
    out = std::move(found.front());
    return true;
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
