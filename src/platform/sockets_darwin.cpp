// What is macOS's own in making sockets.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "platform/datagrams_posix.h"
#include "platform/socket_calls.h"
#include "platform/socket_options.h"
#include "platform/sockets_posix.h"

namespace pollux::platform {

namespace {

/// There is no call that makes a socket as it is wanted: each setting is a call of its own.
int set_up(int descriptor) noexcept {
    if (descriptor < 0) return descriptor;
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    set_option(descriptor, SOL_SOCKET, SO_NOSIGPIPE, 1);
    return descriptor;
}

}  // namespace

int make_socket(int family, int type) noexcept {
    return set_up(::socket(family, type, 0));
}

int accept_socket(int listener, sockaddr* address, socklen_t* length) noexcept {
    // Whether it does not block and raises no SIGPIPE it has from the listener.
    const int descriptor = ::accept(listener, address, length);
    if (descriptor >= 0) ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    return descriptor;
}

bool is_of_one_connection(int error) noexcept {
    return error == ECONNABORTED || error == EPROTO;
}

void tune_datagram_socket(SocketHandle descriptor, SocketAddress::Family /*family*/) noexcept {
    // The send buffer is a bound on the size of a datagram, and 9 KiB unless it is set.
    set_option(descriptor, SOL_SOCKET, SO_SNDBUF, default_datagram_send_buffer);
}

}  // namespace pollux::platform
