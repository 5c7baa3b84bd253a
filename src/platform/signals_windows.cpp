// SIGINT and SIGTERM as the C library raises them, and the console's control events, which come on threads of their
// own.
#include "platform/signals.h"

#include <signal.h>
#include <windows.h>

#include <atomic>

namespace pollux::platform {

namespace {

using SignalHandler = void (*)(int);

SignalHandler former_interrupt = SIG_DFL;
SignalHandler former_terminate = SIG_DFL;
std::atomic<void (*)()> stop_handler{nullptr};

bool call_stop_handler() noexcept {
    auto* const handler = stop_handler.load();
    if (handler == nullptr) return false;
    handler();
    return true;
}

extern "C" void on_stop_signal(int number) {
    ::signal(number, on_stop_signal);  // it is set back to the default before each call
    call_stop_handler();
}

BOOL WINAPI on_console_event(DWORD event) {
    if (!call_stop_handler()) return FALSE;
    // When this returns the process is ended. It gets some seconds to end by itself.
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) ::Sleep(INFINITE);
    return TRUE;
}

}  // namespace

void set_stop_handler(void (*handler)()) {
    const bool was_set = stop_handler.load() != nullptr;
    if (handler != nullptr) {
        stop_handler = handler;
        if (was_set) return;
        former_interrupt = ::signal(SIGINT, on_stop_signal);
        former_terminate = ::signal(SIGTERM, on_stop_signal);
        // The last one that was set is asked first: what the C library makes of Ctrl-C does not come twice.
        ::SetConsoleCtrlHandler(on_console_event, TRUE);
    } else if (was_set) {
        ::SetConsoleCtrlHandler(on_console_event, FALSE);
        ::signal(SIGINT, former_interrupt);
        ::signal(SIGTERM, former_terminate);
        stop_handler = nullptr;
    }
}

}  // namespace pollux::platform
