// The system's part in looking up names.
#pragma once

#include <system_error>

#include "system_sockets.h"

namespace pollux::platform {

/// `getaddrinfo` without a service. `list` is the caller's to free, and null on failure.
[[nodiscard]] std::error_code look_up(const char* host, const addrinfo& hints, addrinfo*& list) noexcept;

}  // namespace pollux::platform
