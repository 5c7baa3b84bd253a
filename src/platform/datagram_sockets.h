// UDP sockets outside a reactor: made where the user starts them.
#pragma once

#include <string>
#include <system_error>

#include "platform/datagrams.h"
#include "platform/platform.h"

namespace pollux::platform {

/// Makes a UDP socket of a family with the user's options. `interface_index` is `multicast.interface_name`'s number, 0
/// if there is none. `share_port` is SO_REUSEPORT. On failure `out` is untouched.
[[nodiscard]] std::error_code open_datagram_socket(SocketAddress::Family family, const UdpOptions& options,
                                                   unsigned interface_index, bool share_port, NativeHandle& out);

[[nodiscard]] std::error_code bind_datagram_socket(NativeHandle handle, const InetAddress& address);

/// From then on it hears this peer alone.
[[nodiscard]] std::error_code connect_datagram_socket(NativeHandle handle, const InetAddress& peer);

/// Joins or leaves a group.
[[nodiscard]] std::error_code set_membership(NativeHandle handle, const Membership& membership, bool join);

/// The number of a network interface given by name or number; 0 if there is none.
[[nodiscard]] unsigned find_interface(const std::string& name);

}  // namespace pollux::platform
