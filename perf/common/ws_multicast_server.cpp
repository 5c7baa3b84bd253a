// The WebSocket multicast server: what its producers make goes to every WebSocket.
#include <chrono>
#include <functional>

#include <pollux/ws/server.h>

#include "producer.h"
#include "programs.h"
#include "serve.h"
#include "tls.h"

namespace perf {
namespace {

namespace ws = pollux::ws;

using MessageProducers = Producers<ws::ServerBase>;

class WsMember final : public ws::Handler {
public:
    explicit WsMember(const MessageProducers& producers) : producers_(&producers) {}

    void on_open(ws::WebSocket& socket) override { producers_->on(socket.reactor()).member_joined(); }
    void on_message(ws::WebSocket& /*socket*/, ws::MessageType /*type*/, pollux::Bytes /*data*/) override {}
    void on_close(ws::WebSocket& socket, const ws::CloseEvent& /*event*/) override {
        producers_->on(socket.reactor()).member_left();
    }

private:
    const MessageProducers* producers_;
};

}  // namespace

int run_ws_multicast_server(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire), .messages = 0};
    parse_options(argc, argv,
                  {endpoint_options(options, wire),
                   server_tls_options(options, wire),
                   engine_options(options),
                   {{"-m", "--messages", &options.messages, "messages per second; 0 for as fast as it can"},
                    {"-s", "--size", &options.size, "bytes of a message"}}});
    require_message_size(argv[0], options.size);

    pollux::Engine engine{make_engine_options(options)};
    MessageProducers producers{engine, options};
    ws::Server<WsMember> server{engine,
                                producers.server_options(options, wire),
                                {.socket = {.ping_interval = std::chrono::seconds{0}}},  // the load answers no pings
                                std::cref(producers)};
    producers.attach(server);
    return serve(engine, server);
}

}  // namespace perf
