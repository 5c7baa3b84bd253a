// What was received is read, not written: a handler gets its request const.
// error: override|const
#include <pollux/http/handler.h>

struct Handler : pollux::http::Handler {
#ifdef POLLUX_MISUSE
    void on_request(pollux::http::Request& /*request*/, pollux::http::Response& response) override{
#else
    void on_request(const pollux::http::Request& /*request*/, pollux::http::Response& response) override {
#endif
        response.send("hello");
}
}
;
