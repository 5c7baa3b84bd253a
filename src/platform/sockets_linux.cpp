// What is Linux's own in making sockets.
#include <cerrno>

#include "platform/sockets_posix.h"

namespace pollux::platform {

int make_socket(int family, int type) noexcept {
    return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int accept_socket(int listener, sockaddr* address, socklen_t* length) noexcept {
    return ::accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

bool is_of_one_connection(int error) noexcept {
    switch (error) {
        // It was reset while it waited in the backlog, or Linux passes on what happened to it on the network.
        case ECONNABORTED:
        case EPROTO:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH:
            return true;
        default:
            return false;
    }
}

}  // namespace pollux::platform
