// A WebSocket: a connection that carries messages (RFC 6455).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pollux/bytes.h>
#include <pollux/connection.h>
#include <pollux/detail/message_lane.h>
#include <pollux/engine.h>
#include <pollux/error.h>
#include <pollux/ws/message.h>

namespace pollux::ws {

/// What a WebSocket did so far. Messages count when they are complete.
struct Counters {
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;  ///< Broadcasts are the server's.
    std::uint64_t pings_received = 0;
    std::uint64_t pongs_received = 0;
};

/// One WebSocket, of a server or a client. A handler gets a reference in each callback; it may keep it until its
/// `on_close` returns. Every function here is for the connection's own reactor thread; for other threads there are the
/// functions below, which take an id.
///
/// Nothing here calls a handler before it returns. What callbacks send leaves in one system call when all that was
/// received has been handled.
class WebSocket {
public:
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;

    /// Sends a message: all of it is accepted, or none. The bytes are copied or handed to the kernel before it returns.
    /// `would_block`: too much is waiting; `Handler::on_drain` follows. `closed`: closing or closed. `too_large`: more
    /// than `ConnectionOptions::max_pending_bytes`.
    ///
    /// While a message is being sent in fragments, others wait behind its last one, without being refused for that.
    /// What waits so is at most `ConnectionOptions::max_pending_bytes`, beside what is pending.
    Result send(MessageType type, Bytes data) {
        constexpr std::uint8_t final_frame = 0x80;
        const auto first = static_cast<std::uint8_t>(final_frame | static_cast<std::uint8_t>(type));
        if (detail::lay_down(*lane_, this, first, data)) [[likely]]
            return Result::ok;
        return send_anyhow(type, data);
    }

    /// A text message. It has to be UTF-8: the peer closes the connection over one that is not.
    Result send(std::string_view text) { return send(MessageType::text, as_bytes(text)); }
    Result send(const char* text) { return send(std::string_view{text}); }

    /// A binary message.
    Result send(Bytes data) { return send(MessageType::binary, data); }

    /// A message that was framed once for many.
    Result send(const PreparedMessage& message);

    /// Sends a part of a message; `last` completes it. `type` counts for the first one. As with `send`, a part that is
    /// refused was not sent at all.
    Result send_fragment(MessageType type, Bytes part, bool last);

    /// Sends a Ping with up to 125 bytes; `too_large`: more. It is not refused by the watermark. `would_block`: there
    /// is more waiting than may ever be.
    Result ping(Bytes payload = {});
    Result ping(std::string_view payload) { return ping(as_bytes(payload)); }

    /// Sends a Pong that nobody asked for or, with `Options::automatic_pong` off, the answer to a ping.
    Result pong(Bytes payload = {});
    Result pong(std::string_view payload) { return pong(as_bytes(payload)); }

    /// Begins the closing handshake: a Close frame goes out behind everything that was sent, and nothing is accepted
    /// any more. No further message is delivered. `on_close` follows when the peer has answered, or has not for
    /// `Options::close_timeout`. A code that must not be sent (RFC 6455, 7.4) is taken as 1011, but for 1005, which
    /// stands for none and no reason; a reason is cut to the 123 bytes that fit, between characters.
    void close(std::uint16_t code = close_code::normal, std::string_view reason = {});

    /// Ends the connection at once, without a Close frame. `on_close` follows in this turn.
    void abort();

    /// True if `send` may accept: open, and no Close frame sent or received.
    [[nodiscard]] bool is_open() const noexcept;

    /// The sub-protocol that was agreed on; empty for none.
    [[nodiscard]] std::string_view protocol() const noexcept;

    /// True if permessage-deflate was agreed on.
    [[nodiscard]] bool deflates() const noexcept;

    /// Stops delivering; the peer is held back by flow control. Its pings and its Close wait, too.
    void pause_receiving();

    /// Delivers again, from the loop.
    void resume_receiving();

    /// Bytes accepted and not yet taken by the kernel.
    [[nodiscard]] std::size_t bytes_pending() const noexcept;

    [[nodiscard]] Counters counters() const noexcept;

    /// Names it for ever, for the functions below.
    [[nodiscard]] ConnectionId id() const noexcept { return connection().id(); }

    /// What it runs on: addresses, TLS facts, the reactor. Sending there would break the framing.
    [[nodiscard]] Connection& connection() const noexcept;
    [[nodiscard]] Reactor& reactor() const noexcept { return connection().reactor(); }
    [[nodiscard]] SocketAddress peer_address() const { return connection().peer_address(); }

protected:
    explicit WebSocket(detail::MessageLane& lane) noexcept : lane_(&lane) {}
    ~WebSocket() = default;

private:
    Result send_anyhow(MessageType type, Bytes data);

    detail::MessageLane* lane_;  // the reactor's
};

/// The WebSocket of an id; null if that is stale, lives elsewhere or names no open WebSocket. Reactor thread only: for
/// whoever posted a task there.
[[nodiscard]] WebSocket* find(Reactor& reactor, ConnectionId id) noexcept;

// By id, from any thread. The order in which a thread sends is the order on the wire. `would_block`: the calling
// thread's mailbox is full, try again. `closed`: the id is stale, or no WebSocket's. `too_large`: more than half of
// `EngineOptions::mailbox_bytes`, or a ping of more than 125 bytes. From another thread, what was accepted passes the
// high watermark; beyond `ConnectionOptions::max_pending_bytes` the connection ends with `CloseReason::slow_consumer`.

Result send(Engine& engine, ConnectionId id, MessageType type, Bytes data);
inline Result send(Engine& engine, ConnectionId id, std::string_view text) {
    return send(engine, id, MessageType::text, as_bytes(text));
}
inline Result send(Engine& engine, ConnectionId id, const char* text) {
    return send(engine, id, std::string_view{text});
}
inline Result send(Engine& engine, ConnectionId id, Bytes data) {
    return send(engine, id, MessageType::binary, data);
}
Result ping(Engine& engine, ConnectionId id, Bytes payload = {});
Result close(Engine& engine, ConnectionId id, std::uint16_t code = close_code::normal, std::string_view reason = {});

}  // namespace pollux::ws
