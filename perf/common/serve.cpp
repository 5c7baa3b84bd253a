// The common end of the server programs.
#include "serve.h"

#include <cstdio>

namespace perf {
namespace {

int fail(const pollux::Status& status) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    return 1;
}

}  // namespace

int serve(pollux::Engine& engine, pollux::ServerBase& server) {
    if (const pollux::Status status = server.start(); !status) return fail(status);
    std::printf("listening on %s\n", server.address().to_string().c_str());
    std::fflush(stdout);

    if (const pollux::Status status = engine.run(); !status) return fail(status);
    std::printf("stopped after %llu connections\n", static_cast<unsigned long long>(server.counters().accepted));
    return 0;
}

}  // namespace perf
