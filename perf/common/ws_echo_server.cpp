// The WebSocket echo server: a message that comes goes back. Holding back a peer that does not read its answers is the
// engine's default.
#include <chrono>

#include <pollux/ws/server.h>

#include "programs.h"
#include "serve.h"
#include "tls.h"

namespace perf {
namespace {

class WsEcho final : public pollux::ws::Handler {
public:
    void on_message(pollux::ws::WebSocket& socket, pollux::ws::MessageType type, pollux::Bytes data) override {
        socket.send(type, data);
    }
};

}  // namespace

int run_ws_echo_server(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire)};
    parse_options(argc, argv,
                  {endpoint_options(options, wire), server_tls_options(options, wire), engine_options(options)});

    pollux::Engine engine{make_engine_options(options)};
    pollux::ws::Server<WsEcho> server{
        engine,
        {.endpoint = endpoint_text(options, wire), .tls = make_server_tls(options, wire)},
        {.socket = {.ping_interval = std::chrono::seconds{0}}}};  // the load answers no pings
    return serve(engine, server);
}

}  // namespace perf
