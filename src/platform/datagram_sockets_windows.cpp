// UDP sockets outside a reactor, on Windows.
#include "platform/datagram_sockets.h"

#include <iphlpapi.h>

#include <array>
#include <charconv>

#include "platform/files_windows.h"
#include "platform/memberships_windows.h"
#include "platform/socket_address.h"
#include "platform/sockets_windows.h"

namespace pollux::platform {

namespace {

/// SIO_UDP_NETRESET, which not every header names.
constexpr DWORD tell_of_resets = _WSAIOW(IOC_VENDOR, 15);

struct IntegerOption {
    int level;
    int name;
    int value;
};

/// For IP and for IPv6, whichever the socket speaks: one of both versions has settings of both.
bool set_for_versions(SOCKET socket, bool ipv4, bool ipv6, IntegerOption for_ipv4, IntegerOption for_ipv6) noexcept {
    return (!ipv4 || set_option(socket, for_ipv4.level, for_ipv4.name, for_ipv4.value)) &&
           (!ipv6 || set_option(socket, for_ipv6.level, for_ipv6.name, for_ipv6.value));
}

bool set_multicast_interface(SOCKET socket, bool ipv4, bool ipv6, unsigned index) noexcept {
    const auto as_address = static_cast<int>(interface_address(index));
    return set_for_versions(socket, ipv4, ipv6, {IPPROTO_IP, IP_MULTICAST_IF, as_address},
                            {IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(index)});
}

/// What must hold, or the socket would do something else than it was asked to.
bool apply_options(SOCKET socket, bool ipv6, const UdpOptions& options, unsigned interface_index) noexcept {
    const bool ipv4 = !ipv6 || !options.ipv6_only;
    const MulticastOptions& multicast = options.multicast;
    if (ipv6 && !set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0)) return false;
    // Without the second, anybody who sets the first could take the port over.
    const int sharing = options.reuse_address ? SO_REUSEADDR : SO_EXCLUSIVEADDRUSE;
    if (!set_option(socket, SOL_SOCKET, sharing, 1)) return false;
    if (options.broadcast && !set_option(socket, SOL_SOCKET, SO_BROADCAST, 1)) return false;
    const int hops = static_cast<int>(options.hops.value_or(0));
    if (hops != 0 &&
        !set_for_versions(socket, ipv4, ipv6, {IPPROTO_IP, IP_TTL, hops}, {IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops})) {
        return false;
    }
    const int multicast_hops = static_cast<int>(multicast.hops);
    if (!set_for_versions(socket, ipv4, ipv6, {IPPROTO_IP, IP_MULTICAST_TTL, multicast_hops},
                          {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, multicast_hops})) {
        return false;
    }
    const int loopback = multicast.loopback ? 1 : 0;
    if (!set_for_versions(socket, ipv4, ipv6, {IPPROTO_IP, IP_MULTICAST_LOOP, loopback},
                          {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, loopback})) {
        return false;
    }
    return interface_index == 0 || set_multicast_interface(socket, ipv4, ipv6, interface_index);
}

/// The system bounds both, and tells nobody.
void apply_buffer_sizes(SOCKET socket, const UdpOptions& options) noexcept {
    if (options.kernel_receive_buffer_bytes != 0) {
        set_option(socket, SOL_SOCKET, SO_RCVBUF, clamp_to_int(options.kernel_receive_buffer_bytes));
    }
    if (options.kernel_send_buffer_bytes != 0) {
        set_option(socket, SOL_SOCKET, SO_SNDBUF, clamp_to_int(options.kernel_send_buffer_bytes));
    }
}

/// Without it, one datagram that nobody wanted makes a later receive fail, which does not tell whose it was.
void ignore_refusals(SOCKET socket) noexcept {
    for (const DWORD request : {DWORD{SIO_UDP_CONNRESET}, tell_of_resets}) {
        BOOL tell = FALSE;
        DWORD returned = 0;
        ::WSAIoctl(socket, request, &tell, sizeof tell, nullptr, 0, &returned, nullptr, nullptr);
    }
}

}  // namespace

std::error_code open_datagram_socket(SocketAddress::Family family, const UdpOptions& options, unsigned interface_index,
                                     bool share_port, NativeHandle& out) {
    if (share_port) return make_error_code(std::errc::operation_not_supported);
    const bool ipv6 = family == SocketAddress::Family::ipv6;
    OwnedSocket socket = open_socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
    if (!socket || !apply_options(socket.get(), ipv6, options, interface_index)) return last_socket_error();
    apply_buffer_sizes(socket.get(), options);
    ignore_refusals(socket.get());
    out = static_cast<NativeHandle>(socket.take());
    return {};
}

std::error_code bind_datagram_socket(NativeHandle handle, const InetAddress& address) {
    InetSockaddr storage;
    const socklen_t length = to_inet_sockaddr(address, address.family == SocketAddress::Family::ipv6, storage);
    if (::bind(static_cast<SOCKET>(handle), &storage.any, length) == 0) return {};
    // There are no ports that need a privilege: this is one that somebody else owns exclusively.
    if (::WSAGetLastError() == WSAEACCES) return system_error(WSAEADDRINUSE);
    return last_socket_error();
}

std::error_code connect_datagram_socket(NativeHandle handle, const InetAddress& peer) {
    const auto socket = static_cast<SOCKET>(handle);
    InetSockaddr storage;
    const socklen_t length = to_inet_sockaddr(peer, is_ipv6_socket(socket), storage);
    if (length == 0) return system_error(WSAEAFNOSUPPORT);
    return ::connect(socket, &storage.any, length) == 0 ? std::error_code{} : last_socket_error();
}

unsigned find_interface(const std::string& name) {
    unsigned number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size()) {
        std::array<char, IF_MAX_STRING_SIZE + 1> found;
        return ::if_indextoname(number, found.data()) != nullptr ? number : 0;
    }
    if (const unsigned index = ::if_nametoindex(name.c_str()); index != 0) return index;
    // The name that users are shown, and may change.
    NET_LUID interface_id{};
    NET_IFINDEX index = 0;
    const bool known = ::ConvertInterfaceAliasToLuid(from_utf8(name).c_str(), &interface_id) == NO_ERROR &&
                       ::ConvertInterfaceLuidToIndex(&interface_id, &index) == NO_ERROR;
    return known ? index : 0;
}

}  // namespace pollux::platform
