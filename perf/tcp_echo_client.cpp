// Echo load over TCP; see common/echo_client.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_echo_client(perf::tcp, argc, argv);
}
