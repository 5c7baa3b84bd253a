// What is FreeBSD's own in making sockets.
#include <cerrno>

#include "platform/datagrams_posix.h"
#include "platform/socket_calls.h"
#include "platform/socket_options.h"
#include "platform/sockets_posix.h"

namespace pollux::platform {

int make_socket(int family, int type) noexcept {
    const int descriptor = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor >= 0) set_option(descriptor, SOL_SOCKET, SO_NOSIGPIPE, 1);
    return descriptor;
}

int accept_socket(int listener, sockaddr* address, socklen_t* length) noexcept {
    // That it raises no SIGPIPE it has from the listener.
    return ::accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

bool is_of_one_connection(int error) noexcept {
    return error == ECONNABORTED || error == EPROTO;
}

void tune_datagram_socket(SocketHandle descriptor, SocketAddress::Family /*family*/) noexcept {
    // The send buffer is a bound on the size of a datagram, and 9 KiB unless it is set.
    set_option(descriptor, SOL_SOCKET, SO_SNDBUF, default_datagram_send_buffer);
}

}  // namespace pollux::platform
