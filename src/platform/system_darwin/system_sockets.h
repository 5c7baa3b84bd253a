// The system's sockets: macOS.
#pragma once

#include "platform/bsd_sockets.h"

namespace pollux::platform {

/// The option of KeepAlive for how long a connection is idle before the first probe.
inline constexpr int keep_alive_idle_option = TCP_KEEPALIVE;

}  // namespace pollux::platform
