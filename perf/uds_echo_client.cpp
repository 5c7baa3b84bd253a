// Echo load over Unix-domain; see common/echo_client.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_echo_client(perf::uds, argc, argv);
}
