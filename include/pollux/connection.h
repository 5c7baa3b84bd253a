// A connection: one byte stream (TCP or Unix-domain, plain or with TLS) that lives and dies on one reactor.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include <pollux/address.h>
#include <pollux/bytes.h>
#include <pollux/error.h>
#include <pollux/tls.h>

namespace pollux {

class Reactor;
class ServerBase;

/// Names a connection for ever: 64 bits of reactor, slot and generation. Any thread may keep one; when the connection
/// is gone the id is stale, and whatever is asked of it answers `Result::closed`. An id belongs to the engine that made
/// it.
struct ConnectionId {
    std::uint64_t value = 0;  ///< 0 names no connection.

    explicit operator bool() const noexcept { return value != 0; }
    friend bool operator==(ConnectionId, ConnectionId) = default;
    friend auto operator<=>(ConnectionId, ConnectionId) = default;
};

/// Where a connection is in its life. It only moves downwards.
enum class ConnectionState : std::uint8_t {
    connecting,   ///< A client's connection that is not established yet.
    handshaking,  ///< The byte stream is there; TLS is being agreed on. Nothing can be sent yet.
    open,         ///< Established: `on_open` was called or is about to be.
    closing,      ///< `close()` was asked for: no new sends; pending bytes drain, then the sending side is shut down.
    closed,       ///< Over; `on_close` was called or is about to be.
};

/// What a connection did so far. Bytes are payload bytes as the handler sees them, but for `bytes_pending`.
struct ConnectionCounters {
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;         ///< Handed to the kernel; with TLS, encrypted for it.
    std::uint64_t messages_received = 0;  ///< `on_data` calls; for protocols with messages, messages.
    std::uint64_t messages_sent = 0;      ///< `send` calls that were accepted; broadcasts are the server's.
    std::size_t bytes_pending = 0;        ///< Accepted and not yet taken by the kernel; with TLS, what is encrypted
                                          ///< counts with its records' overhead.
    std::chrono::nanoseconds uptime{};    ///< Since `on_open`.
};

/// One byte stream. A handler gets a reference in each callback; it may keep it until its `on_close` returns.
/// Every function here is for the connection's own reactor thread alone; from other threads use
/// `Engine::send(id, …)`, `Engine::close(id)` and `Engine::abort(id)`.
///
/// `send`, `close` and `abort` never call a handler before they return: what they cause happens in the loop.
class Connection {
public:
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Accepts all of `bytes` for sending, or none. The bytes are copied or handed to the kernel before it returns.
    /// `would_block`: the pending bytes have reached `high_watermark_bytes` (or this span would pass
    /// `max_pending_bytes`); `on_drain` follows when they are down to `low_watermark_bytes`.
    /// `closed`: closing or closed. `too_large`: the span is larger than `max_pending_bytes`.
    /// What a callback sends leaves in one system call when the callback has returned; with TLS, full records may leave
    /// before. Where several connections have something at once, short answers may wait for the callbacks of a few
    /// others, but not for slow ones.
    Result send(Bytes bytes);
    Result send(std::string_view text) { return send(as_bytes(text)); }

    /// Closes gracefully: nothing more is accepted, what is pending drains (and TLS's close_notify after it), the
    /// sending side is shut down, and when the
    /// peer has closed too, or after `close_timeout`, `on_close` is called. What the peer sends meanwhile is discarded.
    void close();

    /// Closes at once: pending bytes are discarded and the peer sees a reset (TCP). `on_close` follows in this turn.
    void abort();

    /// Shuts down the sending side once what is pending has drained; receiving goes on until the peer closes.
    /// No `send` is accepted afterwards.
    void close_send();

    /// Stops reading from the socket; the peer is held back by the kernel's flow control. A reset is still noticed.
    void pause_receiving();

    /// Reads again after `pause_receiving`.
    void resume_receiving();

    /// True between `pause_receiving` and `resume_receiving`.
    [[nodiscard]] bool receiving_paused() const noexcept;

    [[nodiscard]] ConnectionId id() const noexcept;
    [[nodiscard]] ConnectionState state() const noexcept;

    /// True if `send` may accept bytes: established and neither closing nor closed.
    [[nodiscard]] bool is_open() const noexcept;

    /// Bytes accepted and not yet taken by the kernel.
    [[nodiscard]] std::size_t bytes_pending() const noexcept;
    [[nodiscard]] ConnectionCounters counters() const noexcept;

    /// This end's address; empty once the connection is over.
    [[nodiscard]] SocketAddress local_address() const;

    /// The peer's address, known in `on_close` too. The path of a Unix socket is told only while the connection is
    /// open; most clients have none.
    [[nodiscard]] SocketAddress peer_address() const;

    [[nodiscard]] Transport transport() const noexcept;

    /// True if it is encrypted.
    [[nodiscard]] bool is_secure() const noexcept;

    /// What is known about its encryption; none if it is not encrypted. Up to and including `on_close`.
    [[nodiscard]] std::optional<TlsInfo> tls() const;

    /// The reactor it lives on.
    [[nodiscard]] Reactor& reactor() const noexcept;

    /// The server that accepted it; null for a client's connection and after the server was destroyed.
    [[nodiscard]] ServerBase* server() const noexcept;

protected:
    Connection() = default;
    ~Connection() = default;
};

}  // namespace pollux

template <>
struct std::hash<pollux::ConnectionId> {
    std::size_t operator()(pollux::ConnectionId id) const noexcept { return std::hash<std::uint64_t>{}(id.value); }
};
