// Verification is left out by its name only: no `false` somewhere turns it off.
// error: conver
#include <pollux/tls.h>

pollux::TlsClientOptions trusting() {
#ifdef POLLUX_MISUSE
    return {.verification = false};
#else
    return {.verification = pollux::TlsVerification::insecure_none};
#endif
}
