// Options shared by servers and clients. Plain structs with defaults, filled by designated initializers.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

namespace pollux {

/// TCP keep-alive probes of the kernel. Ignored for Unix-domain sockets.
struct KeepAlive {
    bool enabled = false;
    std::chrono::seconds idle{60};      ///< Silence before the first probe.
    std::chrono::seconds interval{10};  ///< Between probes.
    unsigned count = 6;                 ///< Unanswered probes before the connection is reset.
};

/// What holds for each connection of a server or client.
struct ConnectionOptions {
    bool no_delay = true;  ///< TCP_NODELAY: a callback's sends leave in one call, so Nagle's wait only adds latency.
    KeepAlive keep_alive{};

    std::size_t kernel_receive_buffer_bytes = 0;  ///< SO_RCVBUF; 0 leaves it to the kernel, which tunes it by itself.
    std::size_t kernel_send_buffer_bytes = 0;     ///< SO_SNDBUF; 0 leaves it to the kernel.

    std::size_t high_watermark_bytes = 1024 * 1024;  ///< `send` refuses while this much is pending.
    std::size_t low_watermark_bytes = 256 * 1024;    ///< `on_drain` is called when pending bytes are down to this.

    /// Never more than this is pending. A span that would pass it is refused. Bytes from other threads were promised
    /// delivery when their mailbox took them, so they may pass the high watermark; at this limit the connection is
    /// closed with `CloseReason::slow_consumer`.
    std::size_t max_pending_bytes = 16 * 1024 * 1024;

    /// While more than `low_watermark_bytes` are pending, nothing is received from the same connection: a peer that
    /// does not read its answers can ask no more questions, and an echo is lossless without a line of code. Unset: true
    /// for a server's connections, false for a client's. Two sides that both hold back can wait for each other for
    /// ever.
    std::optional<bool> hold_receive_while_pending{};

    /// No byte either way; 0 for never. Unset: ten minutes for a server's connections, never for a client's.
    std::optional<std::chrono::milliseconds> idle_timeout{};

    /// Bound on the TLS handshake, counted from when the connection was accepted or connected, however the peer drips
    /// its bytes; must be positive.
    std::chrono::milliseconds handshake_timeout{std::chrono::seconds{10}};

    /// Bound on a graceful close; must be positive.
    std::chrono::milliseconds close_timeout{std::chrono::seconds{5}};
};

}  // namespace pollux
