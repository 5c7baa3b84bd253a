// The calls that all systems have.
#include "common/socket_calls.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/process.h"
#include "native_sockets.h"

namespace pollux::test {
namespace {

using Family = SocketAddress::Family;
using native::Size;
using native::Socket;

Socket to_socket(SocketHandle handle) {
    return static_cast<Socket>(handle);
}

struct NativeAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

int to_native(Family family) {
    if (family == Family::ipv4) return AF_INET;
    return family == Family::ipv6 ? AF_INET6 : AF_UNIX;
}

NativeAddress to_native(const SocketAddress& address) {
    NativeAddress native;
    if (address.family == Family::ipv4) {
        auto* ipv4 = reinterpret_cast<sockaddr_in*>(&native.storage);
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(address.port);
        std::memcpy(&ipv4->sin_addr, address.ip.data(), 4);
        native.size = sizeof(sockaddr_in);
    } else if (address.family == Family::ipv6) {
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
        address.family = Family::ipv4;
        address.port = ntohs(ipv4->sin_port);
        std::memcpy(address.ip.data(), &ipv4->sin_addr, 4);
    } else if (native.storage.ss_family == AF_INET6) {
        const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(&native.storage);
        address.family = Family::ipv6;
        address.port = ntohs(ipv6->sin6_port);
        address.scope = ipv6->sin6_scope_id;
        std::memcpy(address.ip.data(), &ipv6->sin6_addr, 16);
    } else if (native.storage.ss_family == AF_UNIX) {
        const auto* local = reinterpret_cast<const sockaddr_un*>(&native.storage);
        address.family = Family::unix_domain;
        if (native.size > static_cast<socklen_t>(offsetof(sockaddr_un, sun_path))) address.path = local->sun_path;
    }
    return address;
}

bool succeeded(int result) {
    return result == 0 || native::note_error();
}

/// For calls that may be interrupted by a signal.
template <class Call>
std::ptrdiff_t repeat(Call&& call) {
    for (;;) {
        const std::ptrdiff_t result = call();
        if (result >= 0) return result;
        native::note_error();
        if (errno != EINTR) return -1;
    }
}

struct NativeOption {
    int level;
    int name;
};

NativeOption to_native(SocketOption option) {
    static constexpr std::array<NativeOption, 12> options{{{SOL_SOCKET, SO_RCVBUF},
                                                           {SOL_SOCKET, SO_SNDBUF},
                                                           {SOL_SOCKET, SO_REUSEADDR},
                                                           {IPPROTO_TCP, TCP_NODELAY},
                                                           {SOL_SOCKET, SO_KEEPALIVE},
                                                           {IPPROTO_TCP, native::tcp_keep_idle},
                                                           {IPPROTO_TCP, native::tcp_keep_interval},
                                                           {IPPROTO_TCP, native::tcp_keep_count},
                                                           {IPPROTO_IP, IP_TTL},
                                                           {IPPROTO_IP, IP_MULTICAST_TTL},
                                                           {IPPROTO_IP, IP_MULTICAST_LOOP},
                                                           {IPPROTO_IPV6, IPV6_MULTICAST_IF}}};
    return options[static_cast<std::size_t>(option)];
}

bool can_bind(SocketKind kind, const SocketAddress& address) {
    const SocketHandle handle = open_socket(address.family, kind);
    const bool bound = handle != no_socket && bind_socket(handle, address);
    close_socket(handle);
    return bound;
}

}  // namespace

SocketHandle open_socket(Family family, SocketKind kind) {
    native::start_up();
    const Socket socket = ::socket(to_native(family), kind == SocketKind::stream ? SOCK_STREAM : SOCK_DGRAM, 0);
    const auto handle = static_cast<SocketHandle>(socket);
    if (handle == no_socket) {
        native::note_error();
        return no_socket;
    }
    native::keep_from_children(socket);
    native::forbid_signals(socket);
    return handle;
}

void close_socket(SocketHandle handle) {
    if (handle != no_socket) native::close(to_socket(handle));
}

void set_blocking(SocketHandle handle, bool blocking) {
    native::set_blocking(to_socket(handle), blocking);
}

void set_patience(SocketHandle handle, std::chrono::seconds limit) {
    native::set_patience(to_socket(handle), limit);
}

bool bind_socket(SocketHandle handle, const SocketAddress& address) {
    const NativeAddress native = to_native(address);
    return succeeded(::bind(to_socket(handle), native.get(), native.size));
}

bool listen_with(SocketHandle handle, int backlog) {
    return succeeded(::listen(to_socket(handle), backlog));
}

bool connect_socket(SocketHandle handle, const SocketAddress& address) {
    const NativeAddress native = to_native(address);
    return succeeded(::connect(to_socket(handle), native.get(), native.size));
}

SocketHandle accept_socket(SocketHandle handle, std::chrono::seconds limit) {
    if (!wait_readable(handle, limit)) {
        errno = EAGAIN;
        return no_socket;
    }
    const Socket socket = ::accept(to_socket(handle), nullptr, nullptr);
    const auto accepted = static_cast<SocketHandle>(socket);
    if (accepted == no_socket) {
        native::note_error();
        return no_socket;
    }
    native::keep_from_children(socket);
    native::forbid_signals(socket);
    return accepted;
}

SocketAddress name_of(SocketHandle handle) {
    NativeAddress native;
    if (!succeeded(::getsockname(to_socket(handle), native.get(), &native.size))) return {};
    return from_native(native);
}

SocketAddress peer_of(SocketHandle handle) {
    NativeAddress native;
    if (!succeeded(::getpeername(to_socket(handle), native.get(), &native.size))) return {};
    return from_native(native);
}

std::ptrdiff_t send_bytes(SocketHandle handle, std::string_view bytes) {
    return repeat([&] {
        return std::ptrdiff_t{
            ::send(to_socket(handle), bytes.data(), static_cast<Size>(bytes.size()), native::no_signal)};
    });
}

std::ptrdiff_t send_at_once(SocketHandle handle, std::string_view bytes) {
    return native::send_now(to_socket(handle), bytes.data(), static_cast<Size>(bytes.size()));
}

std::ptrdiff_t receive_bytes(SocketHandle handle, std::span<char> buffer) {
    return repeat([&] { return native::receive(to_socket(handle), buffer.data(), static_cast<Size>(buffer.size())); });
}

std::ptrdiff_t send_datagram(SocketHandle handle, const SocketAddress& to, std::string_view bytes) {
    const NativeAddress native = to_native(to);
    return repeat([&] {
        return std::ptrdiff_t{
            ::sendto(to_socket(handle), bytes.data(), static_cast<Size>(bytes.size()), 0, native.get(), native.size)};
    });
}

std::ptrdiff_t receive_datagram(SocketHandle handle, SocketAddress& from, std::span<char> buffer) {
    NativeAddress native;
    const std::ptrdiff_t size = repeat([&] {
        return std::ptrdiff_t{::recvfrom(to_socket(handle), buffer.data(), static_cast<Size>(buffer.size()), 0,
                                         native.get(), &native.size)};
    });
    if (size >= 0) from = from_native(native);
    return size;
}

bool wait_readable(SocketHandle handle, std::chrono::milliseconds limit) {
    pollfd waiting{};
    waiting.fd = to_socket(handle);
    waiting.events = POLLIN;
    return native::poll(waiting, limit) > 0;
}

void finish_sending(SocketHandle handle) {
    ::shutdown(to_socket(handle), native::sending_side);
}

void reset_on_close(SocketHandle handle) {
    linger at_once{};
    at_once.l_onoff = 1;
    ::setsockopt(to_socket(handle), SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&at_once), sizeof at_once);
}

bool set_option(SocketHandle handle, SocketOption option, int value) {
    const auto [level, name] = to_native(option);
    return succeeded(::setsockopt(to_socket(handle), level, name, reinterpret_cast<const char*>(&value), sizeof value));
}

std::optional<int> option_of(SocketHandle handle, SocketOption option) {
    const auto [level, name] = to_native(option);
    int value = 0;
    socklen_t size = sizeof value;
    if (!succeeded(::getsockopt(to_socket(handle), level, name, reinterpret_cast<char*>(&value), &size))) return {};
    return value;
}

bool set_multicast_interface(SocketHandle handle, const InetAddress& address) {
    in_addr native{};
    std::memcpy(&native, address.ip.data(), sizeof native);
    return succeeded(::setsockopt(to_socket(handle), IPPROTO_IP, IP_MULTICAST_IF,
                                  reinterpret_cast<const char*>(&native), sizeof native));
}

std::string loopback_name() {
    std::array<char, 257> name{};
    const unsigned number = loopback_interface();
    return ::if_indextoname(number, name.data()) != nullptr ? name.data() : std::to_string(number);
}

bool has_ipv6() {
    SocketAddress loopback;
    loopback.family = Family::ipv6;
    loopback.ip[15] = 1;
    return can_bind(SocketKind::stream, loopback);
}

bool has_unix_sockets() {
    static const bool has = [] {
        const SocketHandle handle = open_socket(Family::unix_domain, SocketKind::stream);
        close_socket(handle);
        return handle != no_socket;
    }();
    return has;
}

bool has_abstract_names() {
    SocketAddress name;
    name.family = Family::unix_domain;
    name.path = "@pollux-has-abstract-names-" + std::to_string(process_number());
    static const bool has = can_bind(SocketKind::stream, name);
    return has;
}

}  // namespace pollux::test
