// Runs a chat client from the console.
#pragma once

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <latch>
#include <string>
#include <utility>

#include <pollux/pollux.h>

#include "console.h"
#include "line_reader.h"

namespace chat {

/// Told by the client's handler, waited for by the console: it is connected for the first time, or cannot be.
class FirstOutcome {
public:
    /// On the reactor's thread, and any number of times.
    void report() {
        if (!std::exchange(reported_, true)) latch_.count_down();
    }

    void wait() { latch_.wait(); }

private:
    std::latch latch_{1};
    bool reported_ = false;
};

/// Every second, no sooner and no later: there is one client, and somebody waits.
inline pollux::Reconnect every_second() {
    return {.enabled = true, .delay = std::chrono::seconds{1}, .growth = 1.0, .jitter = 0.0};
}

/// Starts a client of either kind and its engine, and gives lines to `send` until an empty one or the end of the
/// console's input. "!" disconnects. Returns the exit status of the program.
template <class Client, class Send>
int talk(pollux::Engine& engine, Client& client, const std::string& where, FirstOutcome& first_outcome, Send&& send) {
    using console::say;
    pollux::Status status = client.start();
    if (status) status = engine.start();
    if (!status) {
        std::cerr << status << '\n';
        return EXIT_FAILURE;
    }
    say("Connecting to ", where, ". A line goes to everybody, ! disconnects, an empty line stops.");

    // Lines from a pipe are there at once; without this they would be refused before the connection is.
    first_outcome.wait();

    std::string line;
    while (std::getline(std::cin, line) && !line.empty()) {
        if (line == "!") {
            client.reconnect();
        } else if (line.size() > max_line_bytes) {
            say("Not sent: longer than ", max_line_bytes, " bytes");
        } else if (const auto result = send(line); result != pollux::Result::ok) {
            say("Not sent: ", client.connected() ? to_string(result) : "not connected");
        }
    }

    client.stop();
    engine.stop();
    engine.wait();
    say("Stopped.");
    return EXIT_SUCCESS;
}

}  // namespace chat
