// Takes frames apart.
#include "proto/ws/frame_decoder.h"

#include <algorithm>
#include <utility>

namespace pollux::ws {

namespace {

std::uint8_t value(std::byte byte) noexcept {
    return std::to_integer<std::uint8_t>(byte);
}

}  // namespace

/// How long a header is whose first two bytes are there.
std::size_t FrameDecoder::header_bytes(const std::byte* header) noexcept {
    const std::uint8_t second = value(header[1]);
    const std::uint8_t length = second & frame_bits::length;
    return 2U +
           (length == frame_bits::length64   ? 8
            : length == frame_bits::length16 ? 2
                                             : 0) +
           ((second & frame_bits::mask) != 0 ? sizeof(MaskKey) : 0);
}

FrameDecoder::Event FrameDecoder::next(MutableBytes input) noexcept {
    if (failed_ != nullptr) return fail(failed_);
    std::size_t used = 0;
    if (!in_frame_) {
        const std::byte* const header = collect_header(input, used);
        if (header == nullptr) {
            update_busy();
            return {.consumed = input.size()};
        }
        header_size_ = 0;
        if (const char* why = begin_frame(header)) return fail(why);
    } else if (input.empty()) {
        return {};
    }
    const bool control = (static_cast<std::uint8_t>(opcode_) & frame_bits::control) != 0;
    return control ? next_control(input, used) : next_data(input, used);
}

/// The header at the front of the input or, if it came in parts, put together; null as long as it is not complete.
const std::byte* FrameDecoder::collect_header(MutableBytes input, std::size_t& used) noexcept {
    if (header_size_ == 0 && input.size() >= 2 && input.size() >= header_bytes(input.data())) {
        used = header_bytes(input.data());
        return input.data();
    }
    std::size_t wanted = 2;
    while (true) {
        while (header_size_ < wanted && used < input.size()) header_[header_size_++] = input[used++];
        if (header_size_ < wanted) return nullptr;
        const std::size_t all = header_bytes(header_.data());
        if (wanted == all) return header_.data();
        wanted = all;
    }
}

/// Why the frame cannot be; null if it can.
const char* FrameDecoder::begin_frame(const std::byte* header) noexcept {
    const std::uint8_t first = value(header[0]);
    const std::uint8_t second = value(header[1]);
    opcode_ = static_cast<Opcode>(first & frame_bits::opcode);
    fin_ = (first & frame_bits::fin) != 0;
    if (((second & frame_bits::mask) != 0) != masked_) {
        return masked_ ? "frame is not masked" : "frame of a server is masked";
    }
    if (const char* why = read_length(header)) return why;
    if (masked_) mask_ = key_at(header + header_bytes(header) - sizeof(MaskKey));
    in_frame_ = true;
    return (first & frame_bits::control) != 0 ? check_control(first) : check_data(first);
}

const char* FrameDecoder::read_length(const std::byte* header) noexcept {
    const std::uint8_t length = value(header[1]) & frame_bits::length;
    if (length < frame_bits::length16) {
        frame_left_ = length;
        return nullptr;
    }
    const std::size_t bytes = length == frame_bits::length16 ? 2 : 8;
    frame_left_ = 0;
    for (std::size_t i = 0; i < bytes; ++i) frame_left_ = frame_left_ << 8 | value(header[2 + i]);
    if (frame_left_ >> 63 != 0) return "length has its top bit set";
    if (frame_left_ < frame_bits::length16 || (bytes == 8 && frame_left_ <= 0xffff)) {
        return "length is not in its shortest form";
    }
    return nullptr;
}

const char* FrameDecoder::check_control(std::uint8_t first) const noexcept {
    if (opcode_ != Opcode::close && opcode_ != Opcode::ping && opcode_ != Opcode::pong) return "reserved opcode";
    if ((first & frame_bits::rsv) != 0) return "reserved bit in a control frame";
    if (!fin_) return "fragmented control frame";
    if (frame_left_ > max_control_bytes) return "control frame is too long";
    return nullptr;
}

const char* FrameDecoder::check_data(std::uint8_t first) noexcept {
    const bool continues = opcode_ == Opcode::continuation;
    if (!continues && opcode_ != Opcode::text && opcode_ != Opcode::binary) return "reserved opcode";
    const bool compressed = (first & frame_bits::rsv1) != 0;
    if ((first & (frame_bits::rsv & ~frame_bits::rsv1)) != 0 || (compressed && !compressed_allowed_)) {
        return "reserved bit";
    }
    if (continues && !in_message_) return "continuation of no message";
    if (continues && compressed) return "compression begins within a message";
    if (!continues && in_message_) return "message within a message";
    frame_begins_ = true;
    if (!continues) {
        message_ = opcode_;
        compressed_ = compressed;
        in_message_ = message_begins_ = true;
    }
    return nullptr;
}

/// What there is of the frame, unmasked.
MutableBytes FrameDecoder::take(MutableBytes input, std::size_t used) noexcept {
    const std::size_t there = input.size() - used;
    const MutableBytes part = input.subspan(used, frame_left_ < there ? static_cast<std::size_t>(frame_left_) : there);
    if (masked_) {
        apply_mask(part, mask_);
        mask_ = mask_.behind(part.size());
    }
    frame_left_ -= part.size();
    return part;
}

FrameDecoder::Event FrameDecoder::next_data(MutableBytes input, std::size_t used) noexcept {
    Event event{.kind = Event::Kind::data};
    event.payload = take(input, used);
    event.consumed = used + event.payload.size();
    event.opcode = message_;
    event.first = std::exchange(message_begins_, false);
    event.begins_frame = std::exchange(frame_begins_, false);
    event.compressed = compressed_;
    event.frame_left = frame_left_;
    if (frame_left_ == 0) {
        in_frame_ = false;
        event.last = fin_;
        if (fin_) in_message_ = false;
    }
    update_busy();
    return event;
}

FrameDecoder::Event FrameDecoder::next_control(MutableBytes input, std::size_t used) noexcept {
    const MutableBytes part = take(input, used);
    Event event{.opcode = opcode_, .consumed = used + part.size(), .payload = part};
    if (frame_left_ != 0 || control_size_ != 0) {
        std::copy(part.begin(), part.end(), control_.begin() + control_size_);
        control_size_ = static_cast<std::uint8_t>(control_size_ + part.size());
        event.payload = MutableBytes{control_}.first(control_size_);
    }
    if (frame_left_ == 0) {
        event.kind = Event::Kind::control;
        in_frame_ = false;
        control_size_ = 0;
    }
    update_busy();
    return event;
}

FrameDecoder::Event FrameDecoder::fail(const char* why) noexcept {
    failed_ = why;
    busy_ = true;
    return {.kind = Event::Kind::failed, .why = why};
}

}  // namespace pollux::ws
