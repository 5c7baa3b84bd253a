// UDP is handled by handlers of datagrams, not by those of connections.
// error: for UDP from pollux::DatagramHandler
#include <pollux/udp.h>

#ifdef POLLUX_MISUSE
struct Handler : pollux::ConnectionHandler {
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}
};
#else
struct Handler : pollux::DatagramHandler {
    void on_datagram(pollux::UdpSocket& /*socket*/, const pollux::InetAddress& /*from*/,
                     pollux::Bytes /*bytes*/) override {}
};
#endif

void bind(pollux::Engine& engine) {
    const pollux::Udp<Handler> udp{engine, {.bind = "udp://127.0.0.1:0"}};
}
