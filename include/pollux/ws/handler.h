// What the user of a WebSocket implements.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <pollux/error.h>
#include <pollux/http/client.h>
#include <pollux/ws/web_socket.h>

namespace pollux::ws {

/// How a WebSocket ended. Valid during the call.
struct CloseEvent {
    /// What the peer's Close frame says; `close_code::none` if it had no code, `close_code::abnormal` if none came.
    std::uint16_t code = close_code::abnormal;
    std::string_view reason{};  ///< The peer's text; valid UTF-8.

    std::uint16_t sent_code = 0;  ///< What our Close frame said, likewise; 0 if none was sent.

    /// Why it ended: `peer_closed` if the peer's Close frame came first, `local_close`, `protocol_error`, `limit` (a
    /// message beyond one), `ping_timeout`, `idle_timeout`, `shutdown`, or what ends any connection.
    CloseReason cause = CloseReason::none;
    std::error_code error{};  ///< The system's or OpenSSL's, if there was one.

    /// True if Close frames went both ways.
    [[nodiscard]] bool clean() const noexcept { return code != close_code::abnormal && sent_code != 0; }
};

/// The user's side of a WebSocket. A server makes one for each and destroys it after `on_close`; a client keeps one
/// over reconnects. All callbacks of one object run on one reactor's thread, one at a time and never nested in each
/// other, and must not throw or block.
class Handler {
public:
    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    virtual ~Handler() = default;

    /// The handshake is done. Comes before every other callback of it.
    virtual void on_open(WebSocket& /*socket*/) {}

    /// A message arrived. `data` is valid during the call.
    virtual void on_message(WebSocket& socket, MessageType type, Bytes data) = 0;

    /// With `Options::streamed`, in the place of `on_message`: a part of a message, as it came in; `last` ends the
    /// message and may come with no bytes. A text may be cut within a character.
    virtual void on_fragment(WebSocket& /*socket*/, MessageType /*type*/, Bytes /*part*/, bool /*last*/) {}

    /// A ping arrived, also between the fragments of a message. It is answered already, unless
    /// `Options::automatic_pong` is off.
    virtual void on_ping(WebSocket& /*socket*/, Bytes /*payload*/) {}

    /// A pong arrived, asked for or not.
    virtual void on_pong(WebSocket& /*socket*/, Bytes /*payload*/) {}

    /// A `send` was refused or the high watermark was passed, and the pending bytes are down to the low watermark
    /// again.
    virtual void on_drain(WebSocket& /*socket*/) {}

    /// It is over. Comes exactly once for each `on_open`, last.
    virtual void on_close(WebSocket& /*socket*/, const CloseEvent& /*event*/) {}

    /// Clients only: the server answered, and did not switch protocols. `on_connect_error` follows.
    virtual void on_refused(const http::ResponseHead& /*answer*/) {}

    /// Clients only: an attempt failed; with `Errc::upgrade_refused` if the server answered something else than RFC
    /// 6455 wants. `attempt` counts from 1 since the last one that was open. If `will_retry`, the next attempt follows
    /// after the reconnect delay.
    virtual void on_connect_error(std::error_code /*error*/, unsigned /*attempt*/, bool /*will_retry*/) {}
};

/// For those who would rather subscribe than subclass: functions shared by every WebSocket of a server or client. They
/// are called on reactor threads, on several at once if the engine has several reactors. Unset ones are skipped.
struct Callbacks {
    std::function<void(WebSocket&)> on_open{};
    std::function<void(WebSocket&, MessageType, Bytes)> on_message{};
    std::function<void(WebSocket&, MessageType, Bytes, bool)> on_fragment{};
    std::function<void(WebSocket&, Bytes)> on_ping{};
    std::function<void(WebSocket&, Bytes)> on_pong{};
    std::function<void(WebSocket&)> on_drain{};
    std::function<void(WebSocket&, const CloseEvent&)> on_close{};
    std::function<void(const http::ResponseHead&)> on_refused{};
    std::function<void(std::error_code, unsigned, bool)> on_connect_error{};
};

/// The handler behind `Callbacks`.
class CallbackHandler final : public Handler {
public:
    explicit CallbackHandler(std::shared_ptr<const Callbacks> callbacks) : callbacks_(std::move(callbacks)) {}

    void on_open(WebSocket& socket) override {
        if (callbacks_->on_open) callbacks_->on_open(socket);
    }
    void on_message(WebSocket& socket, MessageType type, Bytes data) override {
        if (callbacks_->on_message) callbacks_->on_message(socket, type, data);
    }
    void on_fragment(WebSocket& socket, MessageType type, Bytes part, bool last) override {
        if (callbacks_->on_fragment) callbacks_->on_fragment(socket, type, part, last);
    }
    void on_ping(WebSocket& socket, Bytes payload) override {
        if (callbacks_->on_ping) callbacks_->on_ping(socket, payload);
    }
    void on_pong(WebSocket& socket, Bytes payload) override {
        if (callbacks_->on_pong) callbacks_->on_pong(socket, payload);
    }
    void on_drain(WebSocket& socket) override {
        if (callbacks_->on_drain) callbacks_->on_drain(socket);
    }
    void on_close(WebSocket& socket, const CloseEvent& event) override {
        if (callbacks_->on_close) callbacks_->on_close(socket, event);
    }
    void on_refused(const http::ResponseHead& answer) override {
        if (callbacks_->on_refused) callbacks_->on_refused(answer);
    }
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override {
        if (callbacks_->on_connect_error) callbacks_->on_connect_error(error, attempt, will_retry);
    }

private:
    std::shared_ptr<const Callbacks> callbacks_;
};

}  // namespace pollux::ws
