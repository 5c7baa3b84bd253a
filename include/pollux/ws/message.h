// WebSocket messages: their types, their close codes, and those that are framed once and sent many times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <pollux/bytes.h>

namespace pollux::ws {

/// What a message carries (RFC 6455, 5.6).
enum class MessageType : std::uint8_t {
    text = 1,    ///< UTF-8. What is received was checked; what is sent is the sender's to vouch for.
    binary = 2,  ///< Any bytes.
};

/// What a Close frame says (RFC 6455, 7.4.1). Applications have 4000 to 4999 for themselves.
namespace close_code {

inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;        ///< A server stops, or a browser leaves the page.
inline constexpr std::uint16_t protocol_error = 1002;    ///< The peer broke RFC 6455.
inline constexpr std::uint16_t unsupported_data = 1003;  ///< A type of message that is of no use to the receiver.
inline constexpr std::uint16_t none = 1005;              ///< Never sent: the Close frame had no code.
inline constexpr std::uint16_t abnormal = 1006;          ///< Never sent: the connection ended without a Close frame.
inline constexpr std::uint16_t invalid_data = 1007;      ///< A text that is not UTF-8, or data that does not inflate.
inline constexpr std::uint16_t policy_violation = 1008;
inline constexpr std::uint16_t too_big = 1009;            ///< A message beyond a limit.
inline constexpr std::uint16_t missing_extension = 1010;  ///< Clients: the server did not take an extension.
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t service_restart = 1012;
inline constexpr std::uint16_t try_again_later = 1013;

}  // namespace close_code

/// A message laid down as the one frame that servers send, to be sent on any number of connections without being framed
/// again. Never compressed. Any thread; immutable once it is made.
class PreparedMessage {
public:
    PreparedMessage(MessageType type, Bytes data);
    explicit PreparedMessage(std::string_view text) : PreparedMessage(MessageType::text, as_bytes(text)) {}

    [[nodiscard]] MessageType type() const noexcept { return type_; }

    /// What is in the frame.
    [[nodiscard]] Bytes data() const noexcept { return as_bytes(frame_).subspan(header_bytes_); }

    /// The frame, as it goes over the wire from a server.
    [[nodiscard]] Bytes frame() const noexcept { return as_bytes(frame_); }

private:
    std::string frame_;
    std::size_t header_bytes_;
    MessageType type_;
};

}  // namespace pollux::ws
