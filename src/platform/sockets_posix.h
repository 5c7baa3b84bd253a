// What the POSIX systems do in their own ways in making sockets: sockets_linux.cpp, sockets_darwin.cpp,
// sockets_freebsd.cpp.
#pragma once

#include "system_sockets.h"

namespace pollux::platform {

/// Makes a socket that does not block, is not inherited and raises no SIGPIPE. The descriptor, or -1 with errno.
[[nodiscard]] int make_socket(int family, int type) noexcept;

/// Accepts a connection; its socket is like those that `make_socket` makes. The descriptor, or -1 with errno.
[[nodiscard]] int accept_socket(int listener, sockaddr* address, socklen_t* length) noexcept;

/// Whether an accept failed for what became of one connection: the next one is another matter.
[[nodiscard]] bool is_of_one_connection(int error) noexcept;

}  // namespace pollux::platform
