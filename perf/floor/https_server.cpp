// HTTP by system calls and OpenSSL alone: one thread, one epoll, one receive a turn for each connection, and no parser.
#include "floor.h"
#include "http.h"
#include "serve.h"
#include "tls.h"

int main(int argc, char** argv) {
    using namespace perf_floor;
    const Options options = parse_tls_options(argc, argv, {.port = 8443});
    pin_to(options.core);
    HttpLoop<TlsLoop<HttpConnection<TlsConnection>>> loop{make_context(options)};
    serve_all(options, loop);
}
