// Multicast server over WebSocket; see common/ws_multicast_server.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_ws_multicast_server(perf::http, argc, argv);
}
