// A connection may be plain, and then there is nothing to tell about its encryption.
// error: has no member named|no member named|is not a member
#include <pollux/connection.h>

bool agreed_on_h2(const pollux::Connection& connection) {
#ifdef POLLUX_MISUSE
    return connection.tls().alpn == "h2";
#else
    const auto tls = connection.tls();
    return tls && tls->alpn == "h2";
#endif
}
