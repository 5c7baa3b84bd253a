// A connection's id is not any number.
// error: match|conver|no overloaded
#include <pollux/engine.h>

pollux::Result end(pollux::Engine& engine, pollux::ConnectionId id) {
#ifdef POLLUX_MISUSE
    return engine.close(id.value);
#else
    return engine.close(id);
#endif
}
