// Where a server or a UDP socket is bound.
#pragma once

#include <pollux/address.h>

namespace pollux {

/// The address of an endpoint to bind to. A name is looked up on the calling thread and its first address taken; `*` is
/// every address of the machine, which for IPv6 takes IPv4 along.
[[nodiscard]] Status find_bind_address(const Endpoint& endpoint, SocketAddress& out);

/// True if the endpoint is `*` and the error says that the machine has no IPv6; then `address` is changed to IPv4's.
[[nodiscard]] bool fall_back_to_ipv4(const Endpoint& endpoint, std::error_code error, SocketAddress& address);

}  // namespace pollux
