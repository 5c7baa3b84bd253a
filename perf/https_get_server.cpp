// GET server over HTTPS; see common/http_server.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_http_get_server(perf::https, argc, argv);
}
