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
struct TlsStream final : TlsSession::Input, TlsSession::Output {
    TlsStream(StreamConnection& owner, SslPointer ssl) : connection(&owner), session(std::move(ssl)) {}

    std::size_t on_wanted(MutableBytes bytes) override { return connection->receive_encrypted(bytes); }
    [[nodiscard]] bool exhausted() const override { return drained; }
    void on_encrypted(Bytes bytes) override { connection->send_encrypted(bytes); }

    /// True if something was received that the handler has not heard of, because it paused.
    [[nodiscard]] bool has_unread() const noexcept { return unread || (ended && !end_told); }

    StreamConnection* connection;
    TlsSession session;
    SendQueue encrypted;         // records, or parts of them, that wait for the kernel
    bool gathering = false;      // records collect in `encrypted` instead of going to the kernel one by one
    bool close_notify = false;   // ours is made
    std::size_t received = 0;    // in this turn
    int receive_error = 0;       // the system's; told when what came before it was
    bool drained = true;         // nothing is received until the next event
    bool peer_finished = false;  // the peer half-closed the socket
    bool unread = false;         // OpenSSL may have records that the handler, which paused, was not given
    bool ended = false;          // the peer's close_notify came
    bool end_told = false;       // and the connection went on to what follows from it
};

}  // namespace pollux
