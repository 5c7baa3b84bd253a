// A peer of HTTP servers over a raw socket, or TLS on one: it says what it is told to, and reads answers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/raw_socket.h"
#include "net/tls_peer.h"

namespace pollux::test {

/// An answer as it came.
struct Answer {
    unsigned status = 0;   ///< 0 if the connection ended before there was a whole one, or if it is none.
    std::string head;      ///< With the status line and the empty line.
    std::string body;      ///< Of a chunked one: put together.
    std::string trailers;  ///< Of a chunked one: with the lines' ends, without the empty line.

    /// The value of the first field of that name.
    [[nodiscard]] std::optional<std::string> field(std::string_view name) const;

    /// How many fields have that name.
    [[nodiscard]] std::size_t count(std::string_view name) const;

    /// True if it says that the connection ends with it.
    [[nodiscard]] bool says_close() const { return field("Connection") == "close"; }
};

/// How a connection looks from here when nothing more is expected on it.
enum class HttpEnd : std::uint8_t {
    closed,     ///< An orderly end; with TLS, one that TLS told.
    reset,      ///< Any other end.
    more,       ///< There were further bytes first.
    timed_out,  ///< It goes on.
};

/// A connection to a server. Answers are read one after the other, however their bytes arrive, and are held to the
/// grammar of RFC 9112: whatever is not right with one fails the test.
class HttpPeer {
public:
    /// Over a plain socket.
    explicit HttpPeer(const SocketAddress& to, int receive_buffer_bytes = 0);

    /// Over TLS.
    explicit HttpPeer(TlsPeer tls);

    /// Bytes as they are.
    void send(std::string_view bytes);

    /// The same to a server that may have closed the connection. False if it has.
    bool try_send(std::string_view bytes);

    /// Says that nothing more follows, and goes on reading.
    void finish_sending();

    /// Reads the next answer: to a request with that method, since HEAD's has no body.
    Answer read(std::string_view method = "GET");

    /// A whole request with `Host`, these further field lines ("A: b\r\n"), and a body with its length; and its answer.
    Answer ask(std::string_view method, std::string_view target, std::string_view fields = {},
               std::string_view body = {});

    Answer get(std::string_view target, std::string_view fields = {}) { return ask("GET", target, fields); }

    /// What the connection comes to. Waits for it.
    [[nodiscard]] HttpEnd end();

    /// True if the server closes the connection in order, and nothing more comes before that.
    [[nodiscard]] bool is_closed() { return end() == HttpEnd::closed; }

    /// All there is before the connection ends. Waits for that.
    [[nodiscard]] std::string read_rest();

    [[nodiscard]] RawSocket& socket() { return tls_ ? tls_->socket() : socket_; }

private:
    /// Takes as much as `end` off what was received. What is missing is waited for; false if it does not come.
    bool receive_until(std::string_view end, std::string& out);
    bool receive_exactly(std::size_t size, std::string& out);
    bool receive_chunks(Answer& answer);
    bool receive_more();

    RawSocket socket_;
    std::optional<TlsPeer> tls_;
    std::string received_;
    std::optional<HttpEnd> end_;
};

}  // namespace pollux::test
