// The perf programs, each for any wire. They take the command line and return the exit code.
#pragma once

#include "wire.h"

namespace perf {

int run_echo_server(Wire wire, int argc, char** argv);
int run_echo_client(Wire wire, int argc, char** argv);
int run_multicast_server(Wire wire, int argc, char** argv);
int run_multicast_client(Wire wire, int argc, char** argv);
int run_http_get_server(Wire wire, int argc, char** argv);
int run_http_get_client(Wire wire, int argc, char** argv);
int run_http_trace_server(Wire wire, int argc, char** argv);
int run_http_trace_client(Wire wire, int argc, char** argv);
int run_ws_echo_server(Wire wire, int argc, char** argv);
int run_ws_echo_client(Wire wire, int argc, char** argv);
int run_ws_multicast_server(Wire wire, int argc, char** argv);
int run_ws_multicast_client(Wire wire, int argc, char** argv);

}  // namespace perf
