// What the WebSocket programs of the interop tests share: options, what a handler says, and the orders it takes.
#pragma once

#include <pollux/pollux.h>
#include <pollux/ws/handler.h>
#include <pollux/ws/options.h>

#include <optional>
#include <string>
#include <string_view>

#include "program.h"

namespace pollux::interop {

/// --max-message BYTES, --deflate, --own-memory, --server-no-context, --client-no-context, --server-bits N,
/// --client-bits N, --min-deflate BYTES
[[nodiscard]] ws::Options socket_options(Arguments& arguments);

/// What orders are about. Touched by the thread of reactor 0 alone, on which everything of these programs lives.
struct Room {
    ws::WebSocket* last = nullptr;          ///< The one that was opened last and is still open.
    std::optional<std::string> expected{};  ///< What is to come back as one message.
};

/// Says what happens, and sends messages back if it is to echo.
class Reporter final : public ws::Handler {
public:
    explicit Reporter(Room& room, bool echoes = false) : room_(room), echoes_(echoes) {}

    void on_open(ws::WebSocket& socket) override;
    void on_message(ws::WebSocket& socket, ws::MessageType type, Bytes data) override;
    void on_ping(ws::WebSocket& socket, Bytes payload) override;
    void on_pong(ws::WebSocket& socket, Bytes payload) override;
    void on_close(ws::WebSocket& socket, const ws::CloseEvent& event) override;
    void on_refused(const http::ResponseHead& answer) override;
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override;

private:
    Room& room_;
    bool echoes_;
};

/// Does what a line says, with the WebSocket that was opened last:
///   text WORDS          sends the words
///   known TYPE N PARTS  sends N known bytes, as text or binary, in so many fragments, and checks that they come back
///   ping WORDS          sends a Ping
///   close CODE WORDS    WebSocket::close
void obey(Engine& engine, Room& room, const std::string& order);

/// Obeys until the end of standard input.
void obey_all(Engine& engine, Room& room);

}  // namespace pollux::interop
