// What a connection belongs to: a server's part on one reactor, or a client.
#pragma once

#include <pollux/connection.h>
#include <pollux/options.h>

#include "broadcast_log.h"
#include "counter.h"
#include "proto/tls_session.h"

namespace pollux {

class StreamConnection;

/// Counted by the reactor's thread over all connections of an owner, past ones included; read by any thread.
struct OwnerCounters {
    Counter bytes_received;
    Counter bytes_sent;
    Counter messages_received;
    Counter messages_sent;
    Counter bytes_pending;
};

/// The side of an owner that connections see. Called on the reactor's thread, in the loop, never from within a handler.
class ConnectionOwner {
public:
    ConnectionOwner(const ConnectionOptions& options, Transport transport, BroadcastLog* log)
        : options_(&options), log_(log), transport_(transport) {}
    ConnectionOwner(const ConnectionOwner&) = delete;
    ConnectionOwner& operator=(const ConnectionOwner&) = delete;

    [[nodiscard]] const ConnectionOptions& options() const noexcept { return *options_; }
    [[nodiscard]] Transport transport() const noexcept { return transport_; }

    /// Where the connections take broadcasts from; null for a client.
    [[nodiscard]] BroadcastLog* log() const noexcept { return log_; }

    [[nodiscard]] OwnerCounters& counters() noexcept { return counters_; }

    /// True if its connections are encrypted.
    [[nodiscard]] bool secure() const noexcept { return secure_; }

    /// True for a server's part: its connections were accepted.
    [[nodiscard]] virtual bool is_server() const noexcept = 0;

    /// A new TLS session for one of its connections; null if there is no memory. Only if it is secure.
    [[nodiscard]] virtual SslPointer make_tls() = 0;

    /// A connection that was connecting has a byte stream.
    virtual void on_connected(StreamConnection& connection) = 0;

    /// A connection is established; its handler is told next.
    virtual void on_established(StreamConnection& connection) = 0;

    /// A connection whose success its handler has to confirm has shaken hands.
    virtual void on_confirmed(StreamConnection& /*connection*/) {}

    /// A connection is over: its handler is told, unless it never was established.
    virtual void on_finished(StreamConnection& connection) = 0;

    /// Nothing refers to a finished connection any more: its memory is the owner's again.
    virtual void on_released(StreamConnection& connection) = 0;

    /// The server it is part of, if there is one that still exists.
    [[nodiscard]] virtual ServerBase* server() const noexcept { return nullptr; }

protected:
    ~ConnectionOwner() = default;
    void set_transport(Transport transport) noexcept { transport_ = transport; }
    void set_secure(bool secure) noexcept { secure_ = secure; }

private:
    const ConnectionOptions* options_;
    BroadcastLog* log_;
    OwnerCounters counters_;
    Transport transport_;
    bool secure_ = false;
};

}  // namespace pollux
