// Handlers of WebSockets that record, and fixtures of servers and clients.
#include "net/ws_support.h"

#include <ostream>

namespace pollux::ws {

void PrintTo(Role role, std::ostream* out) {
    *out << (role == Role::server ? "server" : "client");
}

}  // namespace pollux::ws

namespace pollux::test {

void PrintTo(const SeenMessage& message, std::ostream* out) {
    *out << (message.type == ws::MessageType::text ? "text" : "binary") << (message.last ? "" : " to be continued")
         << ", " << message.data.size() << " bytes: " << testing::PrintToString(message.data.substr(0, 130));
}

std::string WsSeen::streamed() const {
    std::string all;
    for (const SeenMessage& fragment : fragments) all += fragment.data;
    return all;
}

bool WsRecorder::wait_for_messages(std::size_t count) {
    return wait_until([=](const WsSeen& seen) { return seen.messages.size() >= count; });
}

bool WsRecorder::wait_for_fragments(std::size_t count) {
    return wait_until([=](const WsSeen& seen) { return seen.fragments.size() >= count; });
}

bool WsRecorder::wait_for_pings(std::size_t count) {
    return wait_until([=](const WsSeen& seen) { return seen.pings.size() >= count; });
}

bool WsRecorder::wait_for_pongs(std::size_t count) {
    return wait_until([=](const WsSeen& seen) { return seen.pongs.size() >= count; });
}

WsSeen WsRecorder::seen() {
    WsSeen copy;
    change([&](const WsSeen& now) { copy = now; });
    return copy;
}

SeenClose WsRecorder::close(std::size_t index) {
    if (!recorder_.wait_for_closes(index + 1)) return {};
    return seen().closes.at(index);
}

void WsRecorder::complain(const std::string& violation) {
    recorder_.change([&](Recorder::Seen& seen) { seen.violations.push_back(violation); });
}

WsHooks echoing() {
    return {.on_message = [](ws::WebSocket& socket, ws::MessageType type, Bytes data) {
        const Result result = socket.send(type, data);
        EXPECT_TRUE(result == Result::ok || result == Result::closed) << to_string(result);
    }};
}

// Handlers.

/// Checks the promises around one callback.
class WsRecording::Entered {
public:
    Entered(WsRecording& handler, const ws::WebSocket& socket, const char* callback) : handler_(handler) {
        if (handler.inside_) complain(callback, "nested in another callback");
        if (!handler.open_) complain(callback, "before on_open or after on_close");
        if (!socket.reactor().is_current()) complain(callback, "on a foreign thread");
        handler.inside_ = true;
    }
    ~Entered() { handler_.inside_ = false; }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;

private:
    void complain(const char* callback, const char* problem) const {
        handler_.recorder_.complain(std::string{callback} + " " + problem);
    }

    WsRecording& handler_;
};

WsRecording::WsRecording(WsRecorder& recorder, WsHooks hooks) : recorder_(recorder), hooks_(std::move(hooks)) {
    recorder_.connections().change([](Recorder::Seen& seen) { ++seen.handlers; });
}

WsRecording::~WsRecording() {
    recorder_.connections().change([](Recorder::Seen& seen) { --seen.handlers; });
}

void WsRecording::on_open(ws::WebSocket& socket) {
    if (std::exchange(open_, true)) recorder_.complain("on_open while open");
    const Entered entered{*this, socket, "on_open"};
    if (hooks_.on_open) hooks_.on_open(socket);
    // Only now, so that whoever waits for it finds the hook's work done.
    recorder_.connections().change([&](Recorder::Seen& seen) {
        ++seen.opens;
        seen.ids.push_back(socket.id());
    });
}

void WsRecording::on_message(ws::WebSocket& socket, ws::MessageType type, Bytes data) {
    const Entered entered{*this, socket, "on_message"};
    recorder_.change([&](WsSeen& seen) { seen.messages.push_back({type, std::string{as_text(data)}}); });
    if (hooks_.on_message) hooks_.on_message(socket, type, data);
}

void WsRecording::on_fragment(ws::WebSocket& socket, ws::MessageType type, Bytes part, bool last) {
    const Entered entered{*this, socket, "on_fragment"};
    if (part.empty() && !last) recorder_.complain("on_fragment of nothing");
    recorder_.change([&](WsSeen& seen) { seen.fragments.push_back({type, std::string{as_text(part)}, last}); });
    if (hooks_.on_fragment) hooks_.on_fragment(socket, type, part, last);
}

void WsRecording::on_ping(ws::WebSocket& socket, Bytes payload) {
    const Entered entered{*this, socket, "on_ping"};
    recorder_.change([&](WsSeen& seen) { seen.pings.emplace_back(as_text(payload)); });
    if (hooks_.on_ping) hooks_.on_ping(socket, payload);
}

void WsRecording::on_pong(ws::WebSocket& socket, Bytes payload) {
    const Entered entered{*this, socket, "on_pong"};
    recorder_.change([&](WsSeen& seen) { seen.pongs.emplace_back(as_text(payload)); });
    if (hooks_.on_pong) hooks_.on_pong(socket, payload);
}

void WsRecording::on_drain(ws::WebSocket& socket) {
    const Entered entered{*this, socket, "on_drain"};
    recorder_.connections().change([](Recorder::Seen& seen) { ++seen.drains; });
    if (hooks_.on_drain) hooks_.on_drain(socket);
}

void WsRecording::on_close(ws::WebSocket& socket, const ws::CloseEvent& event) {
    const Entered entered{*this, socket, "on_close"};
    if (hooks_.on_close) hooks_.on_close(socket, event);
    open_ = false;
    recorder_.change([&](WsSeen& seen) {
        seen.closes.push_back({event.code, std::string{event.reason}, event.sent_code, event.cause, event.clean()});
    });
    recorder_.connections().change([&](Recorder::Seen& seen) {
        ++seen.closes;
        seen.reasons.push_back(event.cause);
        seen.errors.push_back(event.error);
    });
}

void WsRecording::on_refused(const http::ResponseHead& answer) {
    if (hooks_.on_refused) hooks_.on_refused(answer);
    recorder_.change([&](WsSeen& seen) { seen.refusals.push_back(answer.status); });
}

void WsRecording::on_connect_error(std::error_code error, unsigned attempt, bool will_retry) {
    if (open_ || inside_) recorder_.complain("on_connect_error of a WebSocket that is open");
    if (hooks_.on_connect_error) hooks_.on_connect_error(error, attempt, will_retry);
    recorder_.connections().change([&](Recorder::Seen& seen) {
        seen.connect_errors.push_back({error, attempt, will_retry});
    });
}

// Fixtures.

void WsTest::TearDown() {
    client.reset();
    server.reset();
    EngineTest::TearDown();
}

void WsTest::serve(WsHooks hooks, ws::RouteOptions options, ServerOptions server_options) {
    if (server_options.endpoint.empty()) {
        server_options.endpoint = fresh_endpoint(transport_of(wire));
    }
    if (wire == Wire::tls) server_options.tls = server_context();
    server = std::make_unique<ws::Server<WsRecording>>(engine, std::move(server_options), std::move(options),
                                                       std::ref(ws_seen), std::move(hooks));
    const Status status = server->start();
    ASSERT_TRUE(status) << status;
}

WsPeer WsTest::connect(int receive_buffer_bytes) const {
    return connect_to(server->address(), receive_buffer_bytes);
}

WsPeer WsTest::connect_to(const SocketAddress& address, int receive_buffer_bytes) const {
    RawSocket socket = RawSocket::connect(address, receive_buffer_bytes);
    if (wire != Wire::tls) return WsPeer{Role::client, std::move(socket)};
    static const TlsPeerContext context{TlsRole::client, {}};
    return WsPeer{Role::client, TlsPeer{std::move(socket), context}};
}

WsPeer WsTest::join(std::string_view fields, int receive_buffer_bytes) const {
    WsPeer peer = connect(receive_buffer_bytes);
    const Answer answer = peer.upgrade("/", fields);
    EXPECT_EQ(answer.status, 101u) << answer.head << answer.body;
    return peer;
}

void WsTest::open_client(WsHooks hooks, ws::ClientOptions options) {
    if (server == nullptr && listener == nullptr) {
        listener = std::make_unique<RawListener>(transport_of(wire));
    }
    if (options.endpoint.empty()) {
        options.endpoint = endpoint_of(server != nullptr ? server->address() : listener->address());
    }
    if (options.url.empty()) options.url = wire == Wire::tls ? "wss://localhost/" : "ws://localhost/";
    if (wire == Wire::tls && !options.tls) options.tls = client_context();
    client = std::make_unique<ws::Client<WsRecording>>(engine, std::move(options), std::ref(ws_client_seen),
                                                       std::move(hooks));
    const Status status = client->start();
    ASSERT_TRUE(status) << status;
}

WsPeer WsTest::accept() const {
    if (wire != Wire::tls) return WsPeer{Role::server, listener->accept()};
    static const TlsPeerContext context{TlsRole::server, {.identity = "server-ecdsa"}};
    return WsPeer{Role::server, TlsPeer{listener->accept(), context}};
}

WsPeer WsTest::accept_upgraded(std::string_view fields) const {
    WsPeer peer = accept();
    peer.accept_upgrade(fields);
    return peer;
}

WsPeer WsTest::open_as(Role ours, WsHooks hooks, ws::Options options, ConnectionOptions connection,
                       std::string_view fields) {
    const std::size_t before = seen_by(ours).connections().seen().opens;
    const auto opened = [&](WsPeer peer) {
        EXPECT_TRUE(seen_by(ours).connections().wait_for_opens(before + 1));
        return peer;
    };
    if (ours == Role::client) {
        open_client(std::move(hooks), {.connection = connection, .socket = options});
        return opened(accept_upgraded(fields));
    }
    serve(std::move(hooks), {.socket = options}, {.connection = connection});
    return opened(join(fields));
}

void WsTest::send_bytewise(WsPeer& peer, std::string_view bytes) {
    for (const char byte : bytes) {
        if (!peer.try_send(std::string_view{&byte, 1})) return;
        settle();
    }
}

WsPeer WsRoleTest::open_deflating(WsHooks hooks, ws::Options options, std::string_view parameters) {
    options.deflate.enabled = true;
    // An offer or an answer, as the role wants it.
    const std::string field =
        std::string{"Sec-WebSocket-Extensions: permessage-deflate"}.append(parameters).append("\r\n");
    return open_as(ours, std::move(hooks), options, {}, field);
}

std::string role_name(const testing::TestParamInfo<Role>& info) {
    return info.param == Role::server ? "server" : "client";
}

}  // namespace pollux::test
