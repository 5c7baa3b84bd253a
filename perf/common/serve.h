// The common end of the server programs: listen, say so, run until SIGINT or SIGTERM.
#pragma once

#include <pollux/pollux.h>

#include "options.h"

namespace perf {

/// Starts the server, prints "listening on …", and runs the engine. Returns the exit code.
int serve(pollux::Engine& engine, pollux::ServerBase& server);

}  // namespace perf
