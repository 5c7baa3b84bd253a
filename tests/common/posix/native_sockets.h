// The system's socket calls where they are not called the same everywhere. The folder windows/ has their counterparts.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>

namespace pollux::test::native {

using Socket = int;
using Size = std::size_t;  ///< Of what is sent and received.

inline void start_up() {}

/// Leaves what a call failed with in `errno`. False, so that it may end a function.
inline bool note_error() {
    return false;
}

inline bool close(Socket socket) {
    return ::close(socket) == 0;
}

inline bool set_blocking(Socket socket, bool blocking) {
    const int flags = ::fcntl(socket, F_GETFL);
    return ::fcntl(socket, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0;
}

inline void keep_from_children(Socket socket) {
    ::fcntl(socket, F_SETFD, FD_CLOEXEC);
}

/// How long a blocking call waits.
inline void set_patience(Socket socket, std::chrono::seconds limit) {
    const timeval value{.tv_sec = limit.count(), .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
}

/// A peer that is gone must not end the process.
inline void forbid_signals([[maybe_unused]] Socket socket) {
#ifdef SO_NOSIGPIPE
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

#ifdef MSG_NOSIGNAL
inline constexpr int no_signal = MSG_NOSIGNAL;
#else
inline constexpr int no_signal = 0;                  // SO_NOSIGPIPE does it
#endif

inline constexpr int sending_side = SHUT_WR;

#ifdef TCP_KEEPIDLE
inline constexpr int tcp_keep_idle = TCP_KEEPIDLE;
#else
inline constexpr int tcp_keep_idle = TCP_KEEPALIVE;  // macOS
#endif
inline constexpr int tcp_keep_count = TCP_KEEPCNT;
inline constexpr int tcp_keep_interval = TCP_KEEPINTVL;

/// Sends what is taken at once.
inline std::ptrdiff_t send_now(Socket socket, const char* bytes, Size size) {
    return ::send(socket, bytes, size, no_signal | MSG_DONTWAIT);
}

inline std::ptrdiff_t receive(Socket socket, char* bytes, Size size) {
    return ::recv(socket, bytes, size, 0);
}

inline int poll(pollfd& socket, std::chrono::milliseconds limit) {
    return ::poll(&socket, 1, static_cast<int>(limit.count()));
}

}  // namespace pollux::test::native
