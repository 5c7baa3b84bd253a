// Sockets as every back end makes them: the owner of one, and what each system does in its own way.
#pragma once

#include <string>
#include <system_error>
#include <utility>

#include "platform/sockets.h"
#include "system_sockets.h"

namespace pollux::platform {

/// Owns a socket until it is handed on.
class OwnedSocket {
public:
    OwnedSocket() = default;
    explicit OwnedSocket(SocketHandle value) noexcept : value_(value) {}
    OwnedSocket(OwnedSocket&& other) noexcept : value_(other.take()) {}
    OwnedSocket& operator=(OwnedSocket&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~OwnedSocket() {
        if (*this) close_handle(static_cast<NativeHandle>(value_));
    }

    [[nodiscard]] SocketHandle get() const noexcept { return value_; }
    [[nodiscard]] explicit operator bool() const noexcept { return value_ != invalid_socket; }
    SocketHandle take() noexcept { return std::exchange(value_, invalid_socket); }

private:
    SocketHandle value_ = invalid_socket;
};

/// Makes a socket that does not block, is not inherited, raises no SIGPIPE and can be used with the poller. On failure
/// it is none, and `last_socket_error` tells why.
[[nodiscard]] OwnedSocket open_socket(int family, int type) noexcept;

/// Settles who else may have the address that a socket of IP is bound to next. `type` is that of `open_socket`.
[[nodiscard]] std::error_code share_address(SocketHandle socket, int type, bool reuse_address,
                                            bool reuse_port) noexcept;

[[nodiscard]] std::error_code bind_to(SocketHandle socket, const sockaddr& address, socklen_t length) noexcept;

/// Whether the path, which is not followed, is a Unix socket.
[[nodiscard]] bool is_socket_file(const std::string& path) noexcept;

/// Settings of a UDP socket that no option asks for: datagrams of every size can be sent, errors of those sent are told
/// where the system can tell whose they are, and groups that other sockets have joined are not heard.
void tune_datagram_socket(SocketHandle socket, SocketAddress::Family family) noexcept;

}  // namespace pollux::platform
