// A WebSocket lives in one place.
// error: deleted|protected
#include <pollux/ws/web_socket.h>

void keep(pollux::ws::WebSocket& socket) {
#ifdef POLLUX_MISUSE
    const pollux::ws::WebSocket kept = socket;
#else
    const pollux::ws::WebSocket& kept = socket;
#endif
    (void)kept.is_open();
}
