// WebSockets of a server.
#include <pollux/ws/server.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "http/exchange.h"
#include "proto/http/characters.h"
#include "proto/ws/deflate_offer.h"
#include "proto/ws/handshake.h"
#include "stream_connection.h"
#include "ws/handler_box.h"
#include "ws/options.h"
#include "ws/session.h"

namespace pollux::ws {

namespace {

/// What the connection has for a handler once it is upgraded.
class ServerConnection final : public ConnectionHandler {
public:
    ServerConnection(StreamConnection& stream, const Options& options, const detail::HandlerFactory<Handler>& factory,
                     Session::Terms terms)
        : options_(options), handler_(factory), session_(Role::server, stream, options_, *handler_, std::move(terms)) {}

    void on_open(Connection& /*connection*/) override { session_.begin(); }

    void on_data(Connection& /*connection*/, Bytes data) override {
        // It is unmasked where it lies: in the receive buffer or in one of the session's before, which nobody else
        // reads any more and which never is constant.
        session_.receive({const_cast<std::byte*>(data.data()), data.size()});
    }

    void on_end(Connection& /*connection*/) override { session_.receive_end(); }
    void on_drain(Connection& /*connection*/) override { session_.drained(); }
    void on_close(Connection& /*connection*/, CloseReason reason, std::error_code error) override {
        session_.closed(reason, error);
    }

private:
    const Options options_;
    HandlerBox handler_;
    Session session_;
};

/// The origin of a page that this server gave.
bool is_own_origin(const http::Request& request, std::string_view origin) {
    const std::string_view scheme = request.is_secure() ? "https://" : "http://";
    return origin.size() == scheme.size() + request.host().size() && origin.starts_with(scheme) &&
           http::same_name(origin.substr(scheme.size()), request.host());
}

/// A browser tells where its page comes from.
bool is_from_elsewhere(const http::Request& request, const RouteOptions& options) {
    if (options.origins.empty() && !options.same_origin) return false;
    bool elsewhere = false;
    request.headers().each("Origin", [&](std::string_view origin) {
        const bool listed = std::ranges::find(options.origins, origin) != options.origins.end();
        if (!listed && !(options.same_origin && is_own_origin(request, origin))) elsewhere = true;
    });
    return elsewhere;
}

void refuse(http::Response& response, const UpgradeRefusal& refusal) {
    if (refusal.status == 426) {
        http::Exchange::of(response).add_field("Connection", "Upgrade");
        http::Exchange::of(response).add_field("Upgrade", protocol_name);
        response.header("Sec-WebSocket-Version", protocol_version);
    } else if (refusal.status == 405) {
        response.header("Allow", "GET");
    }
    response.send_error(refusal.status, refusal.why);
}

Result accept(http::Response& response, const RouteOptions& options, const detail::HandlerFactory<Handler>& factory,
              std::string protocol) {
    const http::Request& request = http::Exchange::of(response).request();
    const AcceptKey key = accept_key(request.header("Sec-WebSocket-Key").value_or(std::string_view{}));
    response.header("Sec-WebSocket-Accept", {key.data(), key.size()});
    if (!protocol.empty()) response.header("Sec-WebSocket-Protocol", protocol);
    const auto deflate = choose_deflate(request.headers(), options.socket.deflate);
    if (deflate) response.header("Sec-WebSocket-Extensions", deflate_answer(*deflate));
    auto& stream = static_cast<StreamConnection&>(response.connection());
    return response.upgrade(protocol_name,
                            std::make_unique<ServerConnection>(stream, options.socket, factory,
                                                               Session::Terms{std::move(protocol), deflate}));
}

/// The handler of a server that does nothing but upgrade.
class Upgrader final : public http::Handler {
public:
    explicit Upgrader(http::RouteFunction upgrade) : upgrade_(std::move(upgrade)) {}
    void on_request(const http::Request& request, http::Response& response) override { upgrade_(request, response); }

private:
    http::RouteFunction upgrade_;
};

}  // namespace

Result upgrade(http::Response& response, const RouteOptions& options, const detail::HandlerFactory<Handler>& factory) {
    if (response.begun()) return Result::closed;
    const http::Request& request = http::Exchange::of(response).request();
    if (const auto refusal = check_upgrade(request.method(), request.minor_version(), request.headers())) {
        refuse(response, refusal);
        return Result::closed;
    }
    if (is_from_elsewhere(request, options)) {
        refuse(response, {403, "This page may not open a WebSocket here.\n"});
        return Result::closed;
    }
    Acceptance acceptance{std::string{choose_protocol(request.headers(), options.protocols)}};
    if (options.judge) {
        options.judge(request, response, acceptance);
        if (response.begun()) return Result::closed;
        if (!acceptance.protocol.empty() && !offers_protocol(request.headers(), acceptance.protocol)) {
            refuse(response, {500, "The server chose a protocol that was not offered.\n"});
            return Result::closed;
        }
    }
    return accept(response, options, factory, std::move(acceptance.protocol));
}

http::RouteFunction route(RouteOptions options, detail::HandlerFactory<Handler> factory) {
    struct Route {
        RouteOptions options;
        detail::HandlerFactory<Handler> factory;
    };
    return [route = std::make_shared<const Route>(std::move(options), std::move(factory))](const http::Request&,
                                                                                           http::Response& response) {
        static_cast<void>(upgrade(response, route->options, route->factory));
    };
}

Status check(const RouteOptions& options) {
    if (Status status = check_options(options.socket); !status) return status;
    return check_protocols(options.protocols);
}

// Broadcasts.

Result broadcast(pollux::ServerBase& server, const PreparedMessage& message) {
    return server.broadcast(message.frame());
}

Result broadcast(pollux::ServerBase& server, MessageType type, Bytes data) {
    return broadcast(server, PreparedMessage{type, data});
}

Result ServerBase::broadcast_on(Reactor& reactor, const PreparedMessage& message) {
    return pollux::ServerBase::broadcast_on(reactor, message.frame());
}

/// Short messages are framed where they take no memory.
Result ServerBase::broadcast_on(Reactor& reactor, MessageType type, Bytes data) {
    std::byte frame[512];
    if (data.size() > sizeof frame - max_frame_header_bytes) return broadcast_on(reactor, PreparedMessage{type, data});
    const std::uint8_t first = frame_bits::fin | static_cast<std::uint8_t>(type);
    std::byte* const payload = write_frame_header(frame, first, data.size(), Role::server);
    std::byte* const end = std::ranges::copy(data, payload).out;
    return pollux::ServerBase::broadcast_on(reactor, {frame, end});
}

ServerBase::ServerBase(Engine& engine, ServerOptions server_options, RouteOptions options, http::Options http,
                       detail::HandlerFactory<Handler> factory)
    : http::ServerBase(engine, std::move(server_options), std::move(http),
                       detail::HandlerFactory<http::Handler>::of<Upgrader>(route(options, std::move(factory))),
                       check(options)) {}

}  // namespace pollux::ws
