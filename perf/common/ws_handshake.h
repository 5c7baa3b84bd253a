// The opening handshake of the WebSocket programs: one key for every client, so that a bare loop knows what answers it.
#pragma once

#include <string>
#include <string_view>

namespace perf {

/// The example of RFC 6455, 1.3. A key says only that the answer is to this request; loads need no more than one.
inline constexpr std::string_view ws_key = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view ws_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

inline constexpr std::string_view empty_line = "\r\n\r\n";

/// What a client says to a server at `host`, which is an address and a port.
[[nodiscard]] inline std::string ws_request(std::string_view host) {
    std::string request = "GET / HTTP/1.1\r\nHost: ";
    request += host;
    request += "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
    return request.append(ws_key).append(empty_line);
}

/// What a server says to that.
[[nodiscard]] inline std::string ws_answer() {
    std::string answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    return answer.append("Sec-WebSocket-Accept: ").append(ws_accept).append(empty_line);
}

}  // namespace perf
