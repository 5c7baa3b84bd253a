// The engine's side of a connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <pollux/detail/timer_node.h>
#include <pollux/handler.h>

#include "backend.h"
#include "broadcast_log.h"
#include "connection_owner.h"
#include "proto/tls_session.h"
#include "send_queue.h"
#include "stream_protocol.h"

namespace pollux {

class ReactorCore;
struct TlsStream;

/// A byte stream over a socket, plain or with TLS (`tls_` is set, and what concerns it is in stream_tls.cpp). Its
/// memory, the handler's next to it, belongs to its owner; everything runs on its reactor's thread. Ten thousand idle
/// ones should fit a few megabytes, so every member is there for a reason.
class StreamConnection final : public Connection, public platform::Socket, public detail::TimerNode {
public:
    using Time = std::chrono::steady_clock::time_point;

    StreamConnection(ReactorCore& reactor, ConnectionOwner& owner, ConnectionHandler& handler);
    ~StreamConnection();

    // What the public class offers.

    Result send_bytes(Bytes bytes) { return send_parts(bytes, {}); }

    /// Sends two spans as one message: both are accepted, or none.
    Result send_parts(Bytes first, Bytes second);

    /// True if a message of that size would be accepted now; else what `send_bytes` answers, and what follows from that
    /// follows.
    Result admit(std::size_t size);

    /// Sends what was admitted. Without that, it passes the high watermark.
    void send_admitted(Bytes first, Bytes second);

    /// Goes on with a message that was admitted as a whole.
    void send_more(Bytes bytes) {
        if (state_ != ConnectionState::closed) accept(bytes);
    }

    /// `on_drain` is due when the pending bytes are down to the low watermark, be it at once.
    void want_drain();

    /// Where a message of at most `size` bytes may be laid down instead of being sent: where `send_bytes` would copy it
    /// to. Null if that is nowhere now, or the message would be refused: then `send_bytes` it. Valid until anything
    /// else is done with the connection.
    [[nodiscard]] std::byte* reserve(std::size_t size);

    /// A message of that many bytes, not 0, was laid down there.
    void commit(std::size_t size);

    /// What became of an attempt to send from a file.
    struct FileSent {
        enum class Outcome : std::uint8_t {
            sent,         ///< `bytes` of them.
            would_block,  ///< `on_drain` follows when the connection can take them.
            ended,        ///< The file is shorter.
            unsupported,  ///< Not from this file or over this connection: it is to be read and sent.
            closed,
        };
        Outcome outcome = Outcome::closed;
        std::size_t bytes = 0;
    };

    /// Hands bytes of a file to the kernel, behind all that was sent before and without reading them. Nothing of them
    /// is ever pending: what it does not take is the caller's to try again.
    FileSent send_file(platform::NativeHandle file, std::uint64_t offset, std::size_t count);

    void close_gracefully(CloseReason reason);
    void abort_with(CloseReason reason);
    void close_sending();
    void pause();
    void resume();

    /// Who frames what is sent; null for nobody.
    void set_protocol(StreamProtocol* protocol) noexcept { protocol_ = protocol; }
    [[nodiscard]] StreamProtocol* protocol() const noexcept { return protocol_; }

    /// Whether it gets the broadcasts of its server. It does from `on_open` on. What was broadcast before it leaves, it
    /// still gets, unless that is held.
    void join_broadcasts();
    void leave_broadcasts();

    /// Broadcasts wait, as long as something is sent that they must not come into the middle of.
    void hold_broadcasts(bool held);
    [[nodiscard]] bool paused() const noexcept { return paused_; }

    /// True while nothing is received: it is paused, or its peer does not read what is pending.
    [[nodiscard]] bool receiving_held() const noexcept;

    /// When bytes went either way last.
    [[nodiscard]] Time last_activity() const noexcept { return last_activity_; }
    [[nodiscard]] std::size_t pending() const noexcept;
    [[nodiscard]] ConnectionCounters read_counters() const noexcept;
    [[nodiscard]] SocketAddress read_local_address() const;
    [[nodiscard]] SocketAddress read_peer_address() const;
    [[nodiscard]] std::optional<TlsInfo> read_tls() const;
    [[nodiscard]] ConnectionId identity() const noexcept { return id_; }
    [[nodiscard]] ConnectionState phase() const noexcept { return state_; }
    [[nodiscard]] ReactorCore& home() const noexcept { return *reactor_; }
    [[nodiscard]] ConnectionOwner& owner() const noexcept { return *owner_; }

    /// True if `send_bytes` may accept: established, not closing, sending side not shut down.
    [[nodiscard]] bool accepts() const noexcept { return state_ == ConnectionState::open && !send_closing_; }

    // What the reactor and the owner do with it.

    /// Starts to connect to an address; the outcome is `on_connected` or `on_finished` of the owner.
    void start_connecting(const SocketAddress& address, Time deadline);

    /// The socket is established: gives the connection its id. False if that was impossible and it is over.
    [[nodiscard]] bool establish(const InetAddress& peer);

    /// Goes on once it is established: with the TLS handshake, or at once with the handler's `on_open`.
    void begin();

    /// Bytes that another thread was promised delivery of. They pass the high watermark; at `max_pending_bytes` the
    /// connection is closed.
    void send_promised(Bytes bytes);

    /// A message that another thread was promised delivery of, for the protocol.
    void receive_mail(Bytes mail) {
        if (protocol_ == nullptr || !accepts()) return;
        protocol_->send_message(std::to_integer<std::uint8_t>(mail[0]), mail.subspan(1), true);
    }

    void on_event(std::uint32_t flags, std::size_t sent);
    void on_timer();

    /// Hands what waits to the kernel, as far as it takes it.
    void flush();

    /// What was staged leaves now.
    void send_staged(Bytes bytes);

    /// It was marked dirty: `flush`, and what was received but could not be delivered then.
    void end_turn();

    /// Bytes of broadcasts that it has not sent yet.
    [[nodiscard]] std::size_t broadcast_lag() const noexcept {
        return cursor_.attached() ? owner_->log()->lag(cursor_) : 0;
    }

    /// Calls the handler's `on_drain` if it is still due.
    void notify_drained();

    /// Ends the connection now. The handler hears of it later in the turn.
    void finish(CloseReason reason, std::error_code error);

    /// Tells the handler that it is over, if it ever was told that it began, or a server's that the handshake failed.
    void notify_closed();

    [[nodiscard]] bool was_opened() const noexcept { return opened_; }

    /// True if it ended before TLS was agreed on.
    [[nodiscard]] bool failed_handshake() const noexcept { return owner_->secure() && id_ && !opened_; }
    [[nodiscard]] CloseReason close_reason() const noexcept { return reason_; }
    [[nodiscard]] std::error_code close_error() const noexcept;

    /// True when no operation is in flight on its socket.
    [[nodiscard]] bool socket_released() const noexcept { return socket_released_; }

    [[nodiscard]] ConnectionHandler& handler() const noexcept { return *handler_; }

    /// Links of the owner's list of connections.
    StreamConnection* next_of_owner = nullptr;
    StreamConnection* previous_of_owner = nullptr;

    /// Set while the reactor has it in the list of that name.
    bool in_dirty : 1 = false;
    bool in_drained : 1 = false;

    /// Receives TLS records, as OpenSSL asks for them. 0 if there is nothing now.
    std::size_t receive_encrypted(MutableBytes bytes);

    /// Hands a part of a TLS record to the kernel, or keeps it until that takes more.
    void send_encrypted(Bytes bytes);

private:
    class CorkScope;

    void announce();

    // With TLS.

    void start_handshake();
    [[nodiscard]] bool make_session();
    void continue_handshake();
    void receive_records();
    void decrypt();
    TlsSession::Decrypted decrypt_some();
    void after_decrypting(TlsSession::Step step);
    void receive_unread();
    void begin_records();
    void end_records();
    void flush_record_cork();
    void append_records(Bytes bytes);
    void send_large_part();
    void write_records(Bytes bytes);
    bool encrypt(Bytes record);
    bool encrypt_waiting();
    [[nodiscard]] Bytes gather_record(std::span<const Bytes> parts);
    void flush_records();
    void flush_encrypted();
    void keep_encrypted(Bytes bytes);
    void send_or_keep(Bytes bytes);
    void encrypted_sent(std::size_t count);
    [[nodiscard]] bool close_notify_sent();
    [[nodiscard]] std::size_t encrypted_bytes() const noexcept;
    [[nodiscard]] bool has_room_for_record() const noexcept;
    [[nodiscard]] bool take_tls_end() noexcept;
    void drop_encrypted();

    Result refuse(std::size_t size);
    void count_messages(std::uint64_t count);
    void count_lane_messages();
    [[nodiscard]] std::size_t unquestioned_bytes() const noexcept;
    [[nodiscard]] std::size_t lane_bytes() const noexcept;
    [[nodiscard]] std::size_t own_pending() const noexcept;
    [[nodiscard]] std::size_t sendable_lag() const noexcept { return broadcasts_held_ ? 0 : broadcast_lag(); }
    [[nodiscard]] std::size_t sendable() const noexcept { return own_pending() + sendable_lag(); }
    [[nodiscard]] std::size_t peek_sendable(std::span<Bytes> parts) const noexcept;
    [[nodiscard]] bool nothing_waits() const noexcept { return queue_.empty() && sendable_lag() == 0; }
    [[nodiscard]] bool stage();
    void send_staged_first();
    void accept(Bytes bytes);
    void append_corked(Bytes bytes);
    void send_through(Bytes bytes);
    void flush_cork();
    void write_now(Bytes first, Bytes second);
    void enqueue(Bytes bytes);
    void consumed(std::size_t count);
    void count_sent(std::size_t count);
    void deliver(Bytes data);
    void flush_plain();
    void settle_waiting();
    void after_flush();
    [[nodiscard]] bool drain_due(std::size_t waiting) const noexcept;
    void block_sending();
    void finish_sending();
    void drop_queue();

    void finish_connecting();
    void receive();
    void received_end();
    void fail(int error);
    void update_receiving();
    void rearm_idle_timer();

    ReactorCore* reactor_;
    ConnectionOwner* owner_;
    ConnectionHandler* handler_;
    TlsStream* tls_ = nullptr;
    StreamProtocol* protocol_ = nullptr;
    SendQueue queue_;  // with TLS: not encrypted yet
    BroadcastLog::Cursor cursor_;
    std::uint64_t bytes_received_ = 0;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t messages_received_ = 0;
    std::uint64_t messages_sent_ = 0;
    Time opened_at_{};
    Time last_activity_{};
    ConnectionId id_;
    InetAddress peer_;
    int error_ = 0;

    ConnectionState state_ = ConnectionState::connecting;
    CloseReason reason_ = CloseReason::none;
    std::uint8_t error_category_ : 2 = 0;
    bool opened_ : 1 = false;  // on_open was called
    bool paused_ : 1 = false;
    bool blocked_ : 1 = false;       // the kernel takes nothing until a sendable event
    bool drain_wanted_ : 1 = false;  // a send was refused, or the high watermark passed
    bool broadcasts_held_ : 1 = false;
    bool staged_ : 1 = false;          // what the last callback sent is among the reactor's staged sends
    bool file_waits_ : 1 = false;      // `on_drain` is due only when nothing is pending: a file comes next
    bool send_closing_ : 1 = false;    // nothing more is accepted; FIN when all is sent
    bool send_closed_ : 1 = false;     // FIN is sent
    bool receive_closed_ : 1 = false;  // the peer's FIN was received
    bool socket_released_ : 1 = false;
};

}  // namespace pollux
