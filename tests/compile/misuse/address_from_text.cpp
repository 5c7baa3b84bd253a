// An address is parsed, because a text may be none.
// error: no match|no viable|no matching|cannot convert
#include <pollux/udp_socket.h>

void greet(pollux::UdpSocket& socket) {
#ifdef POLLUX_MISUSE
    socket.send_to("127.0.0.1:3333", "hello");
#else
    pollux::InetAddress to;
    if (pollux::InetAddress::parse("127.0.0.1:3333", to)) socket.send_to(to, "hello");
#endif
}
