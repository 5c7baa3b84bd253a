// Multicast load over WebSocket and TLS; see common/ws_multicast_client.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_ws_multicast_client(perf::https, argc, argv);
}
