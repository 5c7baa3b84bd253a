// The echo server: what comes goes back. Holding back a peer that does not read its answers is the engine's default.
#include "programs.h"
#include "serve.h"
#include "tls.h"

namespace perf {
namespace {

class Echo final : public pollux::ConnectionHandler {
public:
    void on_data(pollux::Connection& connection, pollux::Bytes data) override { connection.send(data); }
};

}  // namespace

int run_echo_server(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire), .path = "/tmp/echo.sock"};
    parse_options(argc, argv,
                  {endpoint_options(options, wire), server_tls_options(options, wire), engine_options(options)});

    pollux::Engine engine{make_engine_options(options)};
    pollux::Server<Echo> server{engine,
                                {.endpoint = endpoint_text(options, wire), .tls = make_server_tls(options, wire)}};
    return serve(engine, server);
}

}  // namespace perf
