// Versions are the ones that are safe, not the numbers of the protocol: 0x0301 would be TLS 1.0.
// error: conver
#include <pollux/tls.h>

pollux::TlsProtocolOptions oldest() {
#ifdef POLLUX_MISUSE
    return {.min_version = 0x0301};
#else
    return {.min_version = pollux::TlsVersion::tls1_2};
#endif
}
