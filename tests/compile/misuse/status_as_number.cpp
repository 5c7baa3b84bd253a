// A status is asked, not counted with: an accidental `int` of it would read as "1 error".
// error: conver
#include <pollux/error.h>

int failures(const pollux::Status& status) {
#ifdef POLLUX_MISUSE
    return status;
#else
    return status ? 0 : 1;
#endif
}
