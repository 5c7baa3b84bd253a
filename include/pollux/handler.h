// What the user implements: an object per connection with a callback per event.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <pollux/connection.h>
#include <pollux/detail/handler_factory.h>

namespace pollux {

/// The user's side of a connection. All callbacks of one object run on one reactor's thread, one at a time and never
/// nested in each other, so its members need no locks. Callbacks must not throw and must not block.
///
/// A server makes one handler for each connection it accepts, and destroys it after `on_close`. A client makes one
/// handler when it starts and keeps it over reconnects, until it is stopped or destroyed.
class ConnectionHandler {
public:
    ConnectionHandler() = default;
    ConnectionHandler(const ConnectionHandler&) = delete;
    ConnectionHandler& operator=(const ConnectionHandler&) = delete;
    virtual ~ConnectionHandler() = default;

    /// The connection is established, with TLS after the handshake. Comes before every other callback of it.
    virtual void on_open(Connection& /*connection*/) {}

    /// Bytes arrived: everything that was there, up to the reactor's receive buffer; with TLS, up to two records' worth
    /// at a time, whose answers leave together with those to the rest. `data` is valid during the call.
    virtual void on_data(Connection& connection, Bytes data) = 0;

    /// The peer has finished sending (half-close). Closes gracefully unless overridden; whoever overrides it may go on
    /// sending and calls `close()` when done.
    virtual void on_end(Connection& connection) { connection.close(); }

    /// A `send` was refused or the high watermark was passed, and the pending bytes are down to the low watermark
    /// again.
    virtual void on_drain(Connection& /*connection*/) {}

    /// The connection is over. Comes exactly once for each `on_open`, last. `error` is the system's error if there was
    /// one.
    virtual void on_close(Connection& /*connection*/, CloseReason /*reason*/, std::error_code /*error*/) {}

    /// Servers with TLS only: the handshake was not finished, and the connection is over; neither `on_open` nor
    /// `on_close` is called. `reason` is `tls_error`, with OpenSSL's error or, in `certificate_category`, that of the
    /// client's certificate; or whatever else ended it: `handshake_timeout`, `peer_closed`, `shutdown`. Clients are
    /// told by `on_connect_error`.
    virtual void on_handshake_error(Connection& /*connection*/, CloseReason /*reason*/, std::error_code /*error*/) {}

    /// Clients only: an attempt to connect failed at every address of the endpoint, TLS included. `attempt` counts from
    /// 1 since the
    /// last established connection. If `will_retry`, the next attempt follows after the reconnect delay.
    virtual void on_connect_error(std::error_code /*error*/, unsigned /*attempt*/, bool /*will_retry*/) {}
};

/// For those who would rather subscribe than subclass: functions shared by every connection of a server or client.
/// They are called on reactor threads, on several at once if the engine has several reactors. Unset ones are skipped;
/// without `on_end`, a half-close closes gracefully.
struct Callbacks {
    std::function<void(Connection&)> on_open{};
    std::function<void(Connection&, Bytes)> on_data{};
    std::function<void(Connection&)> on_end{};
    std::function<void(Connection&)> on_drain{};
    std::function<void(Connection&, CloseReason, std::error_code)> on_close{};
    std::function<void(Connection&, CloseReason, std::error_code)> on_handshake_error{};
    std::function<void(std::error_code, unsigned, bool)> on_connect_error{};
};

/// The handler behind `Callbacks`.
class CallbackHandler final : public ConnectionHandler {
public:
    explicit CallbackHandler(std::shared_ptr<const Callbacks> callbacks) : callbacks_(std::move(callbacks)) {}

    void on_open(Connection& connection) override {
        if (callbacks_->on_open) callbacks_->on_open(connection);
    }
    void on_data(Connection& connection, Bytes data) override {
        if (callbacks_->on_data) callbacks_->on_data(connection, data);
    }
    void on_end(Connection& connection) override {
        if (callbacks_->on_end) {
            callbacks_->on_end(connection);
        } else {
            connection.close();
        }
    }
    void on_drain(Connection& connection) override {
        if (callbacks_->on_drain) callbacks_->on_drain(connection);
    }
    void on_close(Connection& connection, CloseReason reason, std::error_code error) override {
        if (callbacks_->on_close) callbacks_->on_close(connection, reason, error);
    }
    void on_handshake_error(Connection& connection, CloseReason reason, std::error_code error) override {
        if (callbacks_->on_handshake_error) callbacks_->on_handshake_error(connection, reason, error);
    }
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override {
        if (callbacks_->on_connect_error) callbacks_->on_connect_error(error, attempt, will_retry);
    }

private:
    std::shared_ptr<const Callbacks> callbacks_;
};

}  // namespace pollux
