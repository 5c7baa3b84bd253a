// What Windows has of its own in making sockets.
#pragma once

#include "platform/socket_calls.h"

namespace pollux::platform {

/// Makes the system's sockets usable. Whatever may be the first call to them calls this before.
void start_winsock() noexcept;

/// What a socket that the system has accepted lacks of what `open_socket` sees to.
bool keep_from_blocking(SOCKET socket) noexcept;

/// 0 if the system does not tell.
[[nodiscard]] int get_option(SOCKET socket, int level, int name) noexcept;

/// For a connection that was told to have ended: Wine tells of some resets as of an end, but not to who polls.
[[nodiscard]] bool was_reset(SOCKET socket) noexcept;

}  // namespace pollux::platform
