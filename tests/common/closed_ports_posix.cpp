// POSIX systems tell a connected socket.
#include "common/closed_ports.h"

#include <cerrno>

#include "common/socket_calls.h"

namespace pollux::test {

bool tells_of_closed_ports() {
    SocketAddress nobody;  // port 1 is nobody's
    nobody.family = SocketAddress::Family::ipv4;
    nobody.ip = {127, 0, 0, 1};
    nobody.port = 1;
    const SocketHandle handle = open_socket(nobody.family, SocketKind::datagram);
    bool told = false;
    if (connect_socket(handle, nobody)) {
        for (int i = 0; i < 20 && !told; ++i) {
            told = send_bytes(handle, "?") < 0 && errno == ECONNREFUSED;
            if (!told) (void)wait_readable(handle, std::chrono::milliseconds{10});
        }
    }
    close_socket(handle);
    return told;
}

}  // namespace pollux::test
