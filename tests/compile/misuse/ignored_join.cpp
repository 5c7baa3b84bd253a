// Whether a group was joined must be looked at.
// error: nodiscard|ignoring
#include <pollux/udp_socket.h>

bool join(pollux::UdpSocket& socket) {
#ifdef POLLUX_MISUSE
    socket.join({.group = "239.255.0.1"});
    return true;
#else
    return socket.join({.group = "239.255.0.1"}).ok();
#endif
}
