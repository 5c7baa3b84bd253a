// The system's error numbers: errno.
#include "platform/errors.h"

#include <cerrno>

namespace pollux::platform {

const std::error_category& system_category() noexcept {
    return std::system_category();
}

std::error_code last_socket_error() noexcept {
    return system_error(errno);
}

bool is_connection_reset(int error) noexcept {
    return error == ECONNRESET || error == EPIPE || error == ECONNABORTED;
}

int would_block_error() noexcept {
    return EAGAIN;
}

}  // namespace pollux::platform
