// A peer of WebSockets over a raw socket, or TLS on one, of either role.
#include "net/ws_peer.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ostream>

#include <pollux/ws/message.h>

#include "ascii.h"
#include "proto/http/characters.h"
#include "proto/ws/handshake.h"

namespace pollux::test {
namespace {

/// A number as it goes over the wire.
std::string big_endian(std::uint64_t value, std::size_t bytes) {
    std::string text;
    for (std::size_t shift = 8 * bytes; shift != 0; shift -= 8) text += static_cast<char>(value >> (shift - 8));
    return text;
}

std::uint64_t from_big_endian(std::string_view text) {
    std::uint64_t value = 0;
    for (const char c : text) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
}

/// What is masked is unmasked, and the other way round.
void mask(std::string& payload, std::string_view key) {
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
}

bool is_control(Opcode opcode) {
    return static_cast<std::uint8_t>(opcode) >= 8;
}

}  // namespace

// Frames.

void PrintTo(const WsFrame& frame, std::ostream* out) {
    *out << "opcode " << static_cast<int>(frame.opcode) << (frame.fin ? "" : " to be continued");
    if (frame.rsv != 0) *out << " RSV " << frame.rsv;
    *out << ", " << frame.payload.size() << " bytes: " << testing::PrintToString(frame.payload.substr(0, 130));
}

WsFrame text(std::string_view payload) {
    return {.opcode = Opcode::text, .payload = std::string{payload}};
}
WsFrame binary(std::string_view payload) {
    return {.opcode = Opcode::binary, .payload = std::string{payload}};
}
WsFrame ping(std::string_view payload) {
    return {.opcode = Opcode::ping, .payload = std::string{payload}};
}
WsFrame pong(std::string_view payload) {
    return {.opcode = Opcode::pong, .payload = std::string{payload}};
}
WsFrame close(std::uint16_t code, std::string_view reason) {
    if (code == ws::close_code::none) return {.opcode = Opcode::close};
    return {.opcode = Opcode::close, .payload = big_endian(code, 2).append(reason)};
}
WsFrame first_part(Opcode opcode, std::string_view payload) {
    return {.opcode = opcode, .payload = std::string{payload}, .fin = false};
}
WsFrame next_part(std::string_view payload) {
    return first_part(Opcode::continuation, payload);
}
WsFrame last_part(std::string_view payload) {
    return {.opcode = Opcode::continuation, .payload = std::string{payload}};
}

std::string encode(const WsFrame& frame, Role sender) {
    const bool masked = frame.masked.value_or(sender == Role::client);
    const std::uint64_t length = frame.length.value_or(frame.payload.size());
    const std::size_t fewest = length < 126 ? 1 : length < 65536 ? 2 : 8;
    const std::size_t length_bytes = frame.length_bytes != 0 ? frame.length_bytes : fewest;
    const std::uint64_t short_length = length_bytes == 8 ? 127 : length_bytes == 2 ? 126 : length;

    std::string bytes;
    bytes += static_cast<char>((frame.fin ? 0x80U : 0U) | frame.rsv << 4 | static_cast<unsigned>(frame.opcode));
    bytes += static_cast<char>((masked ? 0x80U : 0U) | short_length);
    if (length_bytes > 1) bytes += big_endian(length, length_bytes);
    std::string payload = frame.payload;
    if (masked) {
        bytes += frame.key;
        mask(payload, frame.key);
    }
    return bytes + payload;
}

// The opening handshake.

std::string upgrade_request(std::string_view target, std::string_view fields) {
    return std::string{"GET "}
        .append(target)
        .append(" HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
        .append("Sec-WebSocket-Key: ")
        .append(sample_key)
        .append("\r\n")
        .append(fields)
        .append("\r\n");
}

std::string switching_answer(std::string_view request, std::string_view fields) {
    const ws::AcceptKey accept = ws::accept_key(field_of(request, "Sec-WebSocket-Key"));
    return std::string{"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"}
        .append("Sec-WebSocket-Accept: ")
        .append(accept.data(), accept.size())
        .append("\r\n")
        .append(fields)
        .append("\r\n");
}

std::string field_of(std::string_view head, std::string_view name) {
    Answer message;
    message.head = head;
    return message.field(name).value_or(std::string{});
}

WsPeer::WsPeer(Role role, RawSocket socket) : role_(role), socket_(std::move(socket)) {
    EXPECT_TRUE(socket_.valid());
}

WsPeer::WsPeer(Role role, TlsPeer tls) : role_(role), tls_(std::move(tls)) {
    EXPECT_TRUE(tls_->handshake()) << tls_->failure();
}

Answer WsPeer::upgrade(std::string_view target, std::string_view fields) {
    send(upgrade_request(target, fields));
    return read_answer();
}

Answer WsPeer::read_answer() {
    Answer answer;
    answer.head = read_head();
    if (!answer.head.starts_with("HTTP/1.1 ")) return {};
    std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
    std::size_t length = 0;
    if (const auto field = answer.field("Content-Length")) {
        std::from_chars(field->data(), field->data() + field->size(), length);
    }
    if (!receive(length, answer.body)) return {};
    return answer;
}

std::string WsPeer::accept_upgrade(std::string_view fields) {
    std::string request = read_head();
    send(switching_answer(request, fields));
    return request;
}

std::string WsPeer::read_head() {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
        if (!receive_more()) return {};
    }
    std::string head;
    return receive(end + 4, head) ? head : std::string{};
}

// Frames, and bytes as they are.

bool WsPeer::try_send(std::string_view bytes) {
    return tls_ ? tls_->send(bytes) : socket_.send(bytes);
}

void WsPeer::send(std::string_view bytes) {
    EXPECT_TRUE(try_send(bytes));
}

std::optional<WsFrame> WsPeer::read() {
    std::string start;
    std::uint64_t length = 0;
    if (!receive(2, start)) return std::nullopt;
    const auto first = static_cast<std::uint8_t>(start[0]);
    const auto second = static_cast<std::uint8_t>(start[1]);
    const bool masked = (second & 0x80) != 0;
    WsFrame frame{.opcode = static_cast<Opcode>(first & 0x0f),
                  .fin = (first & 0x80) != 0,
                  .rsv = static_cast<unsigned>(first >> 4 & 0x07)};
    const bool whole = read_length(second, length) && receive_key(masked, frame.key) && receive(length, frame.payload);
    if (!whole) return std::nullopt;
    if (masked) mask(frame.payload, frame.key);
    check_frame(frame, masked);
    return frame;
}

bool WsPeer::receive_key(bool masked, std::string& key) {
    key.clear();
    return !masked || receive(4, key);
}

bool WsPeer::read_length(std::uint8_t second, std::uint64_t& length) {
    length = second & 0x7f;
    if (length < 126) return true;
    const std::size_t bytes = length == 126 ? 2 : 8;
    std::string text;
    if (!receive(bytes, text)) return false;
    length = from_big_endian(text);
    EXPECT_GT(length, bytes == 2 ? 125u : 65535u) << "RFC 6455, 5.2: not the fewest bytes";
    return true;
}

void WsPeer::check_frame(const WsFrame& frame, bool masked) const {
    EXPECT_EQ(masked, role_ == Role::server) << "RFC 6455, 5.1: clients mask, servers do not";
    EXPECT_EQ(frame.rsv & 3U, 0u) << "RFC 6455, 5.2";
    if (!is_control(frame.opcode)) {
        EXPECT_LE(static_cast<int>(frame.opcode), 2) << "RFC 6455, 5.2: reserved opcode";
    } else {
        EXPECT_LE(static_cast<int>(frame.opcode), 10) << "RFC 6455, 5.2: reserved opcode";
        EXPECT_TRUE(frame.fin && frame.rsv == 0 && frame.payload.size() <= 125) << "RFC 6455, 5.5";
    }
}

std::uint16_t WsPeer::read_close() {
    const std::optional<WsFrame> frame = read();
    if (!frame || frame->opcode != Opcode::close) {
        ADD_FAILURE() << "no Close frame: " << testing::PrintToString(frame);
        return 0;
    }
    if (frame->payload.empty()) return ws::close_code::none;
    EXPECT_NE(frame->payload.size(), 1u) << "RFC 6455, 5.5.1";
    return static_cast<std::uint16_t>(from_big_endian(std::string_view{frame->payload}.substr(0, 2)));
}

void WsPeer::expect_close(std::uint16_t code) {
    EXPECT_EQ(read_close(), code);
    EXPECT_TRUE(is_closed());
    socket().close();
}

void WsPeer::leave() {
    // A server is the first to close the connection (RFC 6455, 7.1.1).
    if (role_ == Role::server) finish_sending();
    EXPECT_TRUE(is_closed());
    socket().close();
}

void WsPeer::shake_hands_and_close(std::uint16_t code) {
    send(close(code));
    EXPECT_EQ(read_close(), code);
    leave();
}

void WsPeer::finish_sending() {
    if (tls_) {
        EXPECT_TRUE(tls_->finish_sending());
    } else {
        socket_.finish_sending();
    }
}

HttpEnd WsPeer::end() {
    if (!std::exchange(received_, {}).empty()) return HttpEnd::more;
    if (tls_) {
        const TlsPeer::Rest rest = tls_->receive_rest();
        return !rest.bytes.empty()                ? HttpEnd::more
               : rest.end == TlsEnd::close_notify ? HttpEnd::closed
               : rest.end == TlsEnd::none         ? HttpEnd::timed_out
                                                  : HttpEnd::reset;
    }
    const RawSocket::Rest rest = socket_.receive_rest();
    return !rest.bytes.empty()    ? HttpEnd::more
           : rest.error == 0      ? HttpEnd::closed
           : rest.error == EAGAIN ? HttpEnd::timed_out
                                  : HttpEnd::reset;
}

bool WsPeer::receive_more() {
    const std::string piece = tls_ ? tls_->receive_some(64 * 1024) : socket_.receive_some(64 * 1024);
    received_ += piece;
    return !piece.empty();
}

bool WsPeer::receive(std::size_t size, std::string& out) {
    while (received_.size() < size) {
        if (!receive_more()) return false;
    }
    out.append(received_, 0, size);
    received_.erase(0, size);
    return true;
}

}  // namespace pollux::test
