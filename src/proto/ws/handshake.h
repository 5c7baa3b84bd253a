// The opening handshake (RFC 6455, 4).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <pollux/bytes.h>
#include <pollux/http/fields.h>
#include <pollux/http/method.h>

namespace pollux::ws {

inline constexpr std::string_view protocol_name = "websocket";
inline constexpr std::string_view protocol_version = "13";

/// Why a request cannot be upgraded: the status of the answer. 0: it can.
struct UpgradeRefusal {
    unsigned status = 0;
    const char* why = "";  ///< For the answer's body; in static storage.

    explicit operator bool() const noexcept { return status != 0; }
};

/// Looks at a request as RFC 6455, 4.2.1 wants it.
[[nodiscard]] UpgradeRefusal check_upgrade(http::Method method, unsigned minor_version, const http::Fields& request);

/// A `Sec-WebSocket-Key`: 16 bytes in base64.
using Key = std::array<char, 24>;
[[nodiscard]] Key make_key(std::span<const std::byte, 16> random) noexcept;

/// The `Sec-WebSocket-Accept` for a key (RFC 6455, 4.2.2).
using AcceptKey = std::array<char, 28>;
[[nodiscard]] AcceptKey accept_key(std::string_view key) noexcept;

/// The first of `spoken` that a request offers in `Sec-WebSocket-Protocol`; empty for none.
[[nodiscard]] std::string_view choose_protocol(const http::Fields& request, std::span<const std::string> spoken);

/// True if a request offers that sub-protocol. Unlike other tokens, these have case.
[[nodiscard]] bool offers_protocol(const http::Fields& request, std::string_view protocol);

/// Looks at the head of an answer as RFC 6455, 4.1 wants it, but for the extensions. Empty if it is right, else what is
/// wrong, in static storage.
[[nodiscard]] std::string_view check_answer(unsigned status, const http::Fields& answer, const Key& key,
                                            std::span<const std::string> offered);

/// The sub-protocol that an answer chooses; empty for none.
[[nodiscard]] std::string_view chosen_protocol(const http::Fields& answer);

}  // namespace pollux::ws
