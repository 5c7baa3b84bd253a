// sendfile(2) of FreeBSD.
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <limits>

#include "platform/stream_posix.h"

namespace pollux::platform {

IoResult send_file(int socket, NativeHandle file, std::uint64_t offset, std::size_t count) noexcept {
    // A count of 0 would mean all of the file.
    if (count == 0 || offset > std::numeric_limits<off_t>::max()) return {IoStatus::end, 0, 0};
    for (;;) {
        off_t sent = 0;
        const int result =
            ::sendfile(static_cast<int>(file), socket, static_cast<off_t>(offset), count, nullptr, &sent, 0);
        const int error = errno;
        // Whatever else it has to tell, it tells again.
        if (sent > 0 && (result == 0 || error == EAGAIN || error == EINTR)) {
            return {IoStatus::done, 0, static_cast<std::size_t>(sent)};
        }
        if (result == 0) return {IoStatus::end, 0, 0};
        if (error == EAGAIN) return {IoStatus::would_block, 0, 0};
        if (error != EINTR) return {IoStatus::failed, error, 0};
    }
}

}  // namespace pollux::platform
