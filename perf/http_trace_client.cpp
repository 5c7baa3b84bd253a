// TRACE load over HTTP; see common/http_client.cpp.
#include "common/programs.h"

int main(int argc, char** argv) {
    return perf::run_http_trace_client(perf::http, argc, argv);
}
