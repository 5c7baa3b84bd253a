// The console behind http_client and https_client: a line is a request, what is shown is its answer.
#pragma once

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <pollux/http/client.h>
#include <pollux/pollux.h>

#include "console.h"

namespace http_console {

using console::printable;
using console::say;

/// Where requests go whose line has a path in the place of a URL.
struct Target {
    std::string base{};      ///< As in "http://127.0.0.1:8080", without a slash at its end.
    std::string endpoint{};  ///< Set for a Unix socket: all requests go there.
};

/// From an argument that is a port, `host:port`, a URL, an endpoint, or nothing.
inline Target target(const std::string& scheme, const std::string& port, std::string argument) {
    if (argument.starts_with("unix://")) return {scheme + "://localhost", std::move(argument)};
    while (argument.ends_with('/')) argument.pop_back();
    if (argument.starts_with("http")) return {std::move(argument)};
    return {console::inet_endpoint(scheme + "://", port, argument)};
}

/// The request of a line `METHOD URL [BODY]`.
inline pollux::http::ClientRequest request_of(const std::string& line, const Target& target) {
    pollux::http::ClientRequest request;
    std::istringstream words{line};
    words >> request.method >> request.url >> std::ws;
    std::getline(words, request.body);
    if (request.url.find("://") == std::string::npos) request.url.insert(0, target.base);
    return request;
}

/// With '?' for control characters, line by line.
inline void show_text(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        say(printable(text.substr(0, end)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

inline void show(const pollux::http::ClientResponse& response, std::chrono::steady_clock::duration time) {
    if (!response) {
        say("No answer: ", response.error.message());
        return;
    }
    say("HTTP/1.", response.minor_version, " ", response.status, " ", printable(response.reason));
    for (const pollux::http::Header& header : response.headers) {
        say(printable(header.name), ": ", printable(header.value));
    }
    say();
    show_text(response.body);
    say("(", response.body.size(), " bytes from ", response.url, " after ",
        std::chrono::duration_cast<std::chrono::microseconds>(time).count(), " us)");
}

/// Runs until an empty line or the end of the console's input. The exit status of the program.
inline int run(const Target& target, pollux::http::ClientOptions options) {
    options.endpoint = target.endpoint;
    pollux::Engine engine;
    pollux::http::Client client{engine, std::move(options)};
    pollux::Status status = client.status();
    if (status) status = engine.start();
    if (!status) {
        std::cerr << status << '\n';
        return EXIT_FAILURE;
    }
    say("METHOD URL [BODY], a path for ", target.base, "; an empty line stops.");

    std::string line;
    while (std::getline(std::cin, line) && !line.empty()) {
        const auto start = std::chrono::steady_clock::now();
        const pollux::http::ClientResponse response = client.send(request_of(line, target)).get();
        show(response, std::chrono::steady_clock::now() - start);
    }
    say("Stopped.");
    return EXIT_SUCCESS;
}

}  // namespace http_console
