// SIGINT and SIGTERM.
#include "platform/signals.h"

#include <signal.h>

#include <atomic>

namespace pollux::platform {

namespace {

struct sigaction former_interrupt;
struct sigaction former_terminate;
std::atomic<void (*)()> stop_handler{nullptr};
static_assert(decltype(stop_handler)::is_always_lock_free, "it is read in a signal handler");

extern "C" void on_stop_signal(int) {
    if (auto* handler = stop_handler.load(); handler != nullptr) handler();
}

}  // namespace

void set_stop_handler(void (*handler)()) {
    const bool was_set = stop_handler.load() != nullptr;
    if (handler != nullptr) {
        stop_handler = handler;
        if (was_set) return;
        struct sigaction action {};
        action.sa_handler = on_stop_signal;
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        ::sigaction(SIGINT, &action, &former_interrupt);
        ::sigaction(SIGTERM, &action, &former_terminate);
    } else if (was_set) {
        ::sigaction(SIGINT, &former_interrupt, nullptr);
        ::sigaction(SIGTERM, &former_terminate, nullptr);
        stop_handler = nullptr;
    }
}

}  // namespace pollux::platform
