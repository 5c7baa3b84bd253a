// A console for HTTP: a line is a request, what is shown is its answer.
#include "common/http_console.h"

namespace {

constexpr std::string_view usage = R"(usage: http_client [server]

server  where requests go that name none: a port, host:port, http://host:port or unix:///path
        (default http://127.0.0.1:8080)

On the console a line is METHOD URL [BODY], where a path stands for a URL of the server:

  POST /api/cache?key=name value
  GET /api/cache?key=name
  GET http://example.org/

An empty line stops.
)";

}  // namespace

int main(int argc, char** argv) {
    return http_console::run(http_console::target("http", "8080", console::only_argument(argc, argv, usage)), {});
}
