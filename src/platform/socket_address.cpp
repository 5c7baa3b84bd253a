// Between the library's addresses and the system's sockaddr.
#include "platform/socket_address.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace pollux::platform {

namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

socklen_t unix_to_sockaddr(const std::string& path, sockaddr_storage& out) noexcept {
    auto& address = reinterpret_cast<sockaddr_un&>(out);
    if (path.empty() || path.size() >= sizeof address.sun_path) return 0;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const bool is_abstract = path.front() == '@';
    if (is_abstract && !has_abstract_names) return 0;
    if (is_abstract) address.sun_path[0] = '\0';
    // An abstract name is all of the bytes; a path has a terminating zero.
    return static_cast<socklen_t>(path_offset + path.size() + (is_abstract ? 0 : 1));
}

std::string unix_path(const sockaddr_storage& storage, std::size_t length) {
    if (length <= path_offset) return {};
    const auto& address = reinterpret_cast<const sockaddr_un&>(storage);
    std::string path(address.sun_path, length - path_offset);
    if (has_abstract_names && path.front() == '\0') {
        path.front() = '@';
    } else {
        path.resize(::strnlen(path.data(), path.size()));
    }
    return path;
}

}  // namespace

socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& out) noexcept {
    std::memset(&out, 0, sizeof out);
    switch (address.family) {
        case SocketAddress::Family::ipv4: {
            auto& ipv4 = reinterpret_cast<sockaddr_in&>(out);
            ipv4.sin_family = AF_INET;
            ipv4.sin_port = htons(address.port);
            std::memcpy(&ipv4.sin_addr, address.ip.data(), sizeof ipv4.sin_addr);
            return sizeof ipv4;
        }
        case SocketAddress::Family::ipv6: {
            auto& ipv6 = reinterpret_cast<sockaddr_in6&>(out);
            ipv6.sin6_family = AF_INET6;
            ipv6.sin6_port = htons(address.port);
            ipv6.sin6_scope_id = address.scope;
            std::memcpy(&ipv6.sin6_addr, address.ip.data(), sizeof ipv6.sin6_addr);
            return sizeof ipv6;
        }
        case SocketAddress::Family::unix_domain:
            return unix_to_sockaddr(address.path, out);
        case SocketAddress::Family::none:
            break;
    }
    return 0;
}

InetAddress inet_from_sockaddr(const sockaddr_storage& storage, socklen_t length) noexcept {
    const auto size = static_cast<std::size_t>(length);  // some systems' is signed
    InetAddress peer;
    if (storage.ss_family == AF_INET && size >= sizeof(sockaddr_in)) {
        const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(storage);
        peer.family = SocketAddress::Family::ipv4;
        peer.port = ntohs(ipv4.sin_port);
        std::memcpy(peer.ip.data(), &ipv4.sin_addr, sizeof ipv4.sin_addr);
    } else if (storage.ss_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
        const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(storage);
        peer.family = SocketAddress::Family::ipv6;
        peer.port = ntohs(ipv6.sin6_port);
        peer.scope = ipv6.sin6_scope_id;
        std::memcpy(peer.ip.data(), &ipv6.sin6_addr, sizeof ipv6.sin6_addr);
    }
    return peer;
}

SocketAddress from_sockaddr(const sockaddr_storage& storage, socklen_t length) {
    SocketAddress address;
    if (static_cast<std::size_t>(length) >= sizeof storage.ss_family && storage.ss_family == AF_UNIX) {
        address.family = SocketAddress::Family::unix_domain;
        address.path = unix_path(storage, static_cast<std::size_t>(length));
        return address;
    }
    const InetAddress peer = inet_from_sockaddr(storage, length);
    address.family = peer.family;
    address.port = peer.port;
    address.scope = peer.scope;
    address.ip = peer.ip;
    return address;
}

SocketAddress local_address_of(SocketHandle socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) < 0) return {};
    return from_sockaddr(storage, length);
}

SocketAddress peer_address_of(SocketHandle socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &length) < 0) return {};
    return from_sockaddr(storage, length);
}

bool is_connected_to_itself(SocketHandle socket) noexcept {
    sockaddr_storage local{};
    sockaddr_storage peer{};
    socklen_t local_length = sizeof local;
    socklen_t peer_length = sizeof peer;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&local), &local_length) < 0) return false;
    if (local.ss_family != AF_INET && local.ss_family != AF_INET6) return false;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &peer_length) < 0) return false;
    const InetAddress a = inet_from_sockaddr(local, local_length);
    const InetAddress b = inet_from_sockaddr(peer, peer_length);
    return a.family == b.family && a.port == b.port && a.ip == b.ip;
}

socklen_t to_inet_sockaddr(const InetAddress& address, bool ipv6_socket, InetSockaddr& out) noexcept {
    if (address.family == SocketAddress::Family::ipv4 && !ipv6_socket) {
        out.ipv4 = {};
        out.ipv4.sin_family = AF_INET;
        out.ipv4.sin_port = htons(address.port);
        std::memcpy(&out.ipv4.sin_addr, address.ip.data(), sizeof out.ipv4.sin_addr);
        return sizeof out.ipv4;
    }
    if (!ipv6_socket || !address) return 0;
    out.ipv6 = {};
    out.ipv6.sin6_family = AF_INET6;
    out.ipv6.sin6_port = htons(address.port);
    auto* bytes = reinterpret_cast<std::uint8_t*>(&out.ipv6.sin6_addr);
    if (address.family == SocketAddress::Family::ipv4) {
        std::memcpy(bytes, mapped_prefix.data(), mapped_prefix.size());
        std::memcpy(bytes + mapped_prefix.size(), address.ip.data(), 4);
    } else {
        std::memcpy(bytes, address.ip.data(), address.ip.size());
        out.ipv6.sin6_scope_id = address.scope;
    }
    return sizeof out.ipv6;
}

InetAddress from_inet_sockaddr(const InetSockaddr& address, socklen_t length) noexcept {
    const auto size = static_cast<std::size_t>(length);
    InetAddress result;
    if (size >= sizeof address.ipv4 && address.any.sa_family == AF_INET) {
        result.family = SocketAddress::Family::ipv4;
        result.port = ntohs(address.ipv4.sin_port);
        std::memcpy(result.ip.data(), &address.ipv4.sin_addr, 4);
    } else if (size >= sizeof address.ipv6 && address.any.sa_family == AF_INET6) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(&address.ipv6.sin6_addr);
        result.port = ntohs(address.ipv6.sin6_port);
        if (std::memcmp(bytes, mapped_prefix.data(), mapped_prefix.size()) == 0) {
            result.family = SocketAddress::Family::ipv4;
            std::memcpy(result.ip.data(), bytes + mapped_prefix.size(), 4);
        } else {
            result.family = SocketAddress::Family::ipv6;
            result.scope = address.ipv6.sin6_scope_id;
            std::memcpy(result.ip.data(), bytes, result.ip.size());
        }
    }
    return result;
}

}  // namespace pollux::platform
