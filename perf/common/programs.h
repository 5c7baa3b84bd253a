// The perf programs, each for any transport. They take the command line and return the exit code.
#pragma once

#include <pollux/address.h>

namespace perf {

int run_echo_server(pollux::Transport transport, int argc, char** argv);
int run_echo_client(pollux::Transport transport, int argc, char** argv);
int run_multicast_server(pollux::Transport transport, int argc, char** argv);
int run_multicast_client(pollux::Transport transport, int argc, char** argv);

}  // namespace perf
