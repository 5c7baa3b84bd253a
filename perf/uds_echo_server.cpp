// Echo server over Unix-domain; see common/echo_server.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_echo_server(perf::uds, argc, argv);
}
