// A UDP socket on a reactor, bound or connected, and what the user implements to hear from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <pollux/address.h>
#include <pollux/bytes.h>
#include <pollux/error.h>

namespace pollux {

class Reactor;

/// The largest payload of a datagram: what 16 bits of length leave beside the headers of UDP and IPv4.
inline constexpr std::size_t max_datagram_bytes = 65'507;

/// Names a UDP socket for ever, as `ConnectionId` names a connection: any thread may keep one, and when the socket is
/// closed the id is stale and answers `Result::closed`. An id belongs to the engine that made it.
struct UdpSocketId {
    std::uint64_t value = 0;  ///< 0 names no socket.

    explicit operator bool() const noexcept { return value != 0; }
    friend bool operator==(UdpSocketId, UdpSocketId) = default;
    friend auto operator<=>(UdpSocketId, UdpSocketId) = default;
};

/// A multicast group to be in.
struct MulticastGroup {
    std::string group;             ///< The address, without a port: "239.255.0.1", "ff15::1".
    std::string source{};          ///< Source-specific (RFC 4607): only what this address sends. Empty: any source.
    std::string interface_name{};  ///< By name ("eth0") or number ("2"). Empty: where the system routes the group.
};

/// Datagrams of one peer that came, or go, in one piece: one behind the other in memory, all of one size but the last,
/// which may be shorter. A view of bytes that somebody else owns. There is at least one datagram; it may be empty.
class DatagramRun {
public:
    /// `segment_bytes` is each datagram's size; larger than `bytes` or 0 is one datagram.
    DatagramRun(Bytes bytes, std::size_t segment_bytes) noexcept
        : bytes_(bytes), segment_bytes_(segment_bytes != 0 ? segment_bytes : bytes.size() + 1) {}

    [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t segment_bytes() const noexcept { return segment_bytes_; }

    /// How many datagrams it is.
    [[nodiscard]] std::size_t size() const noexcept {
        return bytes_.size() <= segment_bytes_ ? 1 : (bytes_.size() + segment_bytes_ - 1) / segment_bytes_;
    }

    /// The datagram of an index below `size()`.
    [[nodiscard]] Bytes operator[](std::size_t index) const noexcept {
        const Bytes rest = bytes_.subspan(index * segment_bytes_ < bytes_.size() ? index * segment_bytes_ : 0);
        return rest.size() <= segment_bytes_ ? rest : rest.first(segment_bytes_);
    }

private:
    Bytes bytes_;
    std::size_t segment_bytes_;
};

/// Something went wrong with a datagram, and the socket goes on.
struct DatagramError {
    enum class Kind : std::uint8_t {
        refused,      ///< The system, or `max_pending_bytes`, refused datagrams that were accepted: they are lost.
        unreachable,  ///< The network told (ICMP) that a datagram sent before did not arrive; connection_refused:
                      ///< nobody has that port.
        receive,      ///< Receiving failed.
    };

    Kind kind = Kind::refused;
    std::error_code error;
    InetAddress peer;           ///< Who they were for; none if not known, or if there were several.
    std::size_t datagrams = 0;  ///< How many were refused; for other kinds, how often it was told.
};

/// What a UDP socket did so far. Bytes are payload bytes.
struct UdpCounters {
    std::uint64_t datagrams_received = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t datagrams_sent = 0;  ///< Taken by the system.
    std::uint64_t bytes_sent = 0;
    std::uint64_t datagrams_refused = 0;    ///< Accepted, then refused by the system or for `max_pending_bytes`: lost.
    std::uint64_t datagrams_truncated = 0;  ///< Received with more than `max_datagram_bytes` bytes, and cut.

    /// Dropped by the system because the receive buffer was full, as far as it tells: on Linux, with the next datagram
    /// that it hands out in a batch.
    std::uint64_t datagrams_overflowed = 0;

    std::uint64_t errors = 0;       ///< ICMP errors and failures to receive.
    std::size_t bytes_pending = 0;  ///< Accepted and not taken by the system yet, with 40 for each datagram.
};

/// One UDP socket. A handler gets a reference in each callback; it may keep it until its `on_close` returns. Every
/// function here is for the socket's own reactor thread alone; from other threads use `Engine::send(id, …)`,
/// `Engine::send_to(id, …)` and `Engine::close(id)`.
///
/// Nothing here calls a handler before it returns: what it causes happens in the loop.
class UdpSocket {
public:
    UdpSocket(const UdpSocket&) = delete;
    UdpSocket& operator=(const UdpSocket&) = delete;

    /// Sends a datagram to the peer of a connected socket. The bytes need not live longer than the call. What is sent
    /// within a turn leaves in as few system calls as the system allows; runs of equal size to one peer in one piece.
    /// `would_block`: `high_watermark_bytes` are pending, or with this `max_pending_bytes` would be passed; `on_drain`
    /// follows. `too_large`: more than `max_datagram_bytes` (65'507), or than `max_pending_bytes`. `closed`: closing or
    /// closed. `wrong_peer`: the socket is not connected.
    /// After `ok`, a datagram that the system refuses is counted, and `on_error` tells.
    Result send(Bytes bytes);
    Result send(std::string_view text) { return send(as_bytes(text)); }

    /// Sends a datagram to an address: a peer, a multicast group, a broadcast address. A socket of both IP versions
    /// takes both. As `send`; `wrong_peer`: the socket is connected, and to somebody else.
    Result send_to(const InetAddress& to, Bytes bytes);
    Result send_to(const InetAddress& to, std::string_view text) { return send_to(to, as_bytes(text)); }

    /// Sends many datagrams at once: a run as `on_run` was given it, or one of the caller's own, of any length. All of
    /// it is accepted or none. As `send_to`. What was received and is sent on within the callback is not copied.
    Result send_run(const InetAddress& to, const DatagramRun& run);

    /// The same to the peer of a connected socket.
    Result send_run(const DatagramRun& run);

    /// Closes the socket when what is pending was taken by the system, at the latest after `close_timeout`. Nothing is
    /// received any more. `on_close` follows.
    void close();

    /// Closes at once: what is pending is lost. `on_close` follows in this turn.
    void abort();

    /// Joins a multicast group, or leaves it: with the same words as it was joined. Datagrams of the group that wait in
    /// the socket's buffer when it leaves may still be received.
    [[nodiscard]] Status join(const MulticastGroup& group);
    [[nodiscard]] Status leave(const MulticastGroup& group);

    [[nodiscard]] UdpSocketId id() const noexcept;

    /// True if `send` may accept datagrams: neither closing nor closed.
    [[nodiscard]] bool is_open() const noexcept;

    /// Accepted and not taken by the system yet; each datagram counts its bytes and 40 more. What is collected in this
    /// turn is not counted.
    [[nodiscard]] std::size_t bytes_pending() const noexcept;
    [[nodiscard]] UdpCounters counters() const noexcept;

    /// This end's address; none once the socket is closed.
    [[nodiscard]] InetAddress local_address() const;

    /// The peer of a connected socket, else none.
    [[nodiscard]] InetAddress peer_address() const noexcept;

    /// The reactor it lives on.
    [[nodiscard]] Reactor& reactor() const noexcept;

protected:
    UdpSocket() = default;
    ~UdpSocket() = default;
};

/// The user's side of a UDP socket: one handler for each socket. All callbacks of one object run on one reactor's
/// thread, one at a time and never nested in each other. Callbacks must not throw and must not block.
class DatagramHandler {
public:
    DatagramHandler() = default;
    DatagramHandler(const DatagramHandler&) = delete;
    DatagramHandler& operator=(const DatagramHandler&) = delete;
    virtual ~DatagramHandler() = default;

    /// The socket is on its reactor. Comes before every other callback.
    virtual void on_open(UdpSocket& /*socket*/) {}

    /// A datagram arrived; it may have no bytes. `from` and `bytes` are valid during the call. An IPv4 peer of a socket
    /// of both IP versions has an IPv4 address.
    virtual void on_datagram(UdpSocket& socket, const InetAddress& from, Bytes bytes) = 0;

    /// For those who can handle several datagrams at once: what arrived from one peer in one piece, often a single
    /// datagram. Calls `on_datagram` for each unless overridden, as long as the socket is open. `from` and `run` are
    /// valid during the call. Large datagrams that must be cut do not come here.
    virtual void on_run(UdpSocket& socket, const InetAddress& from, const DatagramRun& run);

    /// A datagram arrived that is larger than `UdpOptions::max_datagram_bytes`: `beginning` is what was kept of it.
    virtual void on_truncated(UdpSocket& /*socket*/, const InetAddress& /*from*/, Bytes /*beginning*/) {}

    /// A `send` was refused, and what is pending is down to the low watermark.
    virtual void on_drain(UdpSocket& /*socket*/) {}

    /// A datagram was lost and the system knows, or receiving failed. The socket goes on.
    virtual void on_error(UdpSocket& /*socket*/, const DatagramError& /*error*/) {}

    /// The socket is closed. Comes exactly once, last.
    virtual void on_close(UdpSocket& /*socket*/, CloseReason /*reason*/, std::error_code /*error*/) {}
};

/// For those who would rather subscribe than subclass: functions shared by all sockets of a `Udp`. They are called on
/// reactor threads, on several at once if there are sockets on several reactors. Unset ones are skipped.
struct DatagramCallbacks {
    std::function<void(UdpSocket&)> on_open{};
    std::function<void(UdpSocket&, const InetAddress&, Bytes)> on_datagram{};
    std::function<void(UdpSocket&, const InetAddress&, const DatagramRun&)> on_run{};  ///< In place of `on_datagram`.
    std::function<void(UdpSocket&, const InetAddress&, Bytes)> on_truncated{};
    std::function<void(UdpSocket&)> on_drain{};
    std::function<void(UdpSocket&, const DatagramError&)> on_error{};
    std::function<void(UdpSocket&, CloseReason, std::error_code)> on_close{};
};

/// The handler behind `DatagramCallbacks`.
class DatagramCallbackHandler final : public DatagramHandler {
public:
    explicit DatagramCallbackHandler(std::shared_ptr<const DatagramCallbacks> callbacks)
        : callbacks_(std::move(callbacks)) {}

    void on_open(UdpSocket& socket) override {
        if (callbacks_->on_open) callbacks_->on_open(socket);
    }
    void on_datagram(UdpSocket& socket, const InetAddress& from, Bytes bytes) override {
        if (callbacks_->on_datagram) callbacks_->on_datagram(socket, from, bytes);
    }
    void on_run(UdpSocket& socket, const InetAddress& from, const DatagramRun& run) override {
        if (callbacks_->on_run) {
            callbacks_->on_run(socket, from, run);
        } else {
            DatagramHandler::on_run(socket, from, run);
        }
    }
    void on_truncated(UdpSocket& socket, const InetAddress& from, Bytes beginning) override {
        if (callbacks_->on_truncated) callbacks_->on_truncated(socket, from, beginning);
    }
    void on_drain(UdpSocket& socket) override {
        if (callbacks_->on_drain) callbacks_->on_drain(socket);
    }
    void on_error(UdpSocket& socket, const DatagramError& error) override {
        if (callbacks_->on_error) callbacks_->on_error(socket, error);
    }
    void on_close(UdpSocket& socket, CloseReason reason, std::error_code error) override {
        if (callbacks_->on_close) callbacks_->on_close(socket, reason, error);
    }

private:
    std::shared_ptr<const DatagramCallbacks> callbacks_;
};

}  // namespace pollux

template <>
struct std::hash<pollux::UdpSocketId> {
    std::size_t operator()(pollux::UdpSocketId id) const noexcept { return std::hash<std::uint64_t>{}(id.value); }
};
