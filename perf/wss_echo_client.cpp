// Echo load over WebSocket and TLS; see common/ws_echo_client.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_ws_echo_client(perf::https, argc, argv);
}
