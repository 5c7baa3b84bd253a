// The WebSocket server of the interop tests: /echo sends messages back, /quiet does not, /refuse/STATUS answers an
// upgrade with that.
// --plain without TLS, --protocols a,b, --origin ORIGIN, and the options and orders of ws_program.h. The end of
// standard input stops it.
#include <pollux/ws/server.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include "ws_program.h"

namespace {

using namespace pollux;
using namespace pollux::interop;

/// Refuses what asks for it, and says in a field of its own that it looked at the others.
void judge(const http::Request& request, http::Response& response, ws::Acceptance&) {
    if (const std::string_view status = request.parameter("status"); !status.empty()) {
        response.send_error(static_cast<unsigned>(std::stoul(std::string{status})));
    } else {
        response.header("X-Judged", "yes");
    }
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments{argc, argv};
    const ws::RouteOptions options{.socket = socket_options(arguments),
                                   .origins = arguments.values("--origin"),
                                   .protocols = split(arguments.value("--protocols"), ','),
                                   .judge = judge};
    TlsContext tls;
    if (!arguments.flag("--plain")) {
        tls = TlsContext::server({.certificate = arguments.value("--certificate"), .key = arguments.value("--key")});
    }
    arguments.expect_all_used();

    Room room;
    http::Router router;
    router.websocket<Reporter>("/echo", options, std::ref(room), true);
    router.websocket<Reporter>("/quiet", options, std::ref(room));
    router.websocket<Reporter>("/refuse/:status", options, std::ref(room));
    Engine engine;
    http::Server server{engine, {.endpoint = "tcp://127.0.0.1:0", .tls = tls}, router};
    Status status = server.start();
    if (status) status = engine.start();
    if (!status) {
        std::cerr << status << std::endl;
        return EXIT_FAILURE;
    }
    say("listening " + std::to_string(server.port()));

    obey_all(engine, room);
    engine.stop();
    engine.wait();
    return EXIT_SUCCESS;
}
