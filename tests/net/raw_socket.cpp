// Raw sockets over IPv4, IPv6 and Unix, and where to put them.
#include "raw_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace pollux::test {
namespace {

struct NativeAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

NativeAddress to_native(const SocketAddress& address) {
    NativeAddress native;
    if (address.family == SocketAddress::Family::ipv4) {
        auto* ipv4 = reinterpret_cast<sockaddr_in*>(&native.storage);
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(address.port);
        std::memcpy(&ipv4->sin_addr, address.ip.data(), 4);
        native.size = sizeof(sockaddr_in);
    } else if (address.family == SocketAddress::Family::ipv6) {
        auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&native.storage);
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons(address.port);
        ipv6->sin6_scope_id = address.scope;
        std::memcpy(&ipv6->sin6_addr, address.ip.data(), 16);
        native.size = sizeof(sockaddr_in6);
    } else {
        auto* local = reinterpret_cast<sockaddr_un*>(&native.storage);
        local->sun_family = AF_UNIX;
        const bool abstract = address.path.starts_with('@');
        const std::size_t length = std::min(address.path.size(), sizeof(local->sun_path));
        std::memcpy(local->sun_path, address.path.data(), length);
        if (abstract) local->sun_path[0] = '\0';
        native.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + (abstract ? 0 : 1));
    }
    return native;
}

SocketAddress from_native(const NativeAddress& native) {
    SocketAddress address;
    if (native.storage.ss_family == AF_INET) {
        const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(&native.storage);
        address.family = SocketAddress::Family::ipv4;
        address.port = ntohs(ipv4->sin_port);
        std::memcpy(address.ip.data(), &ipv4->sin_addr, 4);
    } else if (native.storage.ss_family == AF_INET6) {
        const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(&native.storage);
        address.family = SocketAddress::Family::ipv6;
        address.port = ntohs(ipv6->sin6_port);
        address.scope = ipv6->sin6_scope_id;
        std::memcpy(address.ip.data(), &ipv6->sin6_addr, 16);
    } else {
        const auto* local = reinterpret_cast<const sockaddr_un*>(&native.storage);
        address.family = SocketAddress::Family::unix_domain;
        if (native.size > offsetof(sockaddr_un, sun_path)) address.path = local->sun_path;
    }
    return address;
}

int family_of(const SocketAddress& address) {
    if (address.family == SocketAddress::Family::ipv4) return AF_INET;
    return address.family == SocketAddress::Family::ipv6 ? AF_INET6 : AF_UNIX;
}

timeval to_timeval(std::chrono::seconds limit) {
    return {.tv_sec = limit.count(), .tv_usec = 0};
}

/// Connect and accept answer to these bounds too, so no raw call hangs.
void bound_waits(int descriptor) {
    const timeval limit = to_timeval(patience);
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void send_small_pieces_at_once(int descriptor) {
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on Unix sockets, where it is moot
}

/// The directory of the socket files, removed at exit.
class ScratchDirectory {
public:
    ScratchDirectory() {
        std::string name = "/tmp/pollux-net-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~ScratchDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

int next_number() {
    static std::atomic<int> next{0};
    return ++next;
}

}  // namespace

std::string fresh_path() {
    static const ScratchDirectory directory;
    return directory.file(std::to_string(next_number()) + ".sock");
}

std::string fresh_abstract_name() {
    return "@pollux-net-" + std::to_string(::getpid()) + "-" + std::to_string(next_number());
}

std::string fresh_endpoint(Transport transport) {
    return transport == Transport::tcp ? "tcp://127.0.0.1:0" : "unix://" + fresh_path();
}

std::string endpoint_of(const SocketAddress& address) {
    const bool local = address.family == SocketAddress::Family::unix_domain;
    return (local ? "unix://" : "tcp://") + address.to_string();
}

bool has_ipv6() {
    SocketAddress loopback;
    loopback.family = SocketAddress::Family::ipv6;
    loopback.ip[15] = 1;
    const NativeAddress native = to_native(loopback);
    const RawSocket socket{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    return socket.valid() && ::bind(socket.descriptor(), native.get(), native.size) == 0;
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) ++count;
    return count - 1;  // the one that reads the directory
}

RawSocket::RawSocket(int descriptor) : descriptor_(descriptor) {
    if (!valid()) return;
    bound_waits(descriptor_);
    send_small_pieces_at_once(descriptor_);
}

RawSocket& RawSocket::operator=(RawSocket&& other) noexcept {
    if (this != &other) {
        close();
        descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
}

RawSocket RawSocket::connect(const SocketAddress& to, int receive_buffer_bytes) {
    RawSocket socket{::socket(family_of(to), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket.valid()) return socket;
    if (receive_buffer_bytes != 0) {
        ::setsockopt(socket.descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    const NativeAddress native = to_native(to);
    if (::connect(socket.descriptor_, native.get(), native.size) != 0) socket.close();
    return socket;
}

RawSocket RawSocket::unconnected(const SocketAddress& to) {
    return RawSocket{::socket(family_of(to), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

RawSocket RawSocket::connect_without_waiting(const SocketAddress& to) {
    RawSocket socket = unconnected(to);
    socket.begin_connect(to);
    return socket;
}

void RawSocket::begin_connect(const SocketAddress& to) const {
    const NativeAddress native = to_native(to);
    (void)::connect(descriptor_, native.get(), native.size);
}

SocketAddress RawSocket::local_address() const {
    NativeAddress native;
    native.size = sizeof native.storage;
    ::getsockname(descriptor_, native.get(), &native.size);
    return from_native(native);
}

bool RawSocket::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::size_t RawSocket::send_some(std::string_view bytes) const {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::string RawSocket::receive(std::size_t size) const {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count = ::recv(descriptor_, bytes.data() + done, size - done, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    bytes.resize(done);
    return bytes;
}

std::string RawSocket::receive_some(std::size_t size) const {
    std::string bytes(size, '\0');
    ssize_t count = 0;
    do {
        count = ::recv(descriptor_, bytes.data(), size, 0);
    } while (count < 0 && errno == EINTR);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
}

RawSocket::Rest RawSocket::receive_rest() const {
    Rest rest;
    std::string buffer(std::size_t{256} * 1024, '\0');
    for (;;) {
        const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
        if (count > 0) {
            rest.bytes.append(buffer, 0, static_cast<std::size_t>(count));
        } else if (count == 0) {
            return rest;
        } else if (errno != EINTR) {
            rest.error = errno;
            return rest;
        }
    }
}

void RawSocket::finish_sending() const {
    ::shutdown(descriptor_, SHUT_WR);
}

void RawSocket::close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void RawSocket::reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

RawListener::RawListener(Transport transport, int backlog) {
    if (transport == Transport::tcp) {
        address_.family = SocketAddress::Family::ipv4;
        address_.ip[0] = 127;
        address_.ip[3] = 1;
    } else {
        address_.family = SocketAddress::Family::unix_domain;
        address_.path = fresh_path();
    }
    socket_ = RawSocket{::socket(family_of(address_), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const NativeAddress native = to_native(address_);
    if (::bind(socket_.descriptor(), native.get(), native.size) != 0 || ::listen(socket_.descriptor(), backlog) != 0) {
        std::perror("RawListener");
        std::abort();
    }
    address_ = socket_.local_address();
}

RawListener::~RawListener() {
    if (!address_.path.empty()) ::unlink(address_.path.c_str());
}

RawSocket RawListener::accept() const {
    return RawSocket{::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC)};
}

}  // namespace pollux::test
