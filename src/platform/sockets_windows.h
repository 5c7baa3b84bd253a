// Sockets and their options, for Windows.
#pragma once

#include <cstddef>
#include <system_error>
#include <utility>

#include "platform/sockets.h"
#include "system_sockets.h"

namespace pollux::platform {

/// Owns a socket until it is handed on.
class OwnedSocket {
public:
    OwnedSocket() = default;
    explicit OwnedSocket(SOCKET value) noexcept : value_(value) {}
    OwnedSocket(OwnedSocket&& other) noexcept : value_(other.take()) {}
    OwnedSocket& operator=(OwnedSocket&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~OwnedSocket() {
        if (value_ != INVALID_SOCKET) ::closesocket(value_);
    }

    [[nodiscard]] SOCKET get() const noexcept { return value_; }
    [[nodiscard]] explicit operator bool() const noexcept { return value_ != INVALID_SOCKET; }
    SOCKET take() noexcept { return std::exchange(value_, INVALID_SOCKET); }

private:
    SOCKET value_ = INVALID_SOCKET;
};

/// Makes the system's sockets usable. Whatever may be the first call to them calls this before.
void start_winsock() noexcept;

/// What the last call of Winsock's failed with.
[[nodiscard]] inline std::error_code last_socket_error() noexcept {
    return system_error(::WSAGetLastError());
}

/// Makes a socket that does not block, can be used with a completion port and is not inherited. On failure it is none,
/// and WSAGetLastError tells why.
[[nodiscard]] OwnedSocket open_socket(int family, int type) noexcept;

/// What a socket that the system has accepted lacks of what `open_socket` sees to.
bool keep_from_blocking(SOCKET socket) noexcept;

bool set_option(SOCKET socket, int level, int name, int value) noexcept;

/// 0 if the system does not tell.
[[nodiscard]] int get_option(SOCKET socket, int level, int name) noexcept;

/// For a connection that was told to have ended: Wine tells of some resets as of an end, but not to who polls.
[[nodiscard]] bool was_reset(SOCKET socket) noexcept;

/// For options that take an int of bytes.
[[nodiscard]] int clamp_to_int(std::size_t value) noexcept;

/// Sets the options of a stream socket. An option that the system refuses is left at the system's value: none of them
/// changes what is sent.
void apply_stream_options(SOCKET socket, bool is_tcp, const ConnectionOptions& options) noexcept;

}  // namespace pollux::platform
