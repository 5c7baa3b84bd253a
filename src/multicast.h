// Multicast groups as the user writes them, and as the system takes them.
#pragma once

#include <pollux/udp_socket.h>

#include "platform/datagrams.h"

namespace pollux {

/// On failure `out` is untouched and the status names what is wrong with which group.
[[nodiscard]] Status parse_membership(const MulticastGroup& group, platform::Membership& out);

/// The group for messages: "239.255.0.1 on eth0, from 10.0.0.1".
[[nodiscard]] std::string to_string(const MulticastGroup& group);

}  // namespace pollux
