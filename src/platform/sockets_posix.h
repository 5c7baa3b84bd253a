// Socket options, for the POSIX back ends.
#pragma once

#include "platform/sockets.h"

namespace pollux::platform {

/// Sets the options of a stream socket. An option that the system refuses is left at the system's value: none of them
/// changes what is sent.
void apply_stream_options(int descriptor, bool is_tcp, const ConnectionOptions& options) noexcept;

}  // namespace pollux::platform
