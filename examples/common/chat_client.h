// The chat client behind tcp_chat_client, uds_chat_client and ssl_chat_client: what carries the bytes is the endpoint's
// business, and whether they are encrypted the context's.
#pragma once

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <latch>
#include <string>
#include <string_view>
#include <utility>

#include <pollux/pollux.h>

#include "console.h"
#include "line_reader.h"
#include "tls_description.h"

namespace chat {

using console::printable;
using console::say;

/// Shows what the server sends. One object for the whole run: it stays over reconnects.
class Visitor final : public pollux::ConnectionHandler {
public:
    explicit Visitor(std::latch& first_outcome) : first_outcome_(first_outcome) {}

    void on_open(pollux::Connection& connection) override {
        say("Connected to ", connection.peer_address().to_string(), described(connection.tls()));
        lines_.clear();
        report_first_outcome();
    }

    void on_data(pollux::Connection& connection, pollux::Bytes data) override {
        if (lines_.feed(data, show)) return;
        say("The server sends a line that is too long.");
        connection.close();
    }

    void on_end(pollux::Connection& connection) override {
        lines_.end(show);
        connection.close();
    }

    void on_close(pollux::Connection&, pollux::CloseReason reason, std::error_code error) override {
        say("Disconnected: ", to_string(reason), error ? " (" + error.message() + ")" : "");
    }

    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override {
        say("Cannot connect: ", error.message(), will_retry ? "; trying again" : "", " (attempt ", attempt, ")");
        report_first_outcome();
    }

private:
    static void show(std::string_view line) { say(printable(line)); }

    void report_first_outcome() {
        if (!std::exchange(has_outcome_, true)) first_outcome_.count_down();
    }

    std::latch& first_outcome_;
    bool has_outcome_ = false;
    LineReader lines_{2 * max_line_bytes};  // the server puts a name before what a member wrote
};

/// Runs until an empty line or the end of the console's input. The exit status of the program.
inline int run_client(const std::string& endpoint, pollux::TlsContext tls = {}, std::string server_name = {}) {
    std::latch first_outcome{1};
    pollux::Engine engine;
    pollux::Client<Visitor> client{
        engine,
        {.endpoint = endpoint,
         .connection = {.idle_timeout = std::chrono::minutes{0}},
         .tls = std::move(tls),
         .server_name = std::move(server_name),
         .connect_timeout = std::chrono::seconds{3},
         // Every second, no sooner and no later: there is one client, and somebody waits.
         .reconnect = {.enabled = true, .delay = std::chrono::seconds{1}, .growth = 1.0, .jitter = 0.0}},
        std::ref(first_outcome)};

    pollux::Status status = client.start();
    if (status) status = engine.start();
    if (!status) {
        std::cerr << status << '\n';
        return EXIT_FAILURE;
    }
    say("Connecting to ", endpoint, ". A line goes to everybody, ! disconnects, an empty line stops.");

    // Lines from a pipe are there at once; without this they would be refused before the connection is.
    first_outcome.wait();

    std::string line;
    while (std::getline(std::cin, line) && !line.empty()) {
        if (line == "!") {
            client.reconnect();
        } else if (line.size() > max_line_bytes) {
            say("Not sent: longer than ", max_line_bytes, " bytes");
        } else if (const auto result = client.send(line + '\n'); result != pollux::Result::ok) {
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
