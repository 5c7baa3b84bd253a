// `override` finds a callback with the wrong parameters.
// error: override
#include <pollux/handler.h>

struct Handler : pollux::ConnectionHandler {
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}
#ifdef POLLUX_MISUSE
    void on_close(pollux::Connection& /*connection*/) override {}
#else
    void on_close(pollux::Connection& /*connection*/, pollux::CloseReason /*reason*/, std::error_code /*e*/) override {}
#endif
};

Handler handler;
