// The common end of the server programs: listen, say so, run until SIGINT or SIGTERM.
#pragma once

#include <string>

#include <pollux/pollux.h>

#include "options.h"

namespace perf {

/// Starts the server, prints "listening on …", and runs the engine. Returns the exit code.
int serve(pollux::Engine& engine, pollux::ServerBase& server);

/// Likewise with UDP; `what` is what it says once the sockets are there.
int serve(pollux::Engine& engine, pollux::UdpBase& sockets, const std::string& what);

}  // namespace perf
