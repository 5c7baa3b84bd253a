// Stream sockets by their descriptors: what the POSIX back ends have in common. See platform.h for what each does.
#pragma once

#include <span>
#include <system_error>

#include "platform/platform.h"

namespace pollux::platform {

/// `done` with the connection in `out`, `would_block`, `no_descriptors` or `failed`.
[[nodiscard]] IoResult accept_stream(int listener, Accepted& out) noexcept;

/// Starts to connect `descriptor`, made here if it is -1; it stays the caller's also when it fails.
[[nodiscard]] IoResult start_connect(int& descriptor, const SocketAddress& address, const ConnectionOptions& options);

/// The outcome, once the socket is sendable.
[[nodiscard]] std::error_code connect_outcome(int descriptor) noexcept;

[[nodiscard]] IoResult receive_stream(int descriptor, MutableBytes buffer) noexcept;
[[nodiscard]] IoResult send_stream(int descriptor, Bytes bytes) noexcept;
[[nodiscard]] IoResult send_stream(int descriptor, std::span<const Bytes> parts) noexcept;

/// See `send_file` in platform.h.
[[nodiscard]] IoResult send_file(int socket, NativeHandle file, std::uint64_t offset, std::size_t count) noexcept;

/// The error that the socket keeps, which it then forgets.
[[nodiscard]] int take_socket_error(int descriptor) noexcept;

void finish_sending(int descriptor) noexcept;
void discard_on_close(int descriptor) noexcept;

}  // namespace pollux::platform
