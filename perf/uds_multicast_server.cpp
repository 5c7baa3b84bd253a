// Multicast server over Unix-domain; see common/multicast_server.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_multicast_server(perf::uds, argc, argv);
}
