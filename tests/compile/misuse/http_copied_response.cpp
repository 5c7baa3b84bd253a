// A response belongs to its connection: who answers later keeps the id.
// error: deleted|private
#include <pollux/http/response.h>

pollux::http::ResponseId keep(pollux::http::Response& response) {
#ifdef POLLUX_MISUSE
    pollux::http::Response kept = response;
    return kept.later();
#else
    return response.later();
#endif
}
