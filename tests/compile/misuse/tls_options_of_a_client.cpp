// A server's context cannot be made from what a client verifies with.
// error: conver|no matching
#include <pollux/tls.h>

pollux::TlsContext context(const pollux::TlsClientOptions& client, const pollux::TlsServerOptions& server) {
#ifdef POLLUX_MISUSE
    return pollux::TlsContext::server(client);
#else
    return server.certificate.empty() ? pollux::TlsContext::client(client) : pollux::TlsContext::server(server);
#endif
}
