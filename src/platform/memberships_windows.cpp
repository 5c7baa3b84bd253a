// Multicast groups on Windows. By the older calls where they suffice: Wine has no others.
#include "platform/memberships.h"

#include <iphlpapi.h>

#include <array>
#include <cstring>
#include <memory>

#include "platform/datagram_sockets.h"
#include "platform/files_windows.h"
#include "platform/socket_address.h"
#include "platform/socket_options.h"

namespace pollux::platform {

namespace {

/// An interface as the calls of IPv4 take it, in the network's byte order: by an address of its own or, where it has
/// none, by its number, which they tell from addresses by its network 0. All systems know the first.
ULONG interface_address(unsigned index) noexcept {
    if (index == 0) return INADDR_ANY;
    ULONG size = 0;
    ::GetIpAddrTable(nullptr, &size, FALSE);
    const std::unique_ptr<char[]> memory{new (std::nothrow) char[size]};
    auto* const table = reinterpret_cast<MIB_IPADDRTABLE*>(memory.get());
    if (table != nullptr && ::GetIpAddrTable(table, &size, FALSE) == NO_ERROR) {
        for (DWORD i = 0; i < table->dwNumEntries; ++i) {
            if (table->table[i].dwIndex == index) return table->table[i].dwAddr;
        }
    }
    return htonl(index);
}

template <class Request>
bool apply(SOCKET socket, int level, int name, const Request& request) noexcept {
    return ::setsockopt(socket, level, name, reinterpret_cast<const char*>(&request), sizeof request) == 0;
}

in_addr to_ipv4(const InetAddress& address) noexcept {
    in_addr result{};
    std::memcpy(&result, address.ip.data(), sizeof result);
    return result;
}

bool set_ipv4(SOCKET socket, const Membership& membership, bool join) noexcept {
    in_addr by{};
    by.s_addr = interface_address(membership.interface_index);
    if (!membership.source) {
        const ip_mreq request{to_ipv4(membership.group), by};
        return apply(socket, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, request);
    }
    ip_mreq_source request{};
    request.imr_multiaddr = to_ipv4(membership.group);
    request.imr_sourceaddr = to_ipv4(membership.source);
    request.imr_interface = by;
    return apply(socket, IPPROTO_IP, join ? IP_ADD_SOURCE_MEMBERSHIP : IP_DROP_SOURCE_MEMBERSHIP, request);
}

bool set_ipv6(SOCKET socket, const Membership& membership, bool join) noexcept {
    if (!membership.source) {
        ipv6_mreq request{};
        std::memcpy(&request.ipv6mr_multiaddr, membership.group.ip.data(), sizeof request.ipv6mr_multiaddr);
        request.ipv6mr_interface = membership.interface_index;
        return apply(socket, IPPROTO_IPV6, join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP, request);
    }
    const auto to_storage = [](const InetAddress& address, sockaddr_storage& out) {
        return to_sockaddr({address.family, 0, address.scope, address.ip, {}}, out) != 0;
    };
    GROUP_SOURCE_REQ request{};
    request.gsr_interface = membership.interface_index;
    if (!to_storage(membership.group, request.gsr_group) || !to_storage(membership.source, request.gsr_source)) {
        ::WSASetLastError(WSAEINVAL);
        return false;
    }
    return apply(socket, IPPROTO_IPV6, join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP, request);
}

}  // namespace

std::error_code set_membership(NativeHandle handle, const Membership& membership, bool join) {
    const auto socket = static_cast<SOCKET>(handle);
    const bool ipv6 = membership.group.family == SocketAddress::Family::ipv6;
    const bool set = ipv6 ? set_ipv6(socket, membership, join) : set_ipv4(socket, membership, join);
    return set ? std::error_code{} : last_socket_error();
}

bool set_multicast_interface(SocketHandle socket, bool ipv4, bool ipv6, unsigned index) noexcept {
    const auto as_address = static_cast<int>(interface_address(index));
    return (!ipv4 || set_option(socket, IPPROTO_IP, IP_MULTICAST_IF, as_address)) &&
           (!ipv6 || set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(index)));
}

bool is_interface(unsigned index) noexcept {
    std::array<char, IF_MAX_STRING_SIZE + 1> name;
    return ::if_indextoname(index, name.data()) != nullptr;
}

unsigned find_interface_by_name(const std::string& name) {
    if (const unsigned index = ::if_nametoindex(name.c_str()); index != 0) return index;
    // The name that users are shown, and may change.
    NET_LUID interface_id{};
    NET_IFINDEX index = 0;
    const bool known = ::ConvertInterfaceAliasToLuid(from_utf8(name).c_str(), &interface_id) == NO_ERROR &&
                       ::ConvertInterfaceLuidToIndex(&interface_id, &index) == NO_ERROR;
    return known ? index : 0;
}

}  // namespace pollux::platform
