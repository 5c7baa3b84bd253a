// Multicast groups and the network interfaces they are reached by: what each system does in its own way.
#pragma once

#include <string>

#include "system_sockets.h"

namespace pollux::platform {

/// Chooses the interface that datagrams to groups leave by, for the versions of IP that the socket speaks. False, with
/// the reason in `last_socket_error`, if the system refuses.
bool set_multicast_interface(SocketHandle socket, bool ipv4, bool ipv6, unsigned index) noexcept;

[[nodiscard]] bool is_interface(unsigned index) noexcept;

/// The number of the interface; 0 if there is none of that name.
[[nodiscard]] unsigned find_interface_by_name(const std::string& name);

}  // namespace pollux::platform
