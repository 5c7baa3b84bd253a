// A handler that answers nothing is a mistake.
// error: no match|constraint|abstract|no overloaded
#include <pollux/http/server.h>

struct Handler : pollux::http::Handler {
#ifndef POLLUX_MISUSE
    void on_request(const pollux::http::Request& /*request*/, pollux::http::Response& response) override {
        response.send("hello");
    }
#endif
    void on_open(pollux::Connection& /*connection*/) override {}
};

void listen(pollux::Engine& engine) {
    const pollux::http::Server<Handler> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, {}};
}
