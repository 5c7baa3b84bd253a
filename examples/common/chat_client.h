// The chat client behind tcp_chat_client, uds_chat_client and ssl_chat_client: what carries the bytes is the endpoint's
// business, and whether they are encrypted the context's.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <pollux/pollux.h>

#include "console.h"
#include "line_reader.h"
#include "peer_description.h"
#include "talk.h"

namespace chat {

using console::printable;
using console::say;

/// Shows what the server sends. One object for the whole run: it stays over reconnects.
class Visitor final : public pollux::ConnectionHandler {
public:
    explicit Visitor(FirstOutcome& first_outcome) : first_outcome_(first_outcome) {}

    void on_open(pollux::Connection& connection) override {
        say("Connected to ", connection.peer_address().to_string(), described(connection.tls()));
        lines_.clear();
        first_outcome_.report();
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
        first_outcome_.report();
    }

private:
    static void show(std::string_view line) { say(printable(line)); }

    FirstOutcome& first_outcome_;
    LineReader lines_{2 * max_line_bytes};  // the server puts a name before what a member wrote
};

/// Runs until an empty line or the end of the console's input. The exit status of the program.
inline int run_client(const std::string& endpoint, pollux::TlsContext tls = {}, std::string server_name = {}) {
    FirstOutcome first_outcome;
    pollux::Engine engine;
    pollux::Client<Visitor> client{engine,
                                   {.endpoint = endpoint,
                                    .connection = {.idle_timeout = std::chrono::minutes{0}},
                                    .tls = std::move(tls),
                                    .server_name = std::move(server_name),
                                    .connect_timeout = std::chrono::seconds{3},
                                    .reconnect = every_second()},
                                   std::ref(first_outcome)};
    return talk(engine, client, endpoint, first_outcome,
                [&client](const std::string& line) { return client.send(line + '\n'); });
}

}  // namespace chat
