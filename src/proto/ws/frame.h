// WebSocket frames: their header (RFC 6455, 5.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pollux/bytes.h>

namespace pollux::ws {

/// What a frame is (RFC 6455, 5.2 and 11.8). The others are reserved.
enum class Opcode : std::uint8_t {
    continuation = 0x0,
    text = 0x1,
    binary = 0x2,
    close = 0x8,
    ping = 0x9,
    pong = 0xa,
};

/// Which side of a connection somebody is: clients mask what they send, servers must not (RFC 6455, 5.1).
enum class Role : std::uint8_t { server, client };

/// A mask as its four bytes lie in the frame.
using MaskKey = std::array<std::byte, 4>;

/// The payload of a control frame (RFC 6455, 5.5).
inline constexpr std::size_t max_control_bytes = 125;

/// Two bytes, a length of eight, a mask of four.
inline constexpr std::size_t max_frame_header_bytes = 14;

namespace frame_bits {

inline constexpr std::uint8_t fin = 0x80;
inline constexpr std::uint8_t rsv1 = 0x40;  // with permessage-deflate: the message is compressed
inline constexpr std::uint8_t rsv = 0x70;
inline constexpr std::uint8_t opcode = 0x0f;
inline constexpr std::uint8_t control = 0x08;
inline constexpr std::uint8_t mask = 0x80;
inline constexpr std::uint8_t length = 0x7f;
inline constexpr std::uint8_t length16 = 126;
inline constexpr std::uint8_t length64 = 127;

}  // namespace frame_bits

/// How long the header of a frame is that somebody sends.
[[nodiscard]] constexpr std::size_t frame_header_bytes(std::size_t payload, Role sender) noexcept {
    const std::size_t length = payload < frame_bits::length16 ? 2 : payload <= 0xffff ? 4 : 10;
    return length + (sender == Role::client ? sizeof(MaskKey) : 0);
}

/// Writes a header, but for the mask; returns where it ends. `first` is the first byte: flags and opcode.
inline std::byte* write_frame_header(std::byte* out, std::uint8_t first, std::size_t payload, Role sender) noexcept {
    const std::uint8_t masked = sender == Role::client ? frame_bits::mask : 0;
    *out++ = std::byte{first};
    if (payload < frame_bits::length16) [[likely]] {
        *out++ = static_cast<std::byte>(masked | payload);
        return out;
    }
    const bool is_long = payload > 0xffff;
    *out++ = static_cast<std::byte>(masked | (is_long ? frame_bits::length64 : frame_bits::length16));
    for (int shift = is_long ? 56 : 8; shift >= 0; shift -= 8) {
        *out++ = static_cast<std::byte>(static_cast<std::uint64_t>(payload) >> shift);
    }
    return out;
}

}  // namespace pollux::ws
