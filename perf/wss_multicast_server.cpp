// Multicast server over WebSocket and TLS; see common/ws_multicast_server.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_ws_multicast_server(perf::https, argc, argv);
}
