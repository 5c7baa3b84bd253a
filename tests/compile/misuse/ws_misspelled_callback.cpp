// `override` finds a callback that does not exist.
// error: override
#include <pollux/ws/handler.h>

struct Handler : pollux::ws::Handler {
    void on_message(pollux::ws::WebSocket& socket, pollux::ws::MessageType type, pollux::Bytes data) override {
        socket.send(type, data);
    }
#ifdef POLLUX_MISUSE
    void on_close(pollux::ws::WebSocket& /*socket*/, pollux::CloseReason /*reason*/) override {}
#else
    void on_close(pollux::ws::WebSocket& /*socket*/, const pollux::ws::CloseEvent& /*event*/) override {}
#endif
};
