// An HTTP server is of a handler of requests, not of bytes.
// error: a handler derives from
#include <pollux/http/server.h>

#ifdef POLLUX_MISUSE
struct Handler : pollux::ConnectionHandler {
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}
};
#else
struct Handler : pollux::http::Handler {
    void on_request(const pollux::http::Request& /*request*/, pollux::http::Response& response) override {
        response.send("hello");
    }
};
#endif

void listen(pollux::Engine& engine) {
    const pollux::http::Server<Handler> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, {}};
}
