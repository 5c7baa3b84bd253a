// Where a server or a UDP socket is bound.
#include "bind_address.h"

#include <vector>

#include "platform/sockets.h"

namespace pollux {

Status find_bind_address(const Endpoint& endpoint, SocketAddress& out) {
    if (endpoint.transport == Transport::unix_domain) {
        out = {};
        out.family = SocketAddress::Family::unix_domain;
        out.path = endpoint.path;
        return {};
    }
    if (endpoint.host.empty()) {
        out = {};
        out.family = SocketAddress::Family::ipv6;
        out.port = endpoint.port;
        return {};
    }
    if (platform::parse_numeric(endpoint.host, endpoint.port, out)) return {};
    std::vector<SocketAddress> addresses;
    if (const auto error = platform::resolve(endpoint.host, endpoint.port, addresses)) {
        return {error, "cannot find the address of " + endpoint.to_string()};
    }
    out = addresses.front();
    return {};
}

bool fall_back_to_ipv4(const Endpoint& endpoint, std::error_code error, SocketAddress& address) {
    if (endpoint.transport == Transport::unix_domain || !endpoint.host.empty()) return false;
    if (error != std::errc::address_family_not_supported || address.family != SocketAddress::Family::ipv6) return false;
    address.family = SocketAddress::Family::ipv4;
    return true;
}

}  // namespace pollux
