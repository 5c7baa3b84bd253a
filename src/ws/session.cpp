// An open WebSocket: its life, and what it receives.
#include "ws/session.h"

#include <algorithm>
#include <utility>

#include "proto/ws/short_frame.h"

namespace pollux::ws {

Session::Session(Role role, StreamConnection& stream, const Options& options, Handler& handler, Terms terms)
    : WebSocket(stream.home().cork().lane()),
      stream_(&stream),
      cork_(&stream.home().cork()),
      context_(&stream.home().local<Context>()),
      options_(&options),
      handler_(&handler),
      assembler_(role, {options.max_message_bytes, options.max_fragments, options.streamed}, context_->buffers),
      timer_(stream.reactor(), [this](Timer&) { on_timer(); }),
      last_received_(now()),
      last_ping_(now()),
      last_message_(now()),
      terms_(std::move(terms)),
      role_(role) {
    set_up_deflate();
}

Session::~Session() {
    context_->buffers.give_back(std::move(rest_));
}

void Session::set_up_deflate() {
    if (!terms_.deflate) return;
    const DeflateAgreement& agreed = *terms_.deflate;
    const Role peer = role_ == Role::server ? Role::client : Role::server;
    // zlib has no raw deflate with a window of 256 bytes: then messages are sent as they are, which is always allowed.
    deflates_ = agreed.window_bits(role_) >= 9;
    if (options_->deflate.memory == DeflateMemory::shared) {
        assembler_.inflate_with(context_->inflater());
    } else {
        assembler_.inflate_by_itself(agreed.window_bits(peer), !agreed.no_context_takeover(peer));
    }
}

// Events.

void Session::begin() {
    stream_->set_protocol(this);
    arm();
    handler_->on_open(*this);
}

void Session::receive(MutableBytes data) {
    last_received_ = now();
    missed_pongs_ = 0;
    if (rest_ != nullptr) {
        keep(data);
        if (!paused_) go_on();
    } else if (const std::size_t used = consume(data); used < data.size()) {
        keep(data.subspan(used));
    }
}

void Session::receive_end() {
    peer_ended_ = true;
    if (paused_ || busy_ || resume_due_) return;  // what came before it comes first
    if (cause_ == CloseReason::none) cause_ = CloseReason::peer_closed;
    end_stream();
}

void Session::drained() {
    send_due_pong();
    const std::uint64_t messages = counters_.messages_sent;
    if (open()) handler_->on_drain(*this);
    if (counters_.messages_sent != messages) last_message_ = now();
}

void Session::closed(CloseReason reason, std::error_code error) {
    timer_.cancel();
    stream_->set_protocol(nullptr);
    state_ = State::closed;
    assembler_.release();
    context_->buffers.give_back(std::move(rest_));
    handler_->on_close(*this, {.code = close_code_,
                               .reason = close_reason_,
                               .sent_code = sent_code_,
                               .cause = cause_ != CloseReason::none ? cause_ : reason,
                               .error = error});
}

// Receiving.

/// True as long as what was received is to be looked at now.
bool Session::listens() const noexcept {
    return state_ != State::closed && !paused_ && stream_->phase() == ConnectionState::open;
}

inline void Session::receive_message(MessageType type, Bytes data) {
    if (state_ != State::open) return;
    ++counters_.messages_received;
    handler_->on_message(*this, type, data);
}

/// Goes as far as it can; returns how much was used.
std::size_t Session::consume(MutableBytes input) {
    busy_ = true;
    lane_counted_ = cork_->lane_messages();
    if (cork_->owner() == stream_ && sends_short()) cork_->open_lane(static_cast<WebSocket*>(this));
    const std::uint64_t messages = counters_.messages_received;
    const std::size_t used =
        role_ == Role::server ? consume_from<Role::client>(input) : consume_from<Role::server>(input);
    counters_.messages_sent += count_lane();
    busy_ = false;
    if (counters_.messages_received != messages) last_message_ = now();
    const bool over = state_ == State::closed || stream_->phase() != ConnectionState::open;
    return over ? input.size() : used;
}

template <Role sender>
std::size_t Session::consume_from(MutableBytes input) {
    std::size_t used = 0;
    while (listens()) {
        if constexpr (sender == Role::client) {
            used += consume_short(input.subspan(used));
            if (!listens()) break;
        }
        FrameDecoder::Whole whole;
        if (assembler_.next_whole<sender>(input.subspan(used), whole)) [[likely]] {
            used += whole.consumed;
            receive_message(static_cast<MessageType>(whole.opcode), whole.payload);
            continue;
        }
        const MessageAssembler::Event event = assembler_.next(input.subspan(used));
        used += event.consumed;
        if (event.kind == MessageAssembler::Event::Kind::more) break;
        handle(event);
    }
    return used;
}

/// Short messages as long as there are any and nothing is in the way, for which the lane stands: it closes when the
/// connection does, when something waits, and when the handler pauses.
std::size_t Session::consume_short(Bytes input) {
    if (!assembler_.takes_whole() || input.size() < ShortFrame::lookahead_bytes) return 0;
    const detail::MessageLane& lane = cork_->lane();
    const WebSocket* const self = this;
    const std::size_t longest = std::min(ShortFrame::longest_payload_bytes, options_->max_message_bytes);
    const std::byte* at = input.data();
    const std::byte* const last = at + (input.size() - ShortFrame::lookahead_bytes);
    alignas(16) std::byte payload[ShortFrame::room_bytes];
    ShortFrame frame;
    while (lane.owner == self && at <= last && take_short_frame(at, longest, payload, frame)) {
        const Bytes data{payload, frame.payload_bytes};
        if (frame.opcode == Opcode::text && !is_short_ascii(payload, data.size()) && !is_utf8(data)) break;
        at += frame.bytes();
        ++counters_.messages_received;
        handler_->on_message(*this, static_cast<MessageType>(frame.opcode), data);
    }
    return static_cast<std::size_t>(at - input.data());
}

/// Also in the middle of a callback.
Counters Session::counted() const noexcept {
    Counters counters = counters_;
    if (busy_) counters.messages_sent += count_lane();
    return counters;
}

void Session::handle(const MessageAssembler::Event& event) {
    switch (event.kind) {
        case MessageAssembler::Event::Kind::message:
            receive_message(event.type, event.data);
            return;
        case MessageAssembler::Event::Kind::fragment:
            if (state_ != State::open) return;
            if (event.last) ++counters_.messages_received;
            last_message_ = last_received_;
            handler_->on_fragment(*this, event.type, event.data, event.last);
            return;
        case MessageAssembler::Event::Kind::ping:
            receive_ping(event.data);
            return;
        case MessageAssembler::Event::Kind::pong:
            ++counters_.pongs_received;
            if (state_ == State::open) handler_->on_pong(*this, event.data);
            return;
        case MessageAssembler::Event::Kind::close:
            receive_close(event.data);
            return;
        case MessageAssembler::Event::Kind::failed:
            fail(event.code, event.why);
            return;
        case MessageAssembler::Event::Kind::more:
            return;
    }
}

void Session::receive_ping(Bytes payload) {
    ++counters_.pings_received;
    if (state_ != State::open) return;
    if (options_->automatic_pong) {
        // Who pings and does not read is answered once, to the last ping, when there is room (RFC 6455, 5.5.3).
        if (stream_->admit(max_control_bytes + max_frame_header_bytes) == Result::ok) {
            due_pong_.reset();
            send_control(Opcode::pong, payload);
        } else if (stream_->accepts()) {
            if (due_pong_ == nullptr) due_pong_ = std::make_unique<std::string>();
            due_pong_->assign(as_text(payload));
        }
    }
    if (state_ == State::open) handler_->on_ping(*this, payload);
}

void Session::receive_close(Bytes payload) {
    CloseFrame frame;
    if (const std::uint16_t wrong = parse_close(payload, frame)) {
        fail(wrong, "bad Close frame");
        return;
    }
    close_code_ = frame.code;
    close_reason_ = frame.reason;
    if (state_ == State::open) {
        cause_ = CloseReason::peer_closed;
        send_close({frame.code, {}});
    }
    // The server ends the connection; a client waits for that a while (RFC 6455, 7.1.1).
    if (role_ == Role::server) {
        end_stream();
    } else {
        state_ = State::closed;
    }
}

/// The peer broke the protocol, or a limit (RFC 6455, 7.1.7).
void Session::fail(std::uint16_t code, const char* why) {
    cause_ = code == close_code::too_big ? CloseReason::limit : CloseReason::protocol_error;
    if (state_ == State::open) send_close({code, why});
    end_stream();
}

void Session::keep(Bytes rest) {
    if (rest_ == nullptr) rest_ = context_->buffers.take();
    rest_->append(as_text(rest));
}

void Session::pause() {
    // Behind our Close, nothing but the peer's is of interest, and that is not to wait.
    if (state_ != State::open || std::exchange(paused_, true)) return;
    cork_->close_lane();
    stream_->pause();
}

void Session::resume() {
    if (!std::exchange(paused_, false)) return;
    stream_->resume();
    last_received_ = now();  // the peer could not show that it is there
    if (!busy_) go_on_soon();
}

/// What the session does next, it does in the loop: no callback is called from within a call of the user's.
void Session::go_on_soon() {
    resume_due_ = true;
    timer_.after(std::chrono::nanoseconds{0});
}

/// With what was kept, and what came after it.
void Session::go_on() {
    BufferPool::Buffer kept = std::move(rest_);
    if (kept != nullptr) {
        const MutableBytes bytes{reinterpret_cast<std::byte*>(kept->data()), kept->size()};
        const std::size_t used = consume(bytes);
        if (used < bytes.size()) {
            kept->erase(0, used);
            rest_ = std::move(kept);
        } else {
            assembler_.release();
            context_->buffers.give_back(std::move(kept));
        }
    } else {
        static_cast<void>(consume({}));  // there may be more of a message that is inflated in pieces
    }
    // Also for a client that has only waited for that.
    if (peer_ended_ && stream_->protocol() != nullptr) receive_end();
}

// Closing.

void Session::begin_close(std::uint16_t code, std::string_view reason, CloseReason cause) {
    if (!open()) return;
    cause_ = cause;
    send_close({code, reason});
    resume();  // to see the peer's answer
    if (peer_ended_) end_stream();
}

/// Behind everything that was sent; nothing comes after it.
void Session::send_close(const ClosePayload& payload) {
    closing_since_ = now();
    sent_code_ = payload.code();
    stream_->leave_broadcasts();
    held_.reset();
    due_pong_.reset();
    state_ = State::closing;
    cork_->close_lane();
    std::byte frame[max_frame_header_bytes + max_control_bytes];
    const std::size_t size = write_frame(frame, final_frame(Opcode::close), payload.bytes());
    stream_->send_promised(Bytes{frame, size});
    arm();
}

/// Everything is said: the connection closes when what is pending is sent.
void Session::end_stream() {
    state_ = State::closed;
    timer_.cancel();
    stream_->set_protocol(nullptr);
    stream_->close_gracefully(cause_ != CloseReason::none ? cause_ : CloseReason::local_close);
}

bool Session::on_close_asked(CloseReason reason) {
    if (!stream_->accepts()) return false;
    if (state_ != State::open) return true;  // under way, with a deadline
    const bool stopping = reason == CloseReason::shutdown;
    begin_close(stopping ? close_code::going_away : close_code::normal, {}, reason);
    return true;
}

// Time.

Session::Time Session::ping_due() const noexcept {
    if (options_->ping_interval.count() == 0 || paused_) return Time::max();
    return std::max(last_received_, last_ping_) + options_->ping_interval;
}

Session::Time Session::idle_due() const noexcept {
    return options_->idle_timeout.count() == 0 ? Time::max() : last_message_ + options_->idle_timeout;
}

Session::Time Session::deadline() const noexcept {
    return state_ == State::open ? std::min(ping_due(), idle_due()) : closing_since_ + options_->close_timeout;
}

/// What is due mostly moves away: a timer that fires too early is cheaper than one that is moved with each message.
void Session::arm() {
    if (resume_due_ || stream_->protocol() == nullptr) return;
    const Time when = deadline();
    if (when == Time::max()) {
        timer_.cancel();
    } else if (!timer_.armed() || timer_.expiry() > when) {
        timer_.at(when);
    }
}

void Session::on_timer() {
    if (std::exchange(resume_due_, false)) {
        go_on();
    } else if (now() >= deadline()) {
        if (state_ != State::open) {
            const bool lost = stream_->pending() != 0;
            stream_->abort_with(lost ? CloseReason::close_timeout : cause_);
            if (lost) cause_ = CloseReason::close_timeout;
        } else if (now() >= idle_due()) {
            begin_close(close_code::normal, "idle", CloseReason::idle_timeout);
        } else {
            ping_or_give_up();
        }
    }
    arm();
}

void Session::ping_or_give_up() {
    // A peer that reads slowly is not listened to meanwhile: that it reads shows that it is there.
    const bool reads = stream_->receiving_held() && stream_->last_activity() > last_ping_;
    if (last_ping_ > last_received_ && !reads && ++missed_pongs_ > options_->max_missed_pongs) {
        stream_->abort_with(CloseReason::ping_timeout);
        return;
    }
    last_ping_ = now();
    send_control(Opcode::ping, {});
}

}  // namespace pollux::ws
