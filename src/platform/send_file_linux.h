// A file's bytes straight to a socket.
#pragma once

#include "platform/platform.h"

namespace pollux::platform {

/// See `send_file` in platform.h.
[[nodiscard]] IoResult send_file(int socket, NativeHandle file, std::uint64_t offset, std::size_t count) noexcept;

}  // namespace pollux::platform
