// Sockets and their options, for the POSIX back ends.
#pragma once

#include <cstddef>
#include <system_error>
#include <utility>

#include "platform/sockets.h"
#include "system_sockets.h"

namespace pollux::platform {

/// Owns a descriptor until it is handed on.
class Descriptor {
public:
    explicit Descriptor(int value) noexcept : value_(value) {}
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return value_; }
    int take() noexcept { return std::exchange(value_, -1); }

private:
    int value_;
};

// What each system does in its own way: sockets_linux.cpp, sockets_darwin.cpp, sockets_freebsd.cpp.

/// Makes a socket that does not block, is not inherited and raises no SIGPIPE. The descriptor, or -1 with errno.
[[nodiscard]] int make_socket(int family, int type) noexcept;

/// Accepts a connection; its socket is like those that `make_socket` makes. The descriptor, or -1 with errno.
[[nodiscard]] int accept_socket(int listener, sockaddr* address, socklen_t* length) noexcept;

/// Whether an accept failed for what became of one connection: the next one is another matter.
[[nodiscard]] bool is_of_one_connection(int error) noexcept;

// What they have in common.

/// As `make_socket`, with the error as a code.
[[nodiscard]] std::error_code open_socket(int family, int type, int& out) noexcept;

bool set_option(int descriptor, int level, int name, int value) noexcept;

/// For options that take an int of bytes.
[[nodiscard]] int clamp_to_int(std::size_t value) noexcept;

/// Sets the options of a stream socket. An option that the system refuses is left at the system's value: none of them
/// changes what is sent.
void apply_stream_options(int descriptor, bool is_tcp, const ConnectionOptions& options) noexcept;

}  // namespace pollux::platform
