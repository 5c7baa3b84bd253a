// A peer of WebSockets over a raw socket, or TLS on one, of either role: it sends frames right and wrong, and reads
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "common/raw_socket.h"
#include "net/http_peer.h"
#include "net/tls_peer.h"
#include "proto/ws/frame.h"

namespace pollux::test {

using ws::Opcode;
using ws::Role;

/// The role of whoever is at the other end.
[[nodiscard]] constexpr Role other(Role role) {
    return role == Role::server ? Role::client : Role::server;
}

/// A frame as a test wants it on the wire. What is left out is as RFC 6455 wants it.
struct WsFrame {
    Opcode opcode = Opcode::text;
    std::string payload{};
    bool fin = true;
    unsigned rsv = 0;  ///< RSV1 is 4, RSV2 is 2, RSV3 is 1.

    // For those that are wrong, but for the key, which is there in those that were read, too.

    std::optional<bool> masked{};           ///< Unset: as the sender's role wants it.
    std::optional<std::uint64_t> length{};  ///< What the header says of the payload; unset: the truth.
    std::size_t length_bytes = 0;           ///< 1, 2 or 8, to say it in; 0: the fewest.
    std::string key = "\x37\xfa\x21\x3d";   ///< Four bytes, if it is masked.

    /// True if what arrives is the same.
    friend bool operator==(const WsFrame& one, const WsFrame& two) {
        return one.opcode == two.opcode && one.payload == two.payload && one.fin == two.fin && one.rsv == two.rsv;
    }
};

void PrintTo(const WsFrame& frame, std::ostream* out);

/// Frames that are right.
[[nodiscard]] WsFrame text(std::string_view payload);
[[nodiscard]] WsFrame binary(std::string_view payload);
[[nodiscard]] WsFrame ping(std::string_view payload = {});
[[nodiscard]] WsFrame pong(std::string_view payload = {});

/// A Close with a code, whatever that is, and a reason; without a code if that is 1005.
[[nodiscard]] WsFrame close(std::uint16_t code, std::string_view reason = {});

/// The parts of a message: the first one, which says what it is, then others.
[[nodiscard]] WsFrame first_part(Opcode opcode, std::string_view payload);
[[nodiscard]] WsFrame next_part(std::string_view payload);
[[nodiscard]] WsFrame last_part(std::string_view payload);

/// The bytes of a frame.
[[nodiscard]] std::string encode(const WsFrame& frame, Role sender);

/// The example of RFC 6455, 1.3: a key and what a server answers to it.
inline constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A request to upgrade with these further field lines ("A: b\r\n").
[[nodiscard]] std::string upgrade_request(std::string_view target = "/", std::string_view fields = {});

/// The answer to a request, with these further field lines.
[[nodiscard]] std::string switching_answer(std::string_view request, std::string_view fields = {});

/// The value of the first field of a message's head; empty if it has none of that name.
[[nodiscard]] std::string field_of(std::string_view head, std::string_view name);

/// One end of a connection. Frames are read one after the other, however their bytes arrive, and are held to RFC 6455:
/// whatever is not right with one fails the test.
class WsPeer {
public:
    WsPeer(Role role, RawSocket socket);

    /// Over TLS; the handshake is to be done.
    WsPeer(Role role, TlsPeer tls);

    // The opening handshake.

    /// A client's: asks for the upgrade, and reads the answer.
    Answer upgrade(std::string_view target = "/", std::string_view fields = {});

    /// A client's: reads an answer, with its body if it says how long that is.
    Answer read_answer();

    /// A server's: reads a request and upgrades it. Returns the request.
    std::string accept_upgrade(std::string_view fields = {});

    /// Reads the head of a request or an answer, with its empty line. Empty if the connection ended before.
    [[nodiscard]] std::string read_head();

    // Frames, and bytes as they are.

    void send(const WsFrame& frame) { send(encode(frame)); }
    void send(std::string_view bytes);

    /// The same to somebody who may have closed the connection. False if so.
    bool try_send(const WsFrame& frame) { return try_send(encode(frame)); }
    bool try_send(std::string_view bytes);

    /// A frame of this side.
    [[nodiscard]] std::string encode(const WsFrame& frame) const { return test::encode(frame, role_); }

    /// The next frame, of whatever kind; none if the connection ends before.
    [[nodiscard]] std::optional<WsFrame> read();

    /// The code of the next frame, which has to be a Close: 1005 if it has none. 0 if it is something else.
    [[nodiscard]] std::uint16_t read_close();

    /// Says that nothing more follows, and goes on reading.
    void finish_sending();

    /// What the connection comes to. Waits for it.
    [[nodiscard]] HttpEnd end();

    /// True if the other side closes the connection in order, and nothing more comes before that.
    [[nodiscard]] bool is_closed() { return end() == HttpEnd::closed; }

    /// The other side has to say Close with this code, and to close the connection; then it is closed here, too.
    void expect_close(std::uint16_t code);

    /// Close frames went both ways: the end of the connection in the order of the roles.
    void leave();

    /// The closing handshake, begun here, to its end.
    void shake_hands_and_close(std::uint16_t code = 1000);

    [[nodiscard]] Role role() const { return role_; }
    [[nodiscard]] RawSocket& socket() { return tls_ ? tls_->socket() : socket_; }

private:
    bool receive(std::size_t size, std::string& out);
    bool receive_more();
    bool receive_key(bool masked, std::string& key);
    bool read_length(std::uint8_t second, std::uint64_t& length);
    void check_frame(const WsFrame& frame, bool masked) const;

    Role role_;
    RawSocket socket_;
    std::optional<TlsPeer> tls_;
    std::string received_;
};

}  // namespace pollux::test
