// Runs a server from the console.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include <pollux/pollux.h>

#include "console.h"

namespace console {

/// Starts a server and its engine, and serves until an empty line or the end of the console's input. "!" restarts the
/// server, "!reload" reads the certificate again; other lines go to `on_line`. `hint` is said behind where it listens.
/// Returns the exit status of the program.
template <class OnLine>
int serve(pollux::Engine& engine, pollux::ServerBase& server, pollux::TlsContext tls, std::string_view hint,
          OnLine&& on_line) {
    // The server first: where it cannot listen, no thread needs to start.
    pollux::Status status = server.start();
    if (status) status = engine.start();
    if (!status) {
        std::cerr << status << '\n';
        return EXIT_FAILURE;
    }
    say("Listening on ", server.address().to_string(), ". ", hint, " ! restarts, an empty line stops.");

    std::string line;
    while (std::getline(std::cin, line) && !line.empty()) {
        if (line == "!") {
            status = server.restart();
            if (!status) break;
            say("Restarted on ", server.address().to_string());
        } else if (line == "!reload" && tls) {
            const pollux::Status reloaded = tls.reload();  // where it fails, the old certificate goes on
            say(reloaded ? "Reloaded" : reloaded.message());
        } else {
            on_line(line);
        }
    }

    if (!status) std::cerr << status << '\n';
    server.stop();
    engine.stop();
    engine.wait();
    say("Stopped.");
    return status ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace console
