// What a WebSocket allows its peer, and how it looks after it. Every limit is on by default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pollux::ws {

/// Where compressors and decompressors live. One with a full window takes about 260 KiB and 45 KiB of memory.
enum class DeflateMemory : std::uint8_t {
    per_connection,  ///< Each connection has its own, from the first message on, and messages refer to those before.
    shared,          ///< Those of a reactor serve all its connections: each message is compressed by itself, both ways.
};

/// permessage-deflate (RFC 7692). It is used if both sides want it.
struct Deflate {
    bool enabled = false;
    DeflateMemory memory = DeflateMemory::shared;

    /// With memory of its own, asks that the peer compress each message by itself, or do so oneself. Unavoidable with
    /// `DeflateMemory::shared`.
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;

    /// The base-2 logarithm of the window, 9 to 15: 512 bytes to 32 KiB. zlib cannot compress with 8.
    unsigned server_max_window_bits = 15;
    unsigned client_max_window_bits = 15;

    int level = 1;                ///< zlib's: 1 (fast) to 9 (small).
    unsigned mem_level = 8;       ///< zlib's memLevel: 1 to 9.
    std::size_t min_bytes = 256;  ///< Shorter messages are sent as they are.
};

/// Limits, deadlines and habits of one WebSocket. Checked when a server or client is started.
struct Options {
    /// Of a message, as the handler gets it: inflated, and all fragments together. Beyond: Close 1009. A length that is
    /// only declared takes no memory. Streamed messages are not bounded by it.
    std::size_t max_message_bytes = 1024 * 1024;

    /// Frames of one message; beyond: Close 1009. Endless empty fragments are bounded by it.
    std::size_t max_fragments = 16 * 1024;

    /// Messages go to `Handler::on_fragment` as they come in, and not to `on_message`.
    bool streamed = false;

    /// Answers pings. Who turns it off answers them in `Handler::on_ping`, by `WebSocket::pong`.
    bool automatic_pong = true;

    /// A ping is sent when nothing has come in for so long, and again each time that it is still so. 0: never.
    std::chrono::milliseconds ping_interval{std::chrono::seconds{30}};

    /// Pings in a row that may stay without anything coming in; one more interval, and the connection is aborted with
    /// `CloseReason::ping_timeout`.
    unsigned max_missed_pongs = 1;

    /// Without a message either way: Close 1000 and `CloseReason::idle_timeout`. Pings and pongs do not count. 0:
    /// never.
    std::chrono::milliseconds idle_timeout{0};

    /// From our Close frame to the end of the connection; must be positive.
    std::chrono::milliseconds close_timeout{std::chrono::seconds{5}};

    Deflate deflate{};
};

}  // namespace pollux::ws
