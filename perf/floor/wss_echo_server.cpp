// WebSocket echo by system calls and OpenSSL alone: one thread, one epoll, one receive a turn for each connection.
#include "floor.h"
#include "serve.h"
#include "tls.h"
#include "ws.h"

int main(int argc, char** argv) {
    using namespace perf_floor;
    const Options options = parse_tls_options(argc, argv, {.port = 8443});
    pin_to(options.core);
    WsEchoLoop<TlsLoop<WsConnection<TlsConnection>>> loop{make_context(options)};
    serve_all(options, loop);
}
