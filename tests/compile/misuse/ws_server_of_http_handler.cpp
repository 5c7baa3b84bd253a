// A WebSocket server is of a handler of messages, not of requests.
// error: a handler derives from|no match|constraint
#include <pollux/ws/server.h>

#ifdef POLLUX_MISUSE
struct Handler : pollux::http::Handler {
    void on_request(const pollux::http::Request& /*request*/, pollux::http::Response& response) override {
        response.send("hello");
    }
};
#else
struct Handler : pollux::ws::Handler {
    void on_message(pollux::ws::WebSocket& socket, pollux::ws::MessageType type, pollux::Bytes data) override {
        socket.send(type, data);
    }
};
#endif

void listen(pollux::Engine& engine) {
    const pollux::ws::Server<Handler> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, {}};
}
