// The id of a connection is not that of a UDP socket.
// error: no match|no viable|cannot convert
#include <pollux/engine.h>

pollux::Result answer(pollux::Engine& engine, pollux::ConnectionId connection, pollux::UdpSocketId socket,
                      const pollux::InetAddress& to) {
#ifdef POLLUX_MISUSE
    (void)socket;
    return engine.send_to(connection, to, "hello");
#else
    (void)connection;
    return engine.send_to(socket, to, "hello");
#endif
}
