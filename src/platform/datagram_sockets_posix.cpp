// UDP sockets outside a reactor, on POSIX systems.
#include "platform/datagram_sockets.h"

#include <net/if.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "platform/datagrams_posix.h"
#include "platform/socket_address.h"
#include "platform/sockets_posix.h"

namespace pollux::platform {

namespace {

struct IntegerOption {
    int level;
    int name;
    int value;
};

/// For IP and for IPv6, whichever the socket speaks: one of both versions has settings of both.
bool set_for_versions(int descriptor, bool ipv4, bool ipv6, IntegerOption for_ipv4, IntegerOption for_ipv6) noexcept {
    return (!ipv4 || set_option(descriptor, for_ipv4.level, for_ipv4.name, for_ipv4.value)) &&
           (!ipv6 || set_option(descriptor, for_ipv6.level, for_ipv6.name, for_ipv6.value));
}

bool set_multicast_interface(int descriptor, bool ipv4, bool ipv6, unsigned index) noexcept {
    ip_mreqn request{};
    request.imr_ifindex = static_cast<int>(index);
    if (ipv4 && ::setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) < 0) return false;
    return !ipv6 || set_option(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(index));
}

/// What must hold, or the socket would do something else than it was asked to.
bool apply_options(int descriptor, bool ipv6, const UdpOptions& options, unsigned interface_index) noexcept {
    const bool ipv4 = !ipv6 || (!options.ipv6_only && ipv6_sockets_take_ipv4_options);
    const MulticastOptions& multicast = options.multicast;
    if (ipv6 && !set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0)) return false;
    if (options.reuse_address && !set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
    if (options.broadcast && !set_option(descriptor, SOL_SOCKET, SO_BROADCAST, 1)) return false;
    const int hops = static_cast<int>(options.hops.value_or(0));
    if (hops != 0 && !set_for_versions(descriptor, ipv4, ipv6, {IPPROTO_IP, IP_TTL, hops},
                                       {IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops})) {
        return false;
    }
    const int multicast_hops = static_cast<int>(multicast.hops);
    if (!set_for_versions(descriptor, ipv4, ipv6, {IPPROTO_IP, IP_MULTICAST_TTL, multicast_hops},
                          {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, multicast_hops})) {
        return false;
    }
    const int loopback = multicast.loopback ? 1 : 0;
    if (!set_for_versions(descriptor, ipv4, ipv6, {IPPROTO_IP, IP_MULTICAST_LOOP, loopback},
                          {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, loopback})) {
        return false;
    }
    return interface_index == 0 || set_multicast_interface(descriptor, ipv4, ipv6, interface_index);
}

/// The system bounds both, and tells nobody.
void apply_buffer_sizes(int descriptor, const UdpOptions& options) noexcept {
    if (options.kernel_receive_buffer_bytes != 0) {
        set_option(descriptor, SOL_SOCKET, SO_RCVBUF, clamp_to_int(options.kernel_receive_buffer_bytes));
    }
    if (options.kernel_send_buffer_bytes != 0) {
        set_option(descriptor, SOL_SOCKET, SO_SNDBUF, clamp_to_int(options.kernel_send_buffer_bytes));
    }
}

/// As the calls of RFC 3678 want it.
bool to_storage(const InetAddress& address, sockaddr_storage& out) noexcept {
    const socklen_t length = to_sockaddr({address.family, 0, address.scope, address.ip, {}}, out);
    note_length(out, length);
    return length != 0;
}

}  // namespace

std::error_code open_datagram_socket(SocketAddress::Family family, const UdpOptions& options, unsigned interface_index,
                                     bool share_port, NativeHandle& out) {
    const bool ipv6 = family == SocketAddress::Family::ipv6;
    int raw = -1;
    if (const auto error = open_socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM, raw)) return error;
    Descriptor descriptor{raw};
    if (!apply_options(raw, ipv6, options, interface_index)) return system_error(errno);
    if (share_port && !set_option(raw, SOL_SOCKET, SO_REUSEPORT, 1)) return system_error(errno);
    tune_datagram_socket(raw, family);
    apply_buffer_sizes(raw, options);
    out = descriptor.take();
    return {};
}

std::error_code bind_datagram_socket(NativeHandle handle, const InetAddress& address) {
    InetSockaddr storage;
    const socklen_t length = to_inet_sockaddr(address, address.family == SocketAddress::Family::ipv6, storage);
    return ::bind(static_cast<int>(handle), &storage.any, length) < 0 ? system_error(errno) : std::error_code{};
}

std::error_code connect_datagram_socket(NativeHandle handle, const InetAddress& peer) {
    const int descriptor = static_cast<int>(handle);
    InetSockaddr storage;
    const socklen_t length = to_inet_sockaddr(peer, is_ipv6_socket(descriptor), storage);
    if (length == 0) return make_error_code(std::errc::address_family_not_supported);
    return ::connect(descriptor, &storage.any, length) < 0 ? system_error(errno) : std::error_code{};
}

std::error_code set_membership(NativeHandle handle, const Membership& membership, bool join) {
    const int descriptor = static_cast<int>(handle);
    const int level = membership.group.family == SocketAddress::Family::ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int result;
    if (membership.source) {
        group_source_req request{};
        request.gsr_interface = membership.interface_index;
        if (!to_storage(membership.group, request.gsr_group) || !to_storage(membership.source, request.gsr_source)) {
            return make_error_code(std::errc::invalid_argument);
        }
        const int name = join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
        result = ::setsockopt(descriptor, level, name, &request, sizeof request);
    } else {
        group_req request{};
        request.gr_interface = membership.interface_index;
        if (!to_storage(membership.group, request.gr_group)) return make_error_code(std::errc::invalid_argument);
        const int name = join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
        result = ::setsockopt(descriptor, level, name, &request, sizeof request);
    }
    return result < 0 ? system_error(errno) : std::error_code{};
}

unsigned find_interface(const std::string& name) {
    unsigned number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size()) {
        std::array<char, IF_NAMESIZE> found;
        return ::if_indextoname(number, found.data()) != nullptr ? number : 0;
    }
    return ::if_nametoindex(name.c_str());
}

}  // namespace pollux::platform
