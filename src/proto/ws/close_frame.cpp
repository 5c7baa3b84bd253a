// What is in a Close frame.
#include "proto/ws/close_frame.h"

#include <algorithm>
#include <cstring>

#include "proto/ws/utf8.h"

namespace pollux::ws {

bool is_close_code(std::uint16_t code) noexcept {
    if (code >= 3000) return code <= 4999;
    // 1004 is reserved; 1005, 1006 and 1015 stand for what never was in a frame.
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

std::uint16_t parse_close(Bytes payload, CloseFrame& out) noexcept {
    out = {};
    if (payload.empty()) return 0;
    if (payload.size() == 1) return close_code::protocol_error;
    const auto code =
        static_cast<std::uint16_t>(std::to_integer<unsigned>(payload[0]) << 8 | std::to_integer<unsigned>(payload[1]));
    if (!is_close_code(code)) return close_code::protocol_error;
    if (!is_utf8(payload.subspan(2))) return close_code::invalid_data;
    out = {code, as_text(payload.subspan(2))};
    return 0;
}

ClosePayload::ClosePayload(std::uint16_t code, std::string_view reason) noexcept
    : code_(is_close_code(code) || code == close_code::none ? code : close_code::internal_error) {
    if (code_ == close_code::none) return;
    bytes_[0] = static_cast<std::byte>(code_ >> 8);
    bytes_[1] = static_cast<std::byte>(code_ & 0xff);
    std::size_t length = std::min(reason.size(), max_control_bytes - 2);
    if (length < reason.size()) {
        while (length > 0 && (static_cast<unsigned char>(reason[length]) & 0xc0) == 0x80) --length;
    }
    if (length != 0) std::memcpy(bytes_.data() + 2, reason.data(), length);
    size_ = 2 + length;
}

}  // namespace pollux::ws
