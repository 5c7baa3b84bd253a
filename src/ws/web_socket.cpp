// The public face of a WebSocket.
#include <pollux/ws/web_socket.h>

#include "engine_core.h"
#include "proto/ws/close_frame.h"
#include "ws/session.h"

namespace pollux::ws {

namespace {

Session& session(WebSocket& socket) noexcept {
    return static_cast<Session&>(socket);
}
const Session& session(const WebSocket& socket) noexcept {
    return static_cast<const Session&>(socket);
}

Result send_by_id(Engine& engine, ConnectionId id, Opcode opcode, Bytes body) {
    return engine.core().send_message(id, static_cast<std::uint8_t>(opcode), body);
}

}  // namespace

Result WebSocket::send_anyhow(MessageType type, Bytes data) {
    return session(*this).send_data(type, data, Session::Passage::checked);
}
Result WebSocket::send(const PreparedMessage& message) {
    return session(*this).send_prepared(message);
}
Result WebSocket::send_fragment(MessageType type, Bytes part, bool last) {
    return session(*this).send_part(type, part, last);
}
Result WebSocket::ping(Bytes payload) {
    return session(*this).send_control(Opcode::ping, payload);
}
Result WebSocket::pong(Bytes payload) {
    return session(*this).send_control(Opcode::pong, payload);
}
void WebSocket::close(std::uint16_t code, std::string_view reason) {
    session(*this).begin_close(code, reason, CloseReason::local_close);
}
void WebSocket::abort() {
    session(*this).abort_now();
}
bool WebSocket::is_open() const noexcept {
    return session(*this).open();
}
std::string_view WebSocket::protocol() const noexcept {
    return session(*this).agreed_protocol();
}
bool WebSocket::deflates() const noexcept {
    return session(*this).compresses();
}
void WebSocket::pause_receiving() {
    session(*this).pause();
}
void WebSocket::resume_receiving() {
    session(*this).resume();
}
std::size_t WebSocket::bytes_pending() const noexcept {
    return session(*this).stream().pending();
}
Counters WebSocket::counters() const noexcept {
    return session(*this).counted();
}
Connection& WebSocket::connection() const noexcept {
    return session(*this).stream();
}

WebSocket* find(Reactor& reactor, ConnectionId id) noexcept {
    Connection* const connection = reactor.find(id);
    if (connection == nullptr) return nullptr;
    return dynamic_cast<Session*>(static_cast<StreamConnection*>(connection)->protocol());
}

Result send(Engine& engine, ConnectionId id, MessageType type, Bytes data) {
    return send_by_id(engine, id, static_cast<Opcode>(type), data);
}

Result ping(Engine& engine, ConnectionId id, Bytes payload) {
    if (payload.size() > max_control_bytes) return Result::too_large;
    return send_by_id(engine, id, Opcode::ping, payload);
}

Result close(Engine& engine, ConnectionId id, std::uint16_t code, std::string_view reason) {
    return send_by_id(engine, id, Opcode::close, ClosePayload{code, reason}.bytes());
}

PreparedMessage::PreparedMessage(MessageType type, Bytes data)
    : header_bytes_(frame_header_bytes(data.size(), Role::server)), type_(type) {
    frame_.resize(header_bytes_);
    write_frame_header(reinterpret_cast<std::byte*>(frame_.data()), frame_bits::fin | static_cast<std::uint8_t>(type),
                       data.size(), Role::server);
    frame_.append(as_text(data));
}

}  // namespace pollux::ws
