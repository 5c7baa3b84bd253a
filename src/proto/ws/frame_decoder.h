// Takes frames apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pollux/bytes.h>

#include "proto/ws/frame.h"
#include "proto/ws/mask.h"

namespace pollux::ws {

/// Bytes in, frames out, however the bytes are cut. What RFC 6455 (5.2 to 5.5) says about a single frame and about the
/// order of frames is enforced here: reserved bits and opcodes, masks, control frames, lengths in their shortest form,
/// what may follow a fragment. Payloads are unmasked where they lie, so the input is written to; only control frames
/// that are cut are put together here.
class FrameDecoder {
public:
    struct Event {
        enum class Kind : std::uint8_t {
            more,     ///< All of the input was taken.
            data,     ///< `payload` is a part of a message; it may be empty.
            control,  ///< `payload` is all of a control frame.
            failed,   ///< `why`; Close 1002. Nothing further.
        };
        Kind kind = Kind::more;
        Opcode opcode = Opcode::continuation;  ///< Of the message (text or binary), or of the control frame.
        bool first = false;                    ///< Of a message's parts.
        bool begins_frame = false;
        bool last = false;        ///< The message is complete with this.
        bool compressed = false;  ///< The message (RFC 7692, 6).
        std::size_t consumed = 0;
        MutableBytes payload{};        ///< Unmasked; valid until the next call.
        std::uint64_t frame_left = 0;  ///< What the frame still promises.
        const char* why = "";          ///< In static storage.
    };

    /// A message that is all there in one frame, as most are.
    struct Whole {
        Opcode opcode;
        std::size_t consumed;
        MutableBytes payload;  ///< Unmasked.
    };

    /// `role` is our side: a server takes masked frames only, a client none.
    explicit FrameDecoder(Role role) noexcept : masked_(role == Role::server) {}

    /// RSV1 is legal at the beginning of a message: permessage-deflate was agreed on.
    void allow_compressed() noexcept { compressed_allowed_ = true; }

    /// Goes on with bytes that follow those consumed before. To be called until it wants more.
    [[nodiscard]] Event next(MutableBytes input) noexcept;

    /// Takes the frame at the front if it is a whole message of at most `max_bytes` that is not compressed; else it
    /// does nothing. The short way through `next`.
    [[nodiscard]] bool next_whole(MutableBytes input, std::size_t max_bytes, Whole& out) noexcept {
        return masked_ ? next_whole_of<Role::client>(input, max_bytes, out)
                       : next_whole_of<Role::server>(input, max_bytes, out);
    }

    /// The same for who knows the sender's role.
    template <Role sender>
    [[nodiscard]] bool next_whole_of(MutableBytes input, std::size_t max_bytes, Whole& out) noexcept {
        constexpr bool masked = sender == Role::client;
        constexpr std::size_t short_header = frame_header_bytes(0, sender);
        if (busy_ || input.size() < short_header) return false;
        const std::byte* at = input.data();
        const auto first = std::to_integer<std::uint8_t>(at[0]);
        if (first != (frame_bits::fin | 1) && first != (frame_bits::fin | 2)) return false;
        // With the wrong mask bit it is no length that there is.
        std::size_t length = std::to_integer<std::size_t>(at[1]) ^ (masked ? frame_bits::mask : 0U);
        std::size_t header = short_header;
        if (length >= frame_bits::length16) [[unlikely]] {
            if (length != frame_bits::length16 || input.size() < short_header + 2) return false;
            length = std::to_integer<std::size_t>(at[2]) << 8 | std::to_integer<std::size_t>(at[3]);
            if (length < frame_bits::length16) return false;
            header += 2;
        }
        if (input.size() - header < length || length > max_bytes) return false;
        out = {static_cast<Opcode>(first & frame_bits::opcode), header + length, input.subspan(header, length)};
        if constexpr (masked) apply_mask(out.payload, key_at(at + header - sizeof(MaskKey)));
        return true;
    }

    /// True between the first and the last byte of a message or of a frame.
    [[nodiscard]] bool busy() const noexcept { return busy_; }

private:
    [[nodiscard]] static Mask key_at(const std::byte* at) noexcept {
        MaskKey key;
        std::memcpy(key.data(), at, sizeof key);
        return Mask{key};
    }

    [[nodiscard]] static std::size_t header_bytes(const std::byte* header) noexcept;
    [[nodiscard]] const std::byte* collect_header(MutableBytes input, std::size_t& used) noexcept;
    [[nodiscard]] const char* begin_frame(const std::byte* header) noexcept;
    [[nodiscard]] const char* read_length(const std::byte* header) noexcept;
    [[nodiscard]] const char* check_control(std::uint8_t first) const noexcept;
    [[nodiscard]] const char* check_data(std::uint8_t first) noexcept;
    [[nodiscard]] Event next_data(MutableBytes input, std::size_t used) noexcept;
    [[nodiscard]] Event next_control(MutableBytes input, std::size_t used) noexcept;
    [[nodiscard]] MutableBytes take(MutableBytes input, std::size_t used) noexcept;
    [[nodiscard]] Event fail(const char* why) noexcept;
    void update_busy() noexcept { busy_ = in_frame_ || in_message_ || header_size_ != 0 || failed_ != nullptr; }

    std::uint64_t frame_left_ = 0;
    Mask mask_;
    Opcode opcode_ = Opcode::continuation;   // of the frame
    Opcode message_ = Opcode::continuation;  // of the message that is coming in
    std::uint8_t header_size_ = 0;           // of a header that is cut
    std::uint8_t control_size_ = 0;
    bool masked_;
    bool compressed_allowed_ = false;
    bool compressed_ = false;
    bool busy_ = false;
    bool in_frame_ = false;
    bool in_message_ = false;
    bool frame_begins_ = false;
    bool message_begins_ = false;
    bool fin_ = false;
    const char* failed_ = nullptr;
    std::array<std::byte, max_frame_header_bytes> header_;
    std::array<std::byte, max_control_bytes> control_;
};

}  // namespace pollux::ws
