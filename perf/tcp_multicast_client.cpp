// Multicast load over TCP; see common/multicast_client.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_multicast_client(perf::tcp, argc, argv);
}
