// The messages of a pattern as they lie on the wire of a WebSocket.
#pragma once

#include <cstddef>

#include "pattern.h"

namespace perf {

enum class WsSender : bool { server, client };

/// Each message is binary, and in a frame of its own. What clients send is masked, always by the same key.
[[nodiscard]] inline Framing ws_framing(std::size_t message_bytes, WsSender sender) {
    constexpr std::byte final_binary{0x82};
    const std::byte masked{sender == WsSender::client ? std::uint8_t{0x80} : std::uint8_t{0}};
    const std::size_t length_bytes = message_bytes < 126 ? 0 : message_bytes <= 0xffff ? 2 : 8;
    const std::size_t length = length_bytes == 0 ? message_bytes : length_bytes == 2 ? 126 : 127;

    Framing framing{.header = {final_binary, masked | static_cast<std::byte>(length)}};
    for (std::size_t i = length_bytes; i > 0; --i)
        framing.header.push_back(static_cast<std::byte>(message_bytes >> (8 * (i - 1))));
    if (sender == WsSender::server) return framing;
    framing.mask = {std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
    framing.header.insert(framing.header.end(), framing.mask.begin(), framing.mask.end());
    return framing;
}

}  // namespace perf
