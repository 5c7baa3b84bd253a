// UDP sockets outside a reactor.
#include "platform/datagram_sockets.h"

#include <charconv>

#include "platform/memberships.h"
#include "platform/socket_address.h"
#include "platform/socket_calls.h"
#include "platform/socket_options.h"

namespace pollux::platform {

namespace {

struct IntegerOption {
    int level;
    int name;
    int value;
};

/// For IP and for IPv6, whichever the socket speaks: one of both versions has settings of both.
bool set_for_versions(SocketHandle socket, bool ipv4, bool ipv6, IntegerOption for_ipv4,
                      IntegerOption for_ipv6) noexcept {
    return (!ipv4 || set_option(socket, for_ipv4.level, for_ipv4.name, for_ipv4.value)) &&
           (!ipv6 || set_option(socket, for_ipv6.level, for_ipv6.name, for_ipv6.value));
}

bool apply_multicast(SocketHandle socket, bool ipv4, bool ipv6, const MulticastOptions& options,
                     unsigned interface_index) noexcept {
    const int hops = static_cast<int>(options.hops);
    const int loopback = options.loopback ? 1 : 0;
    return set_for_versions(socket, ipv4, ipv6, {IPPROTO_IP, IP_MULTICAST_TTL, hops},
                            {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops}) &&
           set_for_versions(socket, ipv4, ipv6, {IPPROTO_IP, IP_MULTICAST_LOOP, loopback},
                            {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, loopback}) &&
           (interface_index == 0 || set_multicast_interface(socket, ipv4, ipv6, interface_index));
}

/// What must hold, or the socket would do something else than it was asked to.
bool apply_options(SocketHandle socket, bool ipv6, const UdpOptions& options, unsigned interface_index) noexcept {
    const bool ipv4 = !ipv6 || (!options.ipv6_only && ipv6_sockets_take_ipv4_options);
    if (ipv6 && !set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0)) return false;
    if (options.broadcast && !set_option(socket, SOL_SOCKET, SO_BROADCAST, 1)) return false;
    const int hops = static_cast<int>(options.hops.value_or(0));
    if (hops != 0 &&
        !set_for_versions(socket, ipv4, ipv6, {IPPROTO_IP, IP_TTL, hops}, {IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops})) {
        return false;
    }
    return apply_multicast(socket, ipv4, ipv6, options.multicast, interface_index);
}

}  // namespace

std::error_code open_datagram_socket(SocketAddress::Family family, const UdpOptions& options, unsigned interface_index,
                                     bool share_port, NativeHandle& out) {
    const bool ipv6 = family == SocketAddress::Family::ipv6;
    OwnedSocket socket = open_socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
    if (!socket || !apply_options(socket.get(), ipv6, options, interface_index)) return last_socket_error();
    if (const auto error = share_address(socket.get(), SOCK_DGRAM, options.reuse_address, share_port)) return error;
    tune_datagram_socket(socket.get(), family);
    apply_buffer_sizes(socket.get(), options.kernel_receive_buffer_bytes, options.kernel_send_buffer_bytes);
    out = static_cast<NativeHandle>(socket.take());
    return {};
}

std::error_code bind_datagram_socket(NativeHandle handle, const InetAddress& address) {
    InetSockaddr storage;
    const socklen_t length = to_inet_sockaddr(address, address.family == SocketAddress::Family::ipv6, storage);
    return bind_to(static_cast<SocketHandle>(handle), storage.any, length);
}

std::error_code connect_datagram_socket(NativeHandle handle, const InetAddress& peer) {
    const auto socket = static_cast<SocketHandle>(handle);
    InetSockaddr storage;
    const socklen_t length = to_inet_sockaddr(peer, is_ipv6_socket(socket), storage);
    if (length == 0) return make_error_code(std::errc::address_family_not_supported);
    return ::connect(socket, &storage.any, length) == 0 ? std::error_code{} : last_socket_error();
}

unsigned find_interface(const std::string& name) {
    unsigned number = 0;
    const char* const end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return find_interface_by_name(name);
    return is_interface(number) ? number : 0;
}

}  // namespace pollux::platform
