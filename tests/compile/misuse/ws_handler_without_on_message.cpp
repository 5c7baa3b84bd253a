// A handler of WebSockets that takes no messages is a mistake.
// error: no match|constraint|abstract|no overloaded
#include <pollux/ws/server.h>

struct Handler : pollux::ws::Handler {
#ifndef POLLUX_MISUSE
    void on_message(pollux::ws::WebSocket& socket, pollux::ws::MessageType type, pollux::Bytes data) override {
        socket.send(type, data);
    }
#endif
    void on_open(pollux::ws::WebSocket& /*socket*/) override {}
};

void listen(pollux::Engine& engine) {
    const pollux::ws::Server<Handler> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, {}};
}
