// What a handler is given is read, not written.
// error: read-only|const
#include <pollux/bytes.h>

std::byte first(pollux::Bytes received) {
#ifdef POLLUX_MISUSE
    received[0] = std::byte{0};
#endif
    return received[0];
}
