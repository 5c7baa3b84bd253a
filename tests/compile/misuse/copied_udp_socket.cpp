// A UDP socket is its reactor's: handlers get a reference.
// error: delete|protected|private
#include <pollux/udp_socket.h>

void keep(pollux::UdpSocket& socket) {
#ifdef POLLUX_MISUSE
    pollux::UdpSocket copy = socket;
    copy.close();
#else
    socket.close();
#endif
}
