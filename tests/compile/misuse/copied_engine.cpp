// An engine owns threads and is not copied.
// error: deleted
#include <pollux/engine.h>

void use(pollux::Engine& engine) {
#ifdef POLLUX_MISUSE
    pollux::Engine other = engine;
#else
    pollux::Engine& other = engine;
#endif
    other.stop();
}
