// An open WebSocket: what it sends.
#include <algorithm>
#include <cstring>
#include <utility>

#include "ws/session.h"

namespace pollux::ws {

namespace {

/// Up to here a message is laid down in the cork, so that it leaves with others. A larger one goes to the kernel from
/// where it lies.
constexpr std::size_t max_corked_bytes = 64 * 1024;

/// A client's large message is masked so much at a time.
constexpr std::size_t mask_step_bytes = 64 * 1024;

constexpr std::uint8_t opcode_of(MessageType type) noexcept {
    return static_cast<std::uint8_t>(type);
}

}  // namespace

// Frames.

/// The header with its mask, which a server has none of.
std::byte* Session::write_header(std::byte* out, std::uint8_t first, std::size_t size, Mask& mask) {
    out = write_frame_header(out, first, size, role_);
    if (role_ == Role::server) return out;
    mask = context_->keys.next();
    const std::uint32_t word = mask.word();
    std::memcpy(out, &word, sizeof word);
    return out + sizeof word;
}

/// A frame in one piece; returns its size.
std::size_t Session::write_frame(std::byte* out, std::uint8_t first, Bytes data) {
    Mask mask;
    std::byte* const payload = write_header(out, first, data.size(), mask);
    if (role_ == Role::client) {
        apply_mask(payload, data.data(), data.size(), mask);
    } else if (!data.empty()) {
        std::memcpy(payload, data.data(), data.size());
    }
    return static_cast<std::size_t>(payload - out) + data.size();
}

/// All of the frame is accepted, or none of it.
Result Session::send_frame(std::uint8_t first, Bytes data, Passage passage) {
    if (data.size() <= max_corked_bytes) [[likely]] {
        std::byte* const place = stream_->reserve(max_frame_header_bytes + data.size());
        if (place != nullptr) [[likely]] {
            stream_->commit(write_frame(place, first, data));
            return Result::ok;
        }
    }
    return send_long_frame(first, data, passage);
}

Result Session::send_long_frame(std::uint8_t first, Bytes data, Passage passage) {
    const std::size_t size = frame_header_bytes(data.size(), role_) + data.size();
    if (const Result result = admit(size, passage); result != Result::ok) return result;
    std::byte header[max_frame_header_bytes];
    Mask mask;
    const auto header_size = static_cast<std::size_t>(write_header(header, first, data.size(), mask) - header);
    if (role_ == Role::server) {
        stream_->send_admitted(Bytes{header, header_size}, data);
    } else {
        send_masked(header, header_size, data, mask);
    }
    return stream_->phase() == ConnectionState::closed ? Result::closed : Result::ok;
}

void Session::send_masked(std::byte* header, std::size_t header_size, Bytes data, Mask mask) {
    std::string& scratch = context_->masked;
    stream_->send_admitted(Bytes{header, header_size}, {});
    while (!data.empty()) {
        const std::size_t size = std::min(data.size(), mask_step_bytes);
        scratch.resize(size);
        auto* const masked = reinterpret_cast<std::byte*>(scratch.data());
        apply_mask(masked, data.data(), size, mask);  // a step is a multiple of four
        stream_->send_more(Bytes{masked, size});
        data = data.subspan(size);
    }
}

/// Whether so much may be sent. What was promised passes the watermark, but not the end of all patience.
Result Session::admit(std::size_t size, Passage passage) {
    if (passage == Passage::checked) return stream_->admit(size);
    if (!stream_->accepts()) return Result::closed;
    if (passage == Passage::admitted || stream_->pending() + size <= max_pending_bytes()) return Result::ok;
    stream_->finish(CloseReason::slow_consumer, {});
    return Result::closed;
}

// Messages.

Result Session::send_data(MessageType type, Bytes data, Passage passage) {
    if (!open()) return Result::closed;
    const Result result = sending_parts_ ? hold(type, data, passage) : send_whole(type, data, passage);
    if (result == Result::ok) [[likely]] {
        ++counters_.messages_sent;
        last_message_ = now();
    }
    return result;
}

Result Session::send_whole(MessageType type, Bytes data, Passage passage) {
    const std::uint8_t first = final_frame(static_cast<Opcode>(type));
    const bool plain = !deflates_ || data.size() < options_->deflate.min_bytes;
    return plain ? send_frame(first, data, passage) : send_compressed(first, data, passage);
}

Result Session::send_prepared(const PreparedMessage& message) {
    if (role_ == Role::client || sending_parts_) return send_data(message.type(), message.data(), Passage::checked);
    if (!open()) return Result::closed;
    const Result result = stream_->send_bytes(message.frame());
    if (result == Result::ok) {
        ++counters_.messages_sent;
        last_message_ = now();
    }
    return result;
}

Result Session::send_control(Opcode opcode, Bytes payload) {
    if (!open()) return Result::closed;
    if (payload.size() > max_control_bytes) return Result::too_large;
    std::byte frame[max_frame_header_bytes + max_control_bytes];
    const std::size_t size = write_frame(frame, final_frame(opcode), payload);
    if (stream_->pending() + size > max_pending_bytes()) return Result::would_block;
    stream_->send_admitted(Bytes{frame, size}, {});
    return Result::ok;
}

void Session::send_due_pong() {
    if (due_pong_ == nullptr || !open()) return;
    const std::unique_ptr<std::string> payload = std::move(due_pong_);
    send_control(Opcode::pong, as_bytes(*payload));
}

Result Session::send_message(std::uint8_t kind, Bytes body, bool promised) {
    switch (static_cast<Opcode>(kind)) {
        case Opcode::text:
        case Opcode::binary:
            return send_data(static_cast<MessageType>(kind), body, promised ? Passage::promised : Passage::checked);
        case Opcode::ping:
        case Opcode::pong:
            return send_control(static_cast<Opcode>(kind), body);
        case Opcode::close: {
            CloseFrame frame;
            if (!open()) return Result::closed;
            static_cast<void>(parse_close(body, frame));
            begin_close(frame.code, frame.reason, CloseReason::local_close);
            return Result::ok;
        }
        case Opcode::continuation:
            break;
    }
    return Result::closed;
}

// permessage-deflate.

Deflater& Session::deflater() {
    const DeflateSettings settings{terms_.deflate->window_bits(role_), options_->deflate.level,
                                   options_->deflate.mem_level};
    if (options_->deflate.memory == DeflateMemory::shared) return context_->deflater(settings);
    if (deflater_ == nullptr) deflater_ = std::make_unique<Deflater>(settings);
    return *deflater_;
}

Result Session::send_compressed(std::uint8_t first, Bytes data, Passage passage) {
    // Before it is compressed: the next message may refer to this one, so it has to go out then.
    const Result result = admit(cost_of(data), passage);
    if (result != Result::ok) return result;
    std::string& out = context_->scratch;
    out.clear();
    deflater().compress(data, true, out);
    const bool independent = terms_.deflate->no_context_takeover(role_);
    if (independent) deflater().reset();
    // What does not get shorter is sent as it is, unless the next message may refer to it.
    const bool shorter = !independent || out.size() < data.size();
    const Result sent = shorter ? send_frame(first | frame_bits::rsv1, as_bytes(out), Passage::admitted)
                                : send_frame(first, data, Passage::admitted);
    context_->trim();
    return sent;
}

// Fragments.

/// An upper bound on what a message, or a part of one, becomes on the wire.
std::size_t Session::cost_of(Bytes data) const noexcept {
    return max_frame_header_bytes + (deflates_ ? Deflater::bound(data.size()) : data.size());
}

Result Session::send_part(MessageType type, Bytes part, bool last) {
    if (!open()) return Result::closed;
    const bool begins = !sending_parts_;
    if (begins && last) return send_data(type, part, Passage::checked);
    if (const Result result = stream_->admit(cost_of(part)); result != Result::ok) return result;
    if (begins) {
        // Those of a reactor cannot wait for the end of a message.
        parts_compressed_ = deflates_ && options_->deflate.memory == DeflateMemory::per_connection;
        sending_parts_ = true;
        stream_->hold_broadcasts(true);
    }
    std::uint8_t first = begins ? opcode_of(type) : 0;
    if (last) first |= frame_bits::fin;
    if (begins && parts_compressed_) first |= frame_bits::rsv1;
    if (parts_compressed_) part = compress_part(part, last);
    const Result result = send_frame(first, part, Passage::admitted);
    last_message_ = now();
    if (last && result == Result::ok) end_parts();
    return result;
}

Bytes Session::compress_part(Bytes part, bool last) {
    std::string& out = context_->scratch;
    out.clear();
    deflater().compress(part, last, out);
    if (last && terms_.deflate->no_context_takeover(role_)) deflater().reset();
    return as_bytes(out);
}

/// The message is complete: what waited for that follows.
void Session::end_parts() {
    ++counters_.messages_sent;
    sending_parts_ = false;
    if (const std::unique_ptr<HeldMessages> held = std::move(held_)) {
        held->each([this](MessageType type, Bytes data) {
            if (open()) send_whole(type, data, Passage::admitted);
        });
    }
    stream_->hold_broadcasts(false);
    if (std::exchange(drain_due_, false)) stream_->want_drain();
}

/// It waits until the message that is being sent in fragments is complete. What is accepted here is sent then, however
/// much is pending.
Result Session::hold(MessageType type, Bytes data, Passage passage) {
    if (data.size() > max_pending_bytes()) return Result::too_large;
    if (held_ == nullptr) held_ = std::make_unique<HeldMessages>();
    if (held_->bytes() + data.size() > max_pending_bytes()) {
        drain_due_ = true;
        if (passage == Passage::promised) stream_->finish(CloseReason::slow_consumer, {});
        return passage == Passage::promised ? Result::closed : Result::would_block;
    }
    held_->add(type, data);
    return Result::ok;
}

}  // namespace pollux::ws
