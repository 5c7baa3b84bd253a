// A server is of a handler, not of any type.
// error: a handler derives from pollux::ConnectionHandler
#include <pollux/server.h>

#ifdef POLLUX_MISUSE
using Handler = int;
#else
struct Handler : pollux::ConnectionHandler {
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}
};
#endif

void listen(pollux::Engine& engine) {
    const pollux::Server<Handler> server{engine, {.endpoint = "tcp://127.0.0.1:0"}};
}
