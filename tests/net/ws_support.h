// Helpers of the tests of WebSockets: handlers that record, and fixtures of servers and clients.
#pragma once

#include <pollux/ws/client.h>
#include <pollux/ws/server.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_support.h"
#include "net/support.h"
#include "net/ws_peer.h"

namespace pollux::test {

/// A message as a handler saw it, copied; or a fragment of one.
struct SeenMessage {
    ws::MessageType type = ws::MessageType::binary;
    std::string data;
    bool last = true;  ///< Of the fragments.

    friend bool operator==(const SeenMessage&, const SeenMessage&) = default;
};

void PrintTo(const SeenMessage& message, std::ostream* out);

/// What `on_close` told.
struct SeenClose {
    std::uint16_t code = 0;
    std::string reason;
    std::uint16_t sent_code = 0;
    CloseReason cause = CloseReason::none;
    bool clean = false;
};

/// What the handlers of one server or client saw.
struct WsSeen {
    std::vector<SeenMessage> messages{};
    std::vector<SeenMessage> fragments{};
    std::vector<std::string> pings{};
    std::vector<std::string> pongs{};
    std::vector<SeenClose> closes{};   ///< In their order; beside those of the record that it is part of.
    std::vector<unsigned> refusals{};  ///< The statuses that `on_refused` had.

    /// All parts of all messages.
    [[nodiscard]] std::string streamed() const;
};

/// Adds what is WebSocket's to a record, under its lock. What promises are broken goes into that record.
class WsRecorder {
public:
    explicit WsRecorder(Recorder& recorder) : recorder_(recorder) {}

    template <class Change>
    void change(Change&& change) {
        recorder_.change([&](Recorder::Seen&) { change(seen_); });
    }

    /// Waits until `predicate(seen)`; false if that never comes.
    template <class Predicate>
    [[nodiscard]] bool wait_until(Predicate&& predicate, std::chrono::milliseconds limit = patience) {
        return recorder_.wait_until([&](const Recorder::Seen&) { return predicate(std::as_const(seen_)); }, limit);
    }

    [[nodiscard]] bool wait_for_messages(std::size_t count);
    [[nodiscard]] bool wait_for_fragments(std::size_t count);
    [[nodiscard]] bool wait_for_pings(std::size_t count);
    [[nodiscard]] bool wait_for_pongs(std::size_t count);

    [[nodiscard]] WsSeen seen();

    /// What a WebSocket came to. Waits for it; all is 0 if it never comes to an end.
    [[nodiscard]] SeenClose close(std::size_t index = 0);

    [[nodiscard]] Recorder& connections() { return recorder_; }

    void complain(const std::string& violation);

private:
    Recorder& recorder_;
    WsSeen seen_;
};

/// What a test wants done in a callback, after it was recorded.
struct WsHooks {
    std::function<void(ws::WebSocket&)> on_open{};
    std::function<void(ws::WebSocket&, ws::MessageType, Bytes)> on_message{};
    std::function<void(ws::WebSocket&, ws::MessageType, Bytes, bool)> on_fragment{};
    std::function<void(ws::WebSocket&, Bytes)> on_ping{};
    std::function<void(ws::WebSocket&, Bytes)> on_pong{};
    std::function<void(ws::WebSocket&)> on_drain{};
    std::function<void(ws::WebSocket&, const ws::CloseEvent&)> on_close{};
    std::function<void(const http::ResponseHead&)> on_refused{};
    std::function<void(std::error_code, unsigned, bool)> on_connect_error{};
};

/// Sends messages back as they came; each must be accepted while the WebSocket is open.
[[nodiscard]] WsHooks echoing();

/// Records everything, and that callbacks keep their promises: `on_open` first, `on_close` once and last, never nested,
/// always on the connection's own thread.
class WsRecording : public ws::Handler {
public:
    explicit WsRecording(WsRecorder& recorder, WsHooks hooks = {});
    ~WsRecording() override;

    void on_open(ws::WebSocket& socket) override;
    void on_message(ws::WebSocket& socket, ws::MessageType type, Bytes data) override;
    void on_fragment(ws::WebSocket& socket, ws::MessageType type, Bytes part, bool last) override;
    void on_ping(ws::WebSocket& socket, Bytes payload) override;
    void on_pong(ws::WebSocket& socket, Bytes payload) override;
    void on_drain(ws::WebSocket& socket) override;
    void on_close(ws::WebSocket& socket, const ws::CloseEvent& event) override;
    void on_refused(const http::ResponseHead& answer) override;
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override;

private:
    class Entered;

    WsRecorder& recorder_;
    WsHooks hooks_;
    bool inside_ = false;
    bool open_ = false;
};

/// A server and a client whose handlers record, each with a raw peer or with each other.
class WsTest : public EngineTest {
protected:
    explicit WsTest(Wire over = Wire::tcp, std::size_t reactors = 1)
        : EngineTest(reactors, transport_of(over)), wire(over) {}

    void TearDown() override;

    // Our server and raw clients.

    /// Listens. Its endpoint and its TLS are those of the wire.
    void serve(WsHooks hooks = {}, ws::RouteOptions options = {}, ServerOptions server_options = {});

    /// A connection to the server.
    [[nodiscard]] WsPeer connect(int receive_buffer_bytes = 0) const;

    /// The same to any server over the wire.
    [[nodiscard]] WsPeer connect_to(const SocketAddress& address, int receive_buffer_bytes = 0) const;

    /// A WebSocket to it, with these further field lines in the request ("A: b\r\n").
    [[nodiscard]] WsPeer join(std::string_view fields = {}, int receive_buffer_bytes = 0) const;

    // Our client and a raw server, or our server.

    /// Begins to connect: to our server if there is one, else to a raw one. URL, endpoint and TLS are those of the wire
    /// unless the options say more.
    void open_client(WsHooks hooks = {}, ws::ClientOptions options = {});

    /// The raw server's end of the next connection of the client, before the opening handshake.
    [[nodiscard]] WsPeer accept() const;

    /// The same after it, answered with these further field lines.
    [[nodiscard]] WsPeer accept_upgraded(std::string_view fields = {}) const;

    /// A WebSocket of ours in this role, open, and the raw peer at its other end.
    [[nodiscard]] WsPeer open_as(Role ours, WsHooks hooks = {}, ws::Options options = {},
                                 ConnectionOptions connection = {}, std::string_view fields = {});

    /// What handlers of ours in this role saw.
    [[nodiscard]] WsRecorder& seen_by(Role ours) { return ours == Role::server ? ws_seen : ws_client_seen; }

    /// What was sent before is with the handlers now.
    void settle() { turn_all(engine, 4); }

    /// Sends so that the other side gets every byte by itself.
    void send_bytewise(WsPeer& peer, std::string_view bytes);

    Wire wire;
    WsRecorder ws_seen{seen};
    WsRecorder ws_client_seen{client_seen};
    std::unique_ptr<ws::Server<WsRecording>> server;
    std::unique_ptr<RawListener> listener;
    std::unique_ptr<ws::Client<WsRecording>> client;
};

/// The same over every wire.
class WsWireTest : public WsTest, public testing::WithParamInterface<Wire> {
protected:
    WsWireTest() : WsTest(GetParam()) {}
};

/// The same in both roles: `ours` is what is tested.
class WsRoleTest : public WsTest, public testing::WithParamInterface<Role> {
protected:
    /// A WebSocket of ours, open, and the raw peer at its other end.
    [[nodiscard]] WsPeer open(WsHooks hooks = {}, ws::Options options = {}, ConnectionOptions connection = {}) {
        return open_as(ours, std::move(hooks), options, connection);
    }

    /// The same with permessage-deflate agreed on, with these parameters.
    [[nodiscard]] WsPeer open_deflating(
        WsHooks hooks, ws::Options options,
        std::string_view parameters = "; server_no_context_takeover; client_no_context_takeover");

    /// What our handlers saw.
    [[nodiscard]] WsRecorder& record() { return seen_by(ours); }

    const Role ours = GetParam();
};

[[nodiscard]] std::string role_name(const testing::TestParamInfo<Role>& info);

inline const auto both_roles = testing::Values(Role::server, Role::client);

}  // namespace pollux::test

namespace pollux::ws {

void PrintTo(Role role, std::ostream* out);

}  // namespace pollux::ws
