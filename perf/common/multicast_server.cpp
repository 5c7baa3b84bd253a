// The multicast server: what its producers make goes to every connection.
#include <functional>

#include "producer.h"
#include "programs.h"
#include "serve.h"
#include "tls.h"

namespace perf {
namespace {

using ConnectionProducers = Producers<pollux::ServerBase>;

class Member final : public pollux::ConnectionHandler {
public:
    explicit Member(const ConnectionProducers& producers) : producers_(&producers) {}

    void on_open(pollux::Connection& connection) override { producers_->on(connection.reactor()).member_joined(); }
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}
    void on_close(pollux::Connection& connection, pollux::CloseReason /*reason*/, std::error_code /*error*/) override {
        producers_->on(connection.reactor()).member_left();
    }

private:
    const ConnectionProducers* producers_;
};

}  // namespace

int run_multicast_server(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire), .path = "/tmp/multicast.sock", .messages = 0};
    parse_options(argc, argv,
                  {endpoint_options(options, wire),
                   server_tls_options(options, wire),
                   engine_options(options),
                   {{"-m", "--messages", &options.messages, "messages per second; 0 for as fast as it can"},
                    {"-s", "--size", &options.size, "bytes of a message"}}});
    require_message_size(argv[0], options.size);

    pollux::Engine engine{make_engine_options(options)};
    ConnectionProducers producers{engine, options};
    pollux::Server<Member> server{engine, producers.server_options(options, wire), std::cref(producers)};
    producers.attach(server);
    return serve(engine, server);
}

}  // namespace perf
