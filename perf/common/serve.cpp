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

int serve(pollux::Engine& engine, pollux::UdpBase& sockets, const std::string& what) {
    if (const pollux::Status status = sockets.start(); !status) return fail(status);
    std::printf("%s\n", what.c_str());
    std::fflush(stdout);

    if (const pollux::Status status = engine.run(); !status) return fail(status);
    const pollux::UdpCounters counters = sockets.counters();
    std::printf("stopped after %llu datagrams received, %llu sent; lost by this machine: %llu and %llu\n",
                static_cast<unsigned long long>(counters.datagrams_received),
                static_cast<unsigned long long>(counters.datagrams_sent),
                static_cast<unsigned long long>(counters.datagrams_overflowed),
                static_cast<unsigned long long>(counters.datagrams_refused));
    return 0;
}

}  // namespace perf
