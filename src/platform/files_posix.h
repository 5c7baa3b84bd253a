// What the POSIX systems have in common in opening files.
#pragma once

#include <fcntl.h>

#include <string_view>
#include <system_error>

#include "platform/files.h"

namespace pollux::platform {

/// How a file is opened. O_NONBLOCK: a pipe that nobody writes to, found where a file was expected, must not stop the
/// thread.
inline constexpr int read_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

/// Takes the descriptor over if it is of a regular file, else closes it.
[[nodiscard]] File take_regular_file(int descriptor, std::error_code& error) noexcept;

/// Opens what is beneath `folder` a segment at a time, following no link. The descriptor, or -1 with errno.
[[nodiscard]] int open_by_segments(int folder, std::string_view relative) noexcept;

}  // namespace pollux::platform
