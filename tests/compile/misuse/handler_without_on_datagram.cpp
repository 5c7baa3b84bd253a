// A handler that would leave datagrams unread is none.
// error: no match|constraint|no overloaded|abstract
#include <pollux/udp.h>

struct Handler : pollux::DatagramHandler {
#ifdef POLLUX_MISUSE
    void on_open(pollux::UdpSocket& /*socket*/) override {}
#else
    void on_datagram(pollux::UdpSocket& /*socket*/, const pollux::InetAddress& /*from*/,
                     pollux::Bytes /*bytes*/) override {}
#endif
};

void bind(pollux::Engine& engine) {
    const pollux::Udp<Handler> udp{engine, {.bind = "udp://127.0.0.1:0"}};
}
