// What is in a Close frame (RFC 6455, 5.5.1 and 7.4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pollux/bytes.h>
#include <pollux/ws/message.h>

#include "proto/ws/frame.h"

namespace pollux::ws {

/// True for a code that may stand in a Close frame: those that are registered, and those of libraries and applications
/// (3000 to 4999).
[[nodiscard]] bool is_close_code(std::uint16_t code) noexcept;

/// What was received.
struct CloseFrame {
    std::uint16_t code = close_code::none;
    std::string_view reason{};
};

/// Reads a payload into `out`, a view of it. 0, or the code of what is wrong with it: a single byte, a code that must
/// not be sent, a reason that is not UTF-8.
[[nodiscard]] std::uint16_t parse_close(Bytes payload, CloseFrame& out) noexcept;

/// A payload to send. A code that must not be sent becomes `internal_error`, but for `none`, which is sent as an empty
/// payload; a reason that does not fit is cut between characters.
class ClosePayload {
public:
    ClosePayload(std::uint16_t code, std::string_view reason) noexcept;

    [[nodiscard]] Bytes bytes() const noexcept { return Bytes{bytes_}.first(size_); }

    /// The code that is sent, or `none`.
    [[nodiscard]] std::uint16_t code() const noexcept { return code_; }

private:
    std::array<std::byte, max_control_bytes> bytes_;
    std::size_t size_ = 0;
    std::uint16_t code_;
};

}  // namespace pollux::ws
