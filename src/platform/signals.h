// Requests from outside to stop the process: SIGINT and SIGTERM, console control events.
#pragma once

namespace pollux::platform {

/// Calls `handler` for each request to stop, in whatever context the system delivers it: it may only do what is safe in
/// a signal handler. Null restores what was there before. Not thread-safe.
void set_stop_handler(void (*handler)());

}  // namespace pollux::platform
