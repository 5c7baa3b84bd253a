// A cache over HTTP: GET gives one value or all, POST and PUT store, DELETE removes.
#include "common/http_cache_server.h"

namespace {

constexpr std::string_view usage = R"(usage: http_server [endpoint [folder]]

endpoint  where to listen: a port, host:port, tcp://host:port or unix:///path (default tcp://127.0.0.1:8080;
          tcp://*:8080 for every address of the machine)
folder    its files are served under all paths that are not the cache's (default: none are)

  curl -d value 'http://127.0.0.1:8080/api/cache?key=name'             stores a value
  curl 'http://127.0.0.1:8080/api/cache?key=name'                      gives it
  curl http://127.0.0.1:8080/api/cache                                 gives all of them
  curl -X DELETE 'http://127.0.0.1:8080/api/cache?key=name'            removes it

On the console ! restarts the server, an empty line stops it.
)";

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = console::arguments(argc, argv, 2, usage);
    return cache::run_server(console::inet_endpoint("tcp://", "8080", console::argument_or(arguments, 0, "")),
                             console::argument_or(arguments, 1, ""));
}
