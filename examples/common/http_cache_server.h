// The server behind http_server and https_server: whether it is encrypted is the context's business.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <pollux/pollux.h>

#include "console.h"
#include "http_cache.h"
#include "serve.h"

namespace cache {

/// Serves until an empty line or the end of the console's input. The exit status of the program.
inline int run_server(const std::string& endpoint, const std::filesystem::path& folder, pollux::TlsContext tls = {}) {
    Cache cache;
    pollux::Engine engine{{.reactors = 0}};  // one for each core: requests have no order among each other
    pollux::http::Server server{
        engine,
        {.endpoint = endpoint, .connection = {.close_timeout = std::chrono::seconds{1}}, .tls = tls},
        {.server_name = "pollux"},
        make_router(cache, folder)};
    return console::serve(engine, server, tls, "The cache is at /api/cache, a page to try it at /docs;",
                          [](const std::string&) {});
}

}  // namespace cache
