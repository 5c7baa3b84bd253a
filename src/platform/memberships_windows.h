// Multicast groups on Windows.
#pragma once

#include "system_sockets.h"

namespace pollux::platform {

/// An interface as the calls of IPv4 take it, in the network's byte order: by an address of its own or, where it has
/// none, by its number, which they tell from addresses by its network 0. All systems know the first.
[[nodiscard]] ULONG interface_address(unsigned index) noexcept;

}  // namespace pollux::platform
