// Echo server over WebSocket; see common/ws_echo_server.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_ws_echo_server(perf::http, argc, argv);
}
