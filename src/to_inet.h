// From the address of any socket to that of TCP and UDP.
#pragma once

#include <pollux/address.h>

namespace pollux {

[[nodiscard]] inline InetAddress to_inet(const SocketAddress& address) noexcept {
    return {address.family, address.port, address.scope, address.ip};
}

}  // namespace pollux
