// WebSocket echo by system calls alone: one thread, one epoll, one receive and one send a turn for each connection.
#include "floor.h"
#include "plain.h"
#include "serve.h"
#include "ws.h"

int main(int argc, char** argv) {
    using namespace perf_floor;
    const Options options = parse_options(argc, argv, {.port = 8080});
    pin_to(options.core);
    WsEchoLoop<PlainLoop<WsConnection<PlainConnection>>> loop;
    serve_all(options, loop);
}
