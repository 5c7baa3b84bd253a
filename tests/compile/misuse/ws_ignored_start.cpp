// Mistakes in the options must not be overlooked.
// error: nodiscard|ignoring return value|ignored
#include <pollux/ws/client.h>

void begin(pollux::ws::ClientBase& client) {
#ifdef POLLUX_MISUSE
    client.start();
#else
    if (!client.start()) return;
#endif
}
