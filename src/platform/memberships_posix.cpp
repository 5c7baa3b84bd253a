// Multicast groups on POSIX systems.
#include "platform/memberships.h"

#include <net/if.h>

#include <array>

#include "platform/datagram_sockets.h"
#include "platform/socket_address.h"
#include "platform/socket_options.h"

namespace pollux::platform {

namespace {

/// As the calls of RFC 3678 want it.
bool to_storage(const InetAddress& address, sockaddr_storage& out) noexcept {
    const socklen_t length = to_sockaddr({address.family, 0, address.scope, address.ip, {}}, out);
    note_length(out, length);
    return length != 0;
}

}  // namespace

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
    return result == 0 ? std::error_code{} : last_socket_error();
}

bool set_multicast_interface(SocketHandle socket, bool ipv4, bool ipv6, unsigned index) noexcept {
    ip_mreqn request{};
    request.imr_ifindex = static_cast<int>(index);
    if (ipv4 && ::setsockopt(socket, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) != 0) return false;
    return !ipv6 || set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(index));
}

bool is_interface(unsigned index) noexcept {
    std::array<char, IF_NAMESIZE> name;
    return ::if_indextoname(index, name.data()) != nullptr;
}

unsigned find_interface_by_name(const std::string& name) {
    return ::if_nametoindex(name.c_str());
}

}  // namespace pollux::platform
