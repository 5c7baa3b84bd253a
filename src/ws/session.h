// An open WebSocket, of a server or a client.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <pollux/timer.h>
#include <pollux/ws/handler.h>
#include <pollux/ws/options.h>

#include "proto/ws/close_frame.h"
#include "proto/ws/deflate_offer.h"
#include "proto/ws/message_assembler.h"
#include "reactor_core.h"
#include "stream_connection.h"
#include "ws/context.h"
#include "ws/held_messages.h"

namespace pollux::ws {

/// From the end of the opening handshake to `on_close`. What was received goes in, the handler's callbacks come out;
/// whoever owns it passes on the connection's events. Its reactor's thread.
class Session final : public WebSocket, public StreamProtocol {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// What the handshake has agreed on.
    struct Terms {
        std::string protocol{};
        std::optional<DeflateAgreement> deflate{};
    };

    /// `options` and `handler` outlive it.
    Session(Role role, StreamConnection& stream, const Options& options, Handler& handler, Terms terms);
    ~Session();

    // The connection's events.

    /// The handshake is over.
    void begin();
    void receive(MutableBytes data);
    void receive_end();
    void drained();
    void closed(CloseReason reason, std::error_code error);

    // What the public class offers, and the functions with ids.

    /// Whether what is to be sent may be refused.
    enum class Passage : std::uint8_t {
        checked,   ///< By the watermarks.
        promised,  ///< It was accepted by another thread's mailbox: beyond `max_pending_bytes` the connection ends.
        admitted,  ///< Not any more.
    };

    Result send_data(MessageType type, Bytes data, Passage passage);
    Result send_prepared(const PreparedMessage& message);
    Result send_part(MessageType type, Bytes part, bool last);
    Result send_control(Opcode opcode, Bytes payload);
    void begin_close(std::uint16_t code, std::string_view reason, CloseReason cause);
    void abort_now() { stream_->abort_with(CloseReason::aborted); }
    void pause();
    void resume();
    [[nodiscard]] bool open() const noexcept { return state_ == State::open && stream_->accepts(); }
    [[nodiscard]] std::string_view agreed_protocol() const noexcept { return terms_.protocol; }
    [[nodiscard]] bool compresses() const noexcept { return terms_.deflate.has_value(); }
    [[nodiscard]] Counters counted() const noexcept;
    [[nodiscard]] StreamConnection& stream() const noexcept { return *stream_; }

    // StreamProtocol

    [[nodiscard]] bool on_close_asked(CloseReason reason) override;
    Result send_message(std::uint8_t kind, Bytes body, bool promised) override;

private:
    enum class State : std::uint8_t {
        open,
        closing,  ///< Our Close is sent; what comes is looked through for the peer's.
        closed,   ///< Nothing more is received or sent; the stream is ending, or a client waits for its end.
    };

    // Receiving.

    [[nodiscard]] std::size_t consume(MutableBytes input);
    template <Role sender>
    [[nodiscard]] std::size_t consume_from(MutableBytes input);
    [[nodiscard]] std::size_t consume_short(Bytes input);
    [[nodiscard]] bool listens() const noexcept;
    void receive_message(MessageType type, Bytes data);
    void handle(const MessageAssembler::Event& event);
    void receive_ping(Bytes payload);
    void receive_close(Bytes payload);
    void keep(Bytes rest);
    void go_on();
    void go_on_soon();
    void fail(std::uint16_t code, const char* why);

    // Sending.

    [[nodiscard]] static constexpr std::uint8_t final_frame(Opcode opcode) noexcept {
        return static_cast<std::uint8_t>(frame_bits::fin | static_cast<std::uint8_t>(opcode));
    }
    std::byte* write_header(std::byte* out, std::uint8_t first, std::size_t size, Mask& mask);
    std::size_t write_frame(std::byte* out, std::uint8_t first, Bytes data);
    Result send_frame(std::uint8_t first, Bytes data, Passage passage);
    Result send_long_frame(std::uint8_t first, Bytes data, Passage passage);
    Result send_compressed(std::uint8_t first, Bytes data, Passage passage);
    Result hold(MessageType type, Bytes data, Passage passage);
    [[nodiscard]] Result admit(std::size_t size, Passage passage);
    void send_masked(std::byte* header, std::size_t header_size, Bytes data, Mask mask);
    Result send_whole(MessageType type, Bytes data, Passage passage);
    [[nodiscard]] std::size_t cost_of(Bytes data) const noexcept;
    [[nodiscard]] std::size_t max_pending_bytes() const noexcept {
        return stream_->owner().options().max_pending_bytes;
    }
    [[nodiscard]] Bytes compress_part(Bytes part, bool last);
    void end_parts();
    void send_due_pong();
    [[nodiscard]] Deflater& deflater();
    void set_up_deflate();
    [[nodiscard]] bool sends_short() const noexcept {
        return role_ == Role::server && !deflates_ && !sending_parts_ && state_ == State::open && !paused_;
    }
    [[nodiscard]] std::uint64_t count_lane() const noexcept { return cork_->lane_messages() - lane_counted_; }

    // Closing.

    void send_close(const ClosePayload& payload);
    void end_stream();

    // Time.

    [[nodiscard]] Time now() const noexcept { return stream_->home().turn_time(); }
    [[nodiscard]] Time ping_due() const noexcept;
    [[nodiscard]] Time idle_due() const noexcept;
    [[nodiscard]] Time deadline() const noexcept;
    void arm();
    void on_timer();
    void ping_or_give_up();

    StreamConnection* stream_;
    Cork* cork_;
    Context* context_;
    const Options* options_;
    Handler* handler_;
    MessageAssembler assembler_;
    BufferPool::Buffer rest_;  // received, and not looked at while it is paused
    Timer timer_;
    Time last_received_;
    Time last_ping_;
    Time last_message_;
    Time closing_since_{};
    Counters counters_;
    Terms terms_;
    std::unique_ptr<Deflater> deflater_;     // its own
    std::unique_ptr<HeldMessages> held_;     // while a message is sent in fragments
    std::unique_ptr<std::string> due_pong_;  // to the last ping, when there is room again
    std::string close_reason_;               // the peer's
    std::uint64_t lane_counted_ = 0;         // messages of the lane that are in `counters_`
    std::uint16_t close_code_ = close_code::abnormal;
    std::uint16_t sent_code_ = 0;
    unsigned missed_pongs_ = 0;
    const Role role_;
    State state_ = State::open;
    CloseReason cause_ = CloseReason::none;
    bool deflates_ = false;       // what is sent is compressed, if it is long enough
    bool sending_parts_ = false;  // a message was begun by `send_fragment`
    bool parts_compressed_ = false;
    bool paused_ = false;
    bool busy_ = false;        // in `consume`, which goes on by itself
    bool resume_due_ = false;  // the timer is to go on with what is kept
    bool drain_due_ = false;   // a message was refused that would have been held
    bool peer_ended_ = false;
};

}  // namespace pollux::ws
