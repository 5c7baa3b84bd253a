// sendfile(2) of macOS.
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "platform/stream_posix.h"

namespace pollux::platform {

IoResult send_file(int socket, NativeHandle file, std::uint64_t offset, std::size_t count) noexcept {
    constexpr std::uint64_t largest = std::numeric_limits<off_t>::max();
    if (offset > largest) return {IoStatus::end, 0, 0};
    for (;;) {
        // In: how much there is to send, 0 for all of it; out: how much was sent, also where it fails.
        auto length = static_cast<off_t>(std::min<std::uint64_t>(count, largest - offset));
        if (length == 0) return {IoStatus::end, 0, 0};
        const int result = ::sendfile(static_cast<int>(file), socket, static_cast<off_t>(offset), &length, nullptr, 0);
        const int error = errno;
        // Whatever else it has to tell, it tells again.
        if (length > 0 && (result == 0 || error == EAGAIN || error == EINTR)) {
            return {IoStatus::done, 0, static_cast<std::size_t>(length)};
        }
        if (result == 0) return {IoStatus::end, 0, 0};
        if (error == EAGAIN) return {IoStatus::would_block, 0, 0};
        if (error != EINTR) return {IoStatus::failed, error, 0};
    }
}

}  // namespace pollux::platform
