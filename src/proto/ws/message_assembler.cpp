// Puts messages together from frames.
#include "proto/ws/message_assembler.h"

#include <algorithm>
#include <utility>

namespace pollux::ws {

namespace {

/// Inflated at a time.
constexpr std::size_t inflate_step_bytes = 16 * 1024;

/// A sender may flush its compressor with each frame, which ends a block and adds an empty one.
constexpr std::size_t flush_bytes = 8;

/// Of a streamed message that is compressed, handed on at a time.
constexpr std::size_t inflate_piece_bytes = 64 * 1024;

}  // namespace

void MessageAssembler::inflate_with(Inflater& shared) {
    shared_inflater_ = &shared;
    decoder_.allow_compressed();
}

void MessageAssembler::inflate_by_itself(unsigned window_bits, bool context_takeover) {
    window_bits_ = window_bits;
    context_takeover_ = context_takeover;
    decoder_.allow_compressed();
}

Inflater& MessageAssembler::inflater() {
    if (shared_inflater_ != nullptr) return *shared_inflater_;
    if (own_inflater_ == nullptr) own_inflater_ = std::make_unique<Inflater>(window_bits_);
    return *own_inflater_;
}

std::string& MessageAssembler::buffer() {
    straight_ = false;
    if (buffer_ == nullptr) buffer_ = pool_->take();
    return *buffer_;
}

void MessageAssembler::release() noexcept {
    done_with_buffer_ = false;
    pool_->give_back(std::move(buffer_));
    straight_ = !limits_.streamed && !detour_;
}

MessageAssembler::Event MessageAssembler::fail(std::uint16_t code, const char* why) noexcept {
    failed_ = code;
    failed_why_ = why;
    detour_ = true;
    straight_ = false;
    return failure();
}

MessageAssembler::Event MessageAssembler::failure() const noexcept {
    return {.kind = Event::Kind::failed, .code = failed_, .why = failed_why_};
}

MessageAssembler::Event MessageAssembler::next(MutableBytes input) {
    if (buffer_ != nullptr && done_with_buffer_) release();
    if (failed_ != 0) return failure();
    if (inflating_) {
        const Event event = inflate_next_piece();
        if (event.kind != Event::Kind::more) return event;
    }
    std::size_t consumed = 0;
    while (true) {
        const FrameDecoder::Event frame = decoder_.next(input.subspan(consumed));
        consumed += frame.consumed;
        Event event;
        switch (frame.kind) {
            case FrameDecoder::Event::Kind::more:
                return {.consumed = consumed};
            case FrameDecoder::Event::Kind::failed:
                return fail(close_code::protocol_error, frame.why);
            case FrameDecoder::Event::Kind::control:
                event = control(frame);
                break;
            case FrameDecoder::Event::Kind::data:
                event = data(frame);
                break;
        }
        if (event.kind == Event::Kind::more) continue;
        event.consumed = consumed;
        return event;
    }
}

MessageAssembler::Event MessageAssembler::control(const FrameDecoder::Event& frame) const noexcept {
    const Event::Kind kind = frame.opcode == Opcode::ping   ? Event::Kind::ping
                             : frame.opcode == Opcode::pong ? Event::Kind::pong
                                                            : Event::Kind::close;
    return {.kind = kind, .data = frame.payload};
}

MessageAssembler::Event MessageAssembler::data(const FrameDecoder::Event& frame) {
    if (frame.first) {
        type_ = static_cast<MessageType>(frame.opcode);
        utf8_.reset();
        received_ = 0;
        frames_ = 0;
        if (frame.compressed) inflater().begin_message();
    }
    if (const char* why = count(frame)) return fail(close_code::too_big, why);
    return frame.compressed ? compressed(frame) : plain(frame);
}

/// What the frame promises counts: nobody has to send it first. Why it is too much; null if it is not.
const char* MessageAssembler::count(const FrameDecoder::Event& frame) noexcept {
    if (frame.begins_frame && ++frames_ > limits_.max_fragments) return "message has too many fragments";
    received_ += frame.payload.size();
    const bool collected = !limits_.streamed || (frame.compressed && shared_inflater_ != nullptr);
    if (!collected) return nullptr;
    const std::uint64_t limit = frame.compressed ? Deflater::bound(limits_.max_message_bytes) + frames_ * flush_bytes
                                                 : limits_.max_message_bytes;
    return frame.frame_left > limit || received_ > limit - frame.frame_left ? "message is too long" : nullptr;
}

MessageAssembler::Event MessageAssembler::plain(const FrameDecoder::Event& frame) {
    if (limits_.streamed) return deliver(frame.payload, frame.last);
    if (type_ == MessageType::text && !utf8_.feed(frame.payload)) return not_utf8();
    const bool whole = frame.first && frame.last;
    if (!whole) buffer().append(as_text(frame.payload));
    if (!frame.last) return {};
    if (type_ == MessageType::text && !utf8_.complete()) return not_utf8();
    done_with_buffer_ = !whole;
    return {.kind = Event::Kind::message,
            .type = type_,
            .last = true,
            .data = whole ? Bytes{frame.payload} : as_bytes(*buffer_)};
}

/// A part of a streamed message. One that is empty is of no interest unless it is the last.
MessageAssembler::Event MessageAssembler::deliver(Bytes bytes, bool last) {
    if (type_ == MessageType::text && (!utf8_.feed(bytes) || (last && !utf8_.complete()))) return not_utf8();
    if (bytes.empty() && !last) return {};
    return {.kind = Event::Kind::fragment, .type = type_, .last = last, .data = bytes};
}

// permessage-deflate.

MessageAssembler::Event MessageAssembler::compressed(const FrameDecoder::Event& frame) {
    if (shared_inflater_ == nullptr && !limits_.streamed) return inflate(frame.payload, frame.last);
    if (waiting_ == nullptr) {
        waiting_ = pool_->take();
        waiting_at_ = 0;
    }
    waiting_->append(as_text(frame.payload));
    if (shared_inflater_ != nullptr) return frame.last ? inflate_collected() : Event{};
    // A part may become so much more that it is handed on in pieces, and the input does not wait for that.
    if (frame.last) waiting_->append(as_text(Inflater::tail()));
    waiting_last_ = frame.last;
    inflating_ = detour_ = true;
    return inflate_next_piece();
}

MessageAssembler::Event MessageAssembler::inflate_collected() {
    BufferPool::Buffer all = std::move(waiting_);
    const Event event = inflate(as_bytes(*all), true);
    pool_->give_back(std::move(all));
    return event;
}

/// Behind what is inflated already. A message that is complete is delivered.
MessageAssembler::Event MessageAssembler::inflate(Bytes bytes, bool last) {
    const bool inflated = append_inflated(bytes) && (!last || append_inflated_tail());
    if (last) end_inflating();
    if (!inflated) return failure();
    if (!last) return {};
    if (type_ == MessageType::text && !utf8_.complete()) return not_utf8();
    done_with_buffer_ = true;
    const Event::Kind kind = limits_.streamed ? Event::Kind::fragment : Event::Kind::message;
    return {.kind = kind, .type = type_, .last = true, .data = as_bytes(buffer())};
}

/// False: it failed.
bool MessageAssembler::append_inflated(Bytes bytes) {
    std::string& out = buffer();
    const std::size_t limit = limits_.max_message_bytes;
    Inflater::Step step{.full = true};
    while (!bytes.empty() || step.full) {
        const std::size_t before = out.size();
        // One byte beyond the limit tells that it is passed.
        const std::size_t room = std::min(inflate_step_bytes, limit + 1 - before);
        out.resize(before + room);
        step = inflater().inflate(bytes, MutableBytes{reinterpret_cast<std::byte*>(out.data() + before), room});
        out.resize(before + step.produced);
        if (step.bad) {
            static_cast<void>(not_deflate());
        } else if (out.size() > limit) {
            static_cast<void>(too_big());
        } else if (type_ == MessageType::text && !utf8_.feed(as_bytes(std::string_view{out}.substr(before)))) {
            static_cast<void>(not_utf8());
        }
        if (failed_ != 0) return false;
    }
    return true;
}

bool MessageAssembler::append_inflated_tail() {
    if (!append_inflated(Inflater::tail())) return false;
    if (!inflater().complete()) static_cast<void>(not_deflate());
    return failed_ == 0;
}

/// The message is over: the next one does not refer to it, or is another connection's.
void MessageAssembler::end_inflating() noexcept {
    if (shared_inflater_ != nullptr || !context_takeover_) inflater().reset();
}

/// Of a streamed message: what waits is inflated as far as one piece goes.
MessageAssembler::Event MessageAssembler::inflate_next_piece() {
    std::string& out = buffer();
    out.resize(inflate_piece_bytes);
    Bytes rest = as_bytes(std::string_view{*waiting_}.substr(waiting_at_));
    const Inflater::Step step =
        inflater().inflate(rest, MutableBytes{reinterpret_cast<std::byte*>(out.data()), out.size()});
    out.resize(step.produced);
    if (step.bad) return not_deflate();
    waiting_at_ = waiting_->size() - rest.size();
    const bool exhausted = rest.empty() && !step.full;
    if (exhausted) {
        if (waiting_last_ && !inflater().complete()) return not_deflate();
        inflating_ = detour_ = false;
        pool_->give_back(std::move(waiting_));
        if (waiting_last_) end_inflating();
    }
    done_with_buffer_ = true;
    return deliver(as_bytes(out), exhausted && waiting_last_);
}

}  // namespace pollux::ws
