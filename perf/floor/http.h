// What the bare HTTP loops share: a request is whatever ends with an empty line, and its answer is laid down as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "floor.h"
#include "serve.h"

namespace perf_floor {

/// How long the head at the beginning of `bytes` is, with its empty line; 0 if that has not come. One byte in four is
/// looked at: no empty line fits between two.
inline std::size_t head_size(std::string_view bytes) {
    for (std::size_t i = 3; i < bytes.size();) {
        const char byte = bytes[i];
        if (byte == '\n' && bytes.substr(i - 3, 4) == "\r\n\r\n") return i + 1;
        i += byte == '\r' ? 1U : byte == '\n' ? 2U : 4U;
    }
    return 0;
}

/// The answers: to TRACE the request itself, to everything else the same. Byte for byte as long as those of Pollux.
class HttpAnswers {
public:
    /// Appends the answers to all whole requests at the beginning of `received`. Returns the bytes of these requests.
    std::size_t append_to(std::string& out, std::string_view received) {
        const std::size_t all = received.size();
        while (const std::size_t size = head_size(received)) {
            if (received.front() == 'T') {
                out += trace_head(size);
                out += received.substr(0, size);
            } else {
                out += greeting;
            }
            received.remove_prefix(size);
        }
        return all - received.size();
    }

private:
    static constexpr std::string_view greeting =
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
        "Content-Length: 13\r\n\r\nHello, World!";

    // Requests are of one size, mostly.
    const std::string& trace_head(std::size_t content_bytes) {
        if (content_bytes != trace_content_bytes_) {
            trace_head_ =
                "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: message/http\r\n"
                "Content-Length: " +
                std::to_string(content_bytes) + "\r\n\r\n";
            trace_content_bytes_ = content_bytes;
        }
        return trace_head_;
    }

    std::string trace_head_;
    std::size_t trace_content_bytes_ = 0;
};

/// A connection of either kind that remembers the request it has received in part.
template <class Transport>
struct HttpConnection : Transport {
    using Transport::Transport;

    std::string begun;
};

/// The loop over either kind: all answers to one receive leave in one send.
template <class TransportLoop>
class HttpLoop : public TransportLoop {
public:
    using Connection = typename TransportLoop::Connection;

    using TransportLoop::TransportLoop;

    bool serve(Connection& connection, std::uint32_t events) {
        return serve_event(connection, events, [&] { return answer(connection) && connection.flush(); });
    }

private:
    static constexpr std::size_t most_head_bytes = 64 * 1024;

    // False if the connection is over.
    bool answer(Connection& connection) {
        while (!connection.blocked()) {
            const std::size_t begun = connection.begun.copy(buffer_.data(), connection.begun.size());
            const int received = connection.read(buffer_.data() + begun);
            if (received <= 0) return received == 0;
            const std::string_view bytes{buffer_.data(), begun + static_cast<std::size_t>(received)};
            answers_.clear();
            const std::size_t answered = http_.append_to(answers_, bytes);
            connection.begun = bytes.substr(answered);
            if (connection.begun.size() > most_head_bytes || !write(connection)) return false;
        }
        return true;
    }

    bool write(Connection& connection) {
        for (std::string_view left = answers_; !left.empty();) {
            const std::string_view piece = left.substr(0, Connection::most_write_bytes);
            if (!connection.write(piece)) return false;
            left.remove_prefix(piece.size());
        }
        return true;
    }

    HttpAnswers http_;
    std::vector<char> buffer_ = std::vector<char>(most_head_bytes + Connection::most_read_bytes);
    std::string answers_;
};

}  // namespace perf_floor
