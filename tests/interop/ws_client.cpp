// The WebSocket client of the interop tests: --url URL, --ca FILE, --protocols a,b, --header "Name: value", and the
// options and orders of ws_program.h. The end of standard input stops it.
#include <pollux/ws/client.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "ws_program.h"

namespace {

using namespace pollux;
using namespace pollux::interop;

std::vector<http::Header> headers(Arguments& arguments) {
    std::vector<http::Header> result;
    for (const std::string& field : arguments.values("--header")) {
        const std::size_t end = field.find(": ");
        result.push_back({field.substr(0, end), field.substr(end + 2)});
    }
    return result;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments{argc, argv};
    ws::ClientOptions options{.url = arguments.value("--url"),
                              .tls = TlsContext::client({.trust = {.ca_file = arguments.value("--ca")}}),
                              .socket = socket_options(arguments),
                              .headers = headers(arguments),
                              .protocols = split(arguments.value("--protocols"), ',')};
    arguments.expect_all_used();

    Room room;
    Engine engine;
    ws::Client<Reporter> client{engine, std::move(options), std::ref(room)};
    Status status = client.start();
    if (status) status = engine.start();
    if (!status) {
        std::cerr << status << std::endl;
        return EXIT_FAILURE;
    }

    obey_all(engine, room);
    client.stop();
    engine.stop();
    engine.wait();
    return EXIT_SUCCESS;
}
