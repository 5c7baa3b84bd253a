// Multicast server over TCP; see common/multicast_server.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_multicast_server(perf::tcp, argc, argv);
}
