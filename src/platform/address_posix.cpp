// Between the library's addresses and the system's sockaddr.
#include "platform/address_posix.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace pollux::platform {

namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

socklen_t unix_to_sockaddr(const std::string& path, sockaddr_storage& out) noexcept {
    auto& address = reinterpret_cast<sockaddr_un&>(out);
    if (path.empty() || path.size() >= sizeof address.sun_path) return 0;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const bool is_abstract = path.front() == '@';
    if (is_abstract) address.sun_path[0] = '\0';
    // An abstract name is all of the bytes; a path has a terminating zero.
    return static_cast<socklen_t>(path_offset + path.size() + (is_abstract ? 0 : 1));
}

std::string unix_path(const sockaddr_storage& storage, socklen_t length) {
    if (length <= path_offset) return {};
    const auto& address = reinterpret_cast<const sockaddr_un&>(storage);
    std::string path(address.sun_path, length - path_offset);
    if (path.front() == '\0') {
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
    InetAddress peer;
    if (storage.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
        const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(storage);
        peer.family = SocketAddress::Family::ipv4;
        peer.port = ntohs(ipv4.sin_port);
        std::memcpy(peer.ip.data(), &ipv4.sin_addr, sizeof ipv4.sin_addr);
    } else if (storage.ss_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
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
    if (length >= sizeof(sa_family_t) && storage.ss_family == AF_UNIX) {
        address.family = SocketAddress::Family::unix_domain;
        address.path = unix_path(storage, length);
        return address;
    }
    const InetAddress peer = inet_from_sockaddr(storage, length);
    address.family = peer.family;
    address.port = peer.port;
    address.scope = peer.scope;
    address.ip = peer.ip;
    return address;
}

SocketAddress local_address_of(int descriptor) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) < 0) return {};
    return from_sockaddr(storage, length);
}

SocketAddress peer_address_of(int descriptor) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) < 0) return {};
    return from_sockaddr(storage, length);
}

bool is_connected_to_itself(int descriptor) noexcept {
    sockaddr_storage local{};
    sockaddr_storage peer{};
    socklen_t local_length = sizeof local;
    socklen_t peer_length = sizeof peer;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &local_length) < 0) return false;
    if (local.ss_family != AF_INET && local.ss_family != AF_INET6) return false;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_length) < 0) return false;
    const InetAddress a = inet_from_sockaddr(local, local_length);
    const InetAddress b = inet_from_sockaddr(peer, peer_length);
    return a.family == b.family && a.port == b.port && a.ip == b.ip;
}

}  // namespace pollux::platform
