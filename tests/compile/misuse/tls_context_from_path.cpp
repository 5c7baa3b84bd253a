// A context is made for a server or a client, from options: a path alone says neither for whom nor what the file is.
// error: conver|no matching
#include <pollux/server.h>

pollux::ServerOptions encrypted() {
#ifdef POLLUX_MISUSE
    return {.endpoint = "tcp://127.0.0.1:0", .tls = "server.pem"};
#else
    return {.endpoint = "tcp://127.0.0.1:0", .tls = pollux::TlsContext::server({.certificate = "server.pem"})};
#endif
}
