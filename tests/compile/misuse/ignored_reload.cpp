// Whether a reload succeeded must be looked at: if it did not, the old certificate is still in use.
// error: nodiscard
#include <pollux/tls.h>

bool renew(pollux::TlsContext& context) {
#ifdef POLLUX_MISUSE
    context.reload();
    return true;
#else
    return context.reload().ok();
#endif
}
