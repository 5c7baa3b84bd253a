// The chat client behind ws_chat_client and wss_chat_client.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <pollux/pollux.h>
#include <pollux/ws/client.h>

#include "console.h"
#include "peer_description.h"
#include "talk.h"

namespace chat {

using console::printable;
using console::say;

/// Shows what the server sends. One object for the whole run: it stays over reconnects.
class WebVisitor final : public pollux::ws::Handler {
public:
    explicit WebVisitor(FirstOutcome& first_outcome) : first_outcome_(first_outcome) {}

    void on_open(pollux::ws::WebSocket& socket) override {
        say("Connected to ", socket.peer_address().to_string(), described(socket.connection().tls()));
        first_outcome_.report();
    }

    void on_message(pollux::ws::WebSocket&, pollux::ws::MessageType, pollux::Bytes data) override {
        say(printable(pollux::as_text(data)));
    }

    void on_close(pollux::ws::WebSocket&, const pollux::ws::CloseEvent& event) override {
        const std::string reason = printable(event.reason);
        say("Disconnected: ", to_string(event.cause), " (", event.code, reason.empty() ? "" : ", ", reason, ")",
            event.error ? ": " + event.error.message() : "");
    }

    void on_refused(const pollux::http::ResponseHead& answer) override {
        say("The server answers ", answer.status, " ", printable(answer.reason));
    }

    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override {
        say("Cannot connect: ", error.message(), will_retry ? "; trying again" : "", " (attempt ", attempt, ")");
        first_outcome_.report();
    }

private:
    FirstOutcome& first_outcome_;
};

/// From an argument that is a port, `host:port`, a URL, or nothing. Without a path it is the chat's.
inline std::string chat_url(const std::string& scheme, const std::string& port, const std::string& argument) {
    std::string url = console::inet_endpoint(scheme, port, argument);
    if (url.find('/', url.find("://") + 3) == std::string::npos) url += "/chat/ws";
    return url;
}

/// Runs until an empty line or the end of the console's input. The exit status of the program.
inline int run_web_client(const std::string& url, pollux::TlsContext tls = {}) {
    FirstOutcome first_outcome;
    pollux::Engine engine;
    pollux::ws::Client<WebVisitor> client{
        engine,
        {.url = url, .tls = std::move(tls), .connect_timeout = std::chrono::seconds{3}, .reconnect = every_second()},
        std::ref(first_outcome)};
    return talk(engine, client, url, first_outcome, [&client](const std::string& line) { return client.send(line); });
}

}  // namespace chat
