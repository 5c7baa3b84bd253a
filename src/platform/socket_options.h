// Options of sockets, which all systems have.
#pragma once

#include <cstddef>

#include "platform/platform.h"
#include "system_sockets.h"

namespace pollux::platform {

/// False, with the reason in `last_socket_error`, if the system refuses.
bool set_option(SocketHandle socket, int level, int name, int value) noexcept;

/// Sizes of the system's buffers, 0 for its own choice. The system bounds them, and tells nobody.
void apply_buffer_sizes(SocketHandle socket, std::size_t receive_bytes, std::size_t send_bytes) noexcept;

/// Sets the options of a stream socket. An option that the system refuses is left at the system's value: none of them
/// changes what is sent.
void apply_stream_options(SocketHandle socket, bool is_tcp, const ConnectionOptions& options) noexcept;

}  // namespace pollux::platform
