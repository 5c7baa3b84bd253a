// The system's socket calls where they are not called the same everywhere. The folder posix/ has their counterparts.
#pragma once

#include <winsock2.h>
#include <ws2tcpip.h>

#include <afunix.h>
#include <iphlpapi.h>

#include <cerrno>
#include <chrono>
#include <cstddef>

namespace pollux::test::native {

using Socket = SOCKET;
using Size = int;  ///< Of what is sent and received.

/// Before the first call.
void start_up();

/// Leaves what a call failed with in `errno`, as it is called there. False, so that it may end a function.
bool note_error();

inline bool close(Socket socket) {
    return ::closesocket(socket) == 0;
}

inline bool set_blocking(Socket socket, bool blocking) {
    u_long value = blocking ? 0 : 1;
    return ::ioctlsocket(socket, static_cast<long>(FIONBIO), &value) == 0;
}

inline void keep_from_children(Socket socket) {
    ::SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
}

/// How long a blocking call waits.
inline void set_patience(Socket socket, std::chrono::seconds limit) {
    const auto value = static_cast<DWORD>(std::chrono::milliseconds{limit}.count());
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, reinterpret_cast<const char*>(&value), sizeof value);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, reinterpret_cast<const char*>(&value), sizeof value);
}

inline void forbid_signals(Socket /*socket*/) {}

inline constexpr int no_signal = 0;
inline constexpr int sending_side = SD_SEND;

// The system's numbers, which not every SDK has names for.
inline constexpr int tcp_keep_idle = 3;
inline constexpr int tcp_keep_count = 16;
inline constexpr int tcp_keep_interval = 17;

/// Sends what is taken at once.
inline std::ptrdiff_t send_now(Socket socket, const char* bytes, Size size) {
    set_blocking(socket, false);
    const int sent = ::send(socket, bytes, size, 0);
    note_error();
    set_blocking(socket, true);
    return sent;
}

inline int poll(pollfd& socket, std::chrono::milliseconds limit) {
    return ::WSAPoll(&socket, 1, static_cast<int>(limit.count()));
}

/// Wine tells of some resets as of an end, but not to who polls.
inline std::ptrdiff_t receive(Socket socket, char* bytes, Size size) {
    const int received = ::recv(socket, bytes, size, 0);
    if (received != 0 || size == 0) return received;
    pollfd state{socket, POLLIN, 0};
    if (poll(state, {}) <= 0 || (state.revents & POLLERR) == 0) return 0;
    ::WSASetLastError(WSAECONNRESET);
    return SOCKET_ERROR;
}

}  // namespace pollux::test::native
