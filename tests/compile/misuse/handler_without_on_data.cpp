// A handler that receives nothing is a mistake.
// error: no match|constraint|abstract|no overloaded
#include <pollux/server.h>

struct Handler : pollux::ConnectionHandler {
#ifndef POLLUX_MISUSE
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}
#endif
    void on_open(pollux::Connection& connection) override { connection.send("hello"); }
};

void listen(pollux::Engine& engine) {
    const pollux::Server<Handler> server{engine, {.endpoint = "tcp://127.0.0.1:0"}};
}
