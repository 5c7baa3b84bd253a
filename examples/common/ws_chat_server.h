// The chat server behind ws_chat_server and wss_chat_server: a page and its WebSocket on one port. Whether they are
// encrypted is the context's business.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include <pollux/pollux.h>
#include <pollux/ws/server.h>

#include "console.h"
#include "line_reader.h"
#include "peer_description.h"
#include "serve.h"
#include "ws_chat_page.h"

namespace chat {

using console::printable;
using console::say;

/// One WebSocket. Its messages go to everybody, itself included; "!" asks to be disconnected.
class WebMember final : public pollux::ws::Handler {
public:
    /// `last_number` is what all members share. The engine has one reactor, so one thread touches it.
    explicit WebMember(unsigned& last_number) : number_(++last_number) {}

    void on_open(pollux::ws::WebSocket& socket) override {
        say("(", number_, ") joined", from(socket.connection()), described(socket.connection().tls()));
        socket.send("Welcome. A message goes to everybody here; ! by itself disconnects you.");
    }

    void on_message(pollux::ws::WebSocket& socket, pollux::ws::MessageType type, pollux::Bytes data) override {
        if (type != pollux::ws::MessageType::text) {
            socket.close(pollux::ws::close_code::unsupported_data, "text only");
        } else if (const std::string_view text = pollux::as_text(data); text == "!") {
            socket.close();
        } else if (!text.empty()) {
            const std::string line = "(" + std::to_string(number_) + ") " + std::string{text};
            say(printable(line));
            if (auto* server = socket.connection().server(); server != nullptr) pollux::ws::broadcast(*server, line);
        }
    }

    void on_close(pollux::ws::WebSocket&, const pollux::ws::CloseEvent& event) override {
        const unsigned code = event.sent_code != 0 ? event.sent_code : event.code;  // ours echoes the peer's
        say("(", number_, ") left: ", to_string(event.cause), " (", code, ")");
    }

private:
    unsigned number_;
};

/// The page is at /chat/, its WebSocket at /chat/ws. `last_number` outlives the server.
inline pollux::http::Router make_chat_router(unsigned& last_number) {
    // A page from elsewhere shall not speak for whoever looks at it.
    const pollux::ws::RouteOptions options{.socket = {.max_message_bytes = max_line_bytes}, .same_origin = true};
    pollux::http::Router router;
    auto group = router.group("/chat");
    page::add_to(group);
    group.websocket<WebMember>("/ws", options, std::ref(last_number));
    router.get("/", [](const pollux::http::Request&, pollux::http::Response& response) {
        response.header("Location", "/chat/");
        response.status(302).send();
    });
    return router;
}

/// Serves until an empty line or the end of the console's input. The exit status of the program.
inline int run_web_server(const std::string& endpoint, pollux::TlsContext tls = {}) {
    unsigned last_number = 0;
    // One reactor: all members see all messages in the same order. With more, each would have an order of its own.
    pollux::Engine engine{{.reactors = 1}};
    pollux::http::Server server{
        engine,
        {.endpoint = endpoint, .connection = {.close_timeout = std::chrono::seconds{1}}, .tls = tls},
        {.server_name = "pollux"},
        make_chat_router(last_number)};

    return console::serve(
        engine, server, tls, "The chat is at /chat/; a line goes to everybody,", [&server](const std::string& line) {
            if (const auto result = pollux::ws::broadcast(server, "(admin) " + line); result != pollux::Result::ok) {
                say("Not sent: ", to_string(result));
            }
        });
}

}  // namespace chat
