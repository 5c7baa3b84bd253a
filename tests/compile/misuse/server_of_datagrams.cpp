// A server is of a handler of connections, not of datagrams.
// error: a handler derives from pollux::ConnectionHandler
#include <pollux/server.h>
#include <pollux/udp.h>

#ifdef POLLUX_MISUSE
struct Handler : pollux::DatagramHandler {
    void on_datagram(pollux::UdpSocket& /*socket*/, const pollux::InetAddress& /*from*/,
                     pollux::Bytes /*bytes*/) override {}
};
#else
struct Handler : pollux::ConnectionHandler {
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}
};
#endif

void listen(pollux::Engine& engine) {
    const pollux::Server<Handler> server{engine, {.endpoint = "tcp://127.0.0.1:0"}};
}
