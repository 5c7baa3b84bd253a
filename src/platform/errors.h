// The system's error numbers. Each system has its own; `std::errc` is what they have in common.
#pragma once

#include <system_error>

namespace pollux::platform {

/// The category of the numbers that system calls fail with. Its codes compare equal to the `std::errc` they mean.
[[nodiscard]] const std::error_category& system_category() noexcept;

/// The system's error number as an error code.
[[nodiscard]] inline std::error_code system_error(int error) noexcept {
    return {error, system_category()};
}

/// What the last call for a socket failed with, on this thread.
[[nodiscard]] std::error_code last_socket_error() noexcept;

/// Whether an error of a connection says that the peer has broken it off.
[[nodiscard]] bool is_connection_reset(int error) noexcept;

/// The number for an operation that is to be tried again later.
[[nodiscard]] int would_block_error() noexcept;

}  // namespace pollux::platform
