// Options, reports and orders of WebSockets.
#include "ws_program.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <sstream>

namespace pollux::interop {
namespace {

constexpr std::size_t longest_shown = 200;

unsigned number(Arguments& arguments, const std::string& name, unsigned otherwise) {
    return static_cast<unsigned>(std::stoul(arguments.value(name, std::to_string(otherwise))));
}

std::string_view name_of(ws::MessageType type) {
    return type == ws::MessageType::text ? "text" : "binary";
}

std::string shown(std::string_view data) {
    return data.size() > longest_shown ? std::to_string(data.size()) + " bytes" : escaped(data);
}

/// Letters are text, and there are so few of them that a compressor has something to do.
std::string known_bytes(ws::MessageType type, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        const char byte = known_byte(i);
        bytes[i] = type == ws::MessageType::binary ? byte : static_cast<char>('a' + (byte & 0xF));
    }
    return bytes;
}

/// In `parts` fragments, of which the last may be shorter, or empty.
void send_known(Room& room, ws::MessageType type, std::size_t size, std::size_t parts) {
    const std::string_view bytes = room.expected.emplace(known_bytes(type, size));
    const std::size_t step = (size + parts - 1) / parts;
    for (std::size_t part = 0; part < parts; ++part) {
        const std::string_view piece = bytes.substr(std::min(part * step, size), step);
        const bool last = part + 1 == parts;
        const Result result =
            parts == 1 ? room.last->send(type, as_bytes(piece)) : room.last->send_fragment(type, as_bytes(piece), last);
        if (result != Result::ok) say("not sent: " + std::string{to_string(result)});
    }
}

void obey_now(Room& room, const std::string& order) {
    if (room.last == nullptr) {
        say("not open");
        return;
    }
    std::istringstream words{order};
    std::string verb;
    words >> verb >> std::ws;
    std::string rest;
    if (verb == "text") {
        std::getline(words, rest);
        room.last->send(rest);
    } else if (verb == "known") {
        std::size_t size = 0;
        std::size_t parts = 1;
        words >> rest >> size >> parts;
        send_known(room, rest == "text" ? ws::MessageType::text : ws::MessageType::binary, size, parts);
    } else if (verb == "ping") {
        std::getline(words, rest);
        room.last->ping(rest);
    } else if (verb == "close") {
        std::uint16_t code = 0;
        words >> code >> std::ws;
        std::getline(words, rest);
        room.last->close(code, rest);
    } else {
        say("no such order: " + order);
    }
}

}  // namespace

ws::Options socket_options(Arguments& arguments) {
    ws::Options options;
    options.max_message_bytes = number(arguments, "--max-message", 2 * 1024 * 1024);
    options.deflate.enabled = arguments.flag("--deflate");
    if (arguments.flag("--own-memory")) options.deflate.memory = ws::DeflateMemory::per_connection;
    options.deflate.server_no_context_takeover = arguments.flag("--server-no-context");
    options.deflate.client_no_context_takeover = arguments.flag("--client-no-context");
    options.deflate.server_max_window_bits = number(arguments, "--server-bits", 15);
    options.deflate.client_max_window_bits = number(arguments, "--client-bits", 15);
    options.deflate.min_bytes = number(arguments, "--min-deflate", 0);
    return options;
}

void Reporter::on_open(ws::WebSocket& socket) {
    room_.last = &socket;
    say("open protocol=" + std::string{socket.protocol()} + " deflates=" + (socket.deflates() ? "1" : "0") + " " +
        describe(socket.connection()));
}

void Reporter::on_message(ws::WebSocket& socket, ws::MessageType type, Bytes data) {
    if (room_.expected) {
        const bool intact = as_text(data) == *room_.expected;
        say("echoed " + std::to_string(data.size()) + (intact ? " intact" : " damaged"));
        room_.expected.reset();
        return;
    }
    say(std::string{name_of(type)} + " " + shown(as_text(data)));
    if (echoes_ && socket.send(type, data) != Result::ok) say("not echoed");
}

void Reporter::on_ping(ws::WebSocket&, Bytes payload) {
    say("ping " + shown(as_text(payload)));
}

void Reporter::on_pong(ws::WebSocket&, Bytes payload) {
    say("pong " + shown(as_text(payload)));
}

void Reporter::on_close(ws::WebSocket& socket, const ws::CloseEvent& event) {
    if (room_.last == &socket) room_.last = nullptr;
    say("close " + describe(event.cause) + " code=" + std::to_string(event.code) + " reason=" + escaped(event.reason) +
        " sent=" + std::to_string(event.sent_code) + (event.clean() ? " clean" : " unclean") + describe(event.error));
}

void Reporter::on_refused(const http::ResponseHead& answer) {
    say("refused " + std::to_string(answer.status));
}

void Reporter::on_connect_error(std::error_code error, unsigned, bool) {
    say("connect_error" + describe(error));
}

void obey(Engine& engine, Room& room, const std::string& order) {
    const Result result = engine.post(0, [&room, order] { obey_now(room, order); });
    if (result != Result::ok) say("refused " + std::string{to_string(result)});
}

void obey_all(Engine& engine, Room& room) {
    for (std::string order; std::getline(std::cin, order);) obey(engine, room, order);
}

}  // namespace pollux::interop
