// The HTTP servers: to GET a few words, to TRACE the request itself. A connection may ask as often as it likes; every
// other limit is the library's default.
#include <cstdint>
#include <limits>

#include <pollux/http/server.h>

#include "greeting.h"
#include "programs.h"
#include "serve.h"
#include "tls.h"

namespace perf {
namespace {

void greet(const pollux::http::Request& /*request*/, pollux::http::Response& response) {
    response.content_type("text/plain");
    response.send(greeting);
}

class Greeter final : public pollux::http::Handler {
public:
    void on_request(const pollux::http::Request& request, pollux::http::Response& response) override {
        greet(request, response);
    }
};

class Tracer final : public pollux::http::Handler {
public:
    void on_request(const pollux::http::Request& request, pollux::http::Response& response) override {
        if (request.method() == pollux::http::Method::trace) {
            response.send_trace(request);
        } else {
            response.header("Allow", "TRACE");
            response.send_error(405);
        }
    }
};

pollux::ServerOptions server_options(const Options& options, Wire wire) {
    return {.endpoint = endpoint_text(options, wire), .tls = make_server_tls(options, wire)};
}

pollux::http::Options http_options() {
    return {.max_requests = std::numeric_limits<std::uint64_t>::max()};
}

}  // namespace

int run_http_get_server(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire)};
    bool with_router = false;
    parse_options(argc, argv,
                  {endpoint_options(options, wire),
                   server_tls_options(options, wire),
                   engine_options(options),
                   {{"", "--router", &with_router, "find the handler by a router"}}});

    pollux::Engine engine{make_engine_options(options)};
    if (with_router) {
        pollux::http::Router router;
        router.get("/", greet);
        pollux::http::Server server{engine, server_options(options, wire), http_options(), router};
        return serve(engine, server);
    }
    pollux::http::Server<Greeter> server{engine, server_options(options, wire), http_options()};
    return serve(engine, server);
}

int run_http_trace_server(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire)};
    parse_options(argc, argv,
                  {endpoint_options(options, wire), server_tls_options(options, wire), engine_options(options)});

    pollux::Engine engine{make_engine_options(options)};
    pollux::http::Server<Tracer> server{engine, server_options(options, wire), http_options()};
    return serve(engine, server);
}

}  // namespace perf
