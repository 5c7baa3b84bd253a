// A request shows what was received and lives during a callback: who answers later copies what it needs from it.
// error: deleted|private
#include <string>

#include <pollux/http/request.h>

std::string keep(const pollux::http::Request& request) {
#ifdef POLLUX_MISUSE
    const pollux::http::Request kept = request;
    return std::string{kept.path()};
#else
    return std::string{request.path()};
#endif
}
