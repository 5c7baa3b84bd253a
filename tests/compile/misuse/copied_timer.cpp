// A timer is linked into its reactor's wheel and stays where it is.
// error: deleted
#include <utility>

#include <pollux/timer.h>

void use(pollux::Timer& timer) {
#ifdef POLLUX_MISUSE
    pollux::Timer other{std::move(timer)};
#else
    pollux::Timer& other{timer};
#endif
    other.cancel();
}
