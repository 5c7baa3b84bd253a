// A client is of a handler, not of any type.
// error: a handler derives from pollux::ConnectionHandler
#include <pollux/client.h>

#ifdef POLLUX_MISUSE
struct Handler {
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) {}
};
#else
struct Handler : pollux::ConnectionHandler {
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}
};
#endif

void connect(pollux::Engine& engine) {
    const pollux::Client<Handler> client{engine, {.endpoint = "tcp://127.0.0.1:1"}};
}
