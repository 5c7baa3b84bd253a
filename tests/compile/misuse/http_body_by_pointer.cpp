// A body is copied, moved in or shared; a pointer would say nothing of how long it is there.
// error: no match|conver|no overloaded
#include <string>

#include <pollux/http/response.h>

void answer(pollux::http::Response& response, const std::string* text) {
#ifdef POLLUX_MISUSE
    response.send(text);
#else
    response.send(*text);
#endif
}
