// A server is registered with its engine and is neither copied nor moved.
// error: deleted
#include <utility>

#include <pollux/server.h>

using EchoServer = pollux::Server<pollux::CallbackHandler>;

void use(EchoServer& server) {
#ifdef POLLUX_MISUSE
    EchoServer other{std::move(server)};
#else
    EchoServer& other{server};
#endif
    other.stop();
}
