// The outcome of a start must be looked at.
// error: nodiscard
#include <pollux/server.h>

bool start(pollux::ServerBase& server) {
#ifdef POLLUX_MISUSE
    server.start();
    return true;
#else
    return server.start().ok();
#endif
}
