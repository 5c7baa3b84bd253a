// The chat server behind tcp_chat_server, uds_chat_server and ssl_chat_server: what carries the bytes is the endpoint's
// business, and whether they are encrypted the context's.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include <pollux/pollux.h>

#include "console.h"
#include "line_reader.h"
#include "peer_description.h"
#include "serve.h"

namespace chat {

using console::printable;
using console::say;

/// What all members share. The engine below has one reactor, so one thread touches it.
struct Room {
    unsigned last_number = 0;
};

/// One connection. Its lines go to everybody, itself included; "!" asks to be disconnected.
class Member final : public pollux::ConnectionHandler {
public:
    explicit Member(Room& room) : room_(room) {}

    void on_open(pollux::Connection& connection) override {
        number_ = ++room_.last_number;  // not before: whoever fails in the handshake is no member
        say("(", number_, ") joined", from(connection), described(connection.tls()));
        connection.send("Welcome. A line goes to everybody here; ! on a line of its own disconnects you.\n");
    }

    void on_data(pollux::Connection& connection, pollux::Bytes data) override {
        const bool fits = lines_.feed(data, [&](std::string_view line) { on_line(connection, line); });
        if (fits || !connection.is_open()) return;
        say("(", number_, ") sends a line of more than ", max_line_bytes, " bytes");
        connection.send("That line is too long.\n");
        connection.close();
    }

    void on_end(pollux::Connection& connection) override {
        lines_.end([&](std::string_view line) { on_line(connection, line); });
        connection.close();
    }

    void on_close(pollux::Connection&, pollux::CloseReason reason, std::error_code error) override {
        say("(", number_, ") left: ", to_string(reason), error ? " (" + error.message() + ")" : "");
    }

    void on_handshake_error(pollux::Connection& connection, pollux::CloseReason reason,
                            std::error_code error) override {
        say("No handshake with a client", from(connection), ": ", to_string(reason),
            error ? " (" + error.message() + ")" : "");
    }

private:
    void on_line(pollux::Connection& connection, std::string_view line) {
        // Lines may follow the "!" in the same piece of the stream.
        if (!connection.is_open() || line.empty()) return;
        if (line == "!") {
            connection.close();
            return;
        }
        const std::string text = "(" + std::to_string(number_) + ") " + std::string{line};
        say(printable(text));
        if (auto* server = connection.server(); server != nullptr) server->broadcast(text + '\n');
    }

    Room& room_;
    unsigned number_ = 0;
    LineReader lines_{max_line_bytes};
};

/// Serves until an empty line or the end of the console's input. The exit status of the program.
inline int run_server(const std::string& endpoint, pollux::TlsContext tls = {}) {
    Room room;
    // One reactor: all members see all lines in the same order. With more, each reactor would have an order of its own.
    pollux::Engine engine{{.reactors = 1}};
    pollux::Server<Member> server{engine,
                                  {.endpoint = endpoint,
                                   .connection = {.keep_alive = {.enabled = true},  // a silent member is welcome,
                                                  .idle_timeout = std::chrono::minutes{0},  // a vanished one is not
                                                  .close_timeout = std::chrono::seconds{1}},
                                   .tls = tls},
                                  std::ref(room)};

    return console::serve(engine, server, tls, "A line goes to everybody,", [&server](const std::string& line) {
        if (line.size() > max_line_bytes) {
            say("Not sent: longer than ", max_line_bytes, " bytes");
        } else if (const auto result = server.broadcast("(admin) " + line + '\n'); result != pollux::Result::ok) {
            say("Not sent: ", to_string(result));
        }
    });
}

}  // namespace chat
