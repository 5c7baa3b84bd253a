// UDP sockets of Linux, made to behave as those of the systems that have kqueue.
#include "platform/socket_calls.h"
#include "platform/socket_options.h"

namespace pollux::platform {

void tune_datagram_socket(SocketHandle descriptor, SocketAddress::Family family) noexcept {
    // Those systems give datagrams for a group to its members only, and errors to connected sockets only; the latter is
    // what Linux does, too, unless it is told otherwise.
    set_option(descriptor, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (family == SocketAddress::Family::ipv6) set_option(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
}

}  // namespace pollux::platform
