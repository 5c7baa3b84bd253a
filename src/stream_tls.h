// What a connection with TLS has beside what every connection has.
#pragma once

#include <cstddef>
#include <utility>

#include "proto/tls_session.h"
#include "send_queue.h"
#include "stream_connection.h"

namespace pollux {

/// A connection's TLS. Bytes are encrypted only when the kernel takes them, so what waits is plaintext in the
/// connection's own queue, and records are as large as what waits allows; `encrypted` is the rest of a record that the
/// kernel took in part.
struct TlsStream final : TlsSession::Output {
    TlsStream(StreamConnection& owner, SslPointer ssl) : connection(&owner), session(std::move(ssl)) {}

    void on_encrypted(Bytes bytes) override { connection->send_encrypted(bytes); }

    /// True if something was received that the handler has not heard of, because it paused.
    [[nodiscard]] bool has_kept() const noexcept { return !kept.empty() || (ended && !end_told); }

    StreamConnection* connection;
    TlsSession session;
    SendQueue encrypted;  // records, or parts of them, that wait for the kernel
    SendQueue kept;       // from the peer, not decrypted yet

    bool gathering = false;     // records collect in `encrypted` instead of going to the kernel one by one
    bool ended = false;         // the peer's close_notify came
    bool end_told = false;      // and the connection went on to what follows from it
    bool close_notify = false;  // ours is made
};

}  // namespace pollux
