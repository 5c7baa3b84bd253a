// WebSockets of a server: routes of an HTTP server that upgrade, and servers that do nothing else.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <pollux/http/server.h>
#include <pollux/ws/handler.h>
#include <pollux/ws/options.h>

namespace pollux::ws {

/// What a server has to say about a request to upgrade, while `RouteOptions::judge` looks at it.
struct Acceptance {
    /// The sub-protocol: chosen already from `RouteOptions::protocols`, if the client offers one of these; may be
    /// changed to another one that the client offers, or cleared for none.
    std::string protocol{};
};

/// How requests to upgrade are judged, and what holds for the WebSockets that come of it.
struct RouteOptions {
    Options socket{};

    /// Whom browsers may come from: the values of `Origin` that are accepted, as in "https://example.org". Empty: all.
    /// With a list, requests without `Origin` are accepted too: those are not browsers' (RFC 6455, 10.2). Others: 403.
    std::vector<std::string> origins{};

    /// Pages that come from this server itself are accepted: the origin's scheme, host and port are those of the
    /// request. Without `origins`, only these.
    bool same_origin = false;

    /// The sub-protocols that the server speaks, the best first. If the client offers none of them, none is agreed on.
    std::vector<std::string> protocols{};

    /// Looks at a request that is a correct one to upgrade: path, query, headers, cookies, peer. It may answer it, with
    /// anything, now: then the upgrade is refused. It may add header fields to the response: then they come with the
    /// 101. Whoever cannot decide now uses `upgrade` in a route of its own.
    std::function<void(const http::Request&, http::Response&, Acceptance&)> judge{};
};

/// Upgrades a request to a WebSocket whose handler is made by `factory`. What is wrong with the request is answered:
/// 426 to one that does not ask for version 13 of the protocol, 400 to one that breaks RFC 6455, 4.2.1, 403 to one from
/// elsewhere. To be called in `on_request` or, after `Response::later`, whenever the answer is due. `closed`: it was
/// refused, or answered already. On the response's reactor.
Result upgrade(http::Response& response, const RouteOptions& options, const detail::HandlerFactory<Handler>& factory);

/// The same with an `H` made from copies of `arguments`.
template <class H, class... Arguments>
Result upgrade(http::Response& response, const RouteOptions& options, Arguments&&... arguments) {
    return upgrade(response, options, detail::HandlerFactory<Handler>::of<H>(std::forward<Arguments>(arguments)...));
}

/// A function for a route that upgrades; see `http::Router::websocket`, which is shorter.
[[nodiscard]] http::RouteFunction route(RouteOptions options, detail::HandlerFactory<Handler> factory);

/// Mistakes in the options: of the deflate parameters, times, limits.
[[nodiscard]] Status check(const RouteOptions& options);

// To every WebSocket of an HTTP server, whatever its route. The frame is laid down once for each reactor and shared.
// Any thread. The results are those of `pollux::ServerBase::broadcast`, and so is what becomes of those that do not
// read.

Result broadcast(pollux::ServerBase& server, const PreparedMessage& message);
Result broadcast(pollux::ServerBase& server, MessageType type, Bytes data);
inline Result broadcast(pollux::ServerBase& server, std::string_view text) {
    return broadcast(server, MessageType::text, as_bytes(text));
}
inline Result broadcast(pollux::ServerBase& server, const char* text) {
    return broadcast(server, std::string_view{text});
}
inline Result broadcast(pollux::ServerBase& server, Bytes data) {
    return broadcast(server, MessageType::binary, data);
}

/// Everything of a WebSocket server that does not depend on its handler. It is an HTTP server that upgrades on every
/// path: endpoint, TLS, connection options, `start`, `stop` (which sends Close 1001 to all) and counters are those of
/// `pollux::ServerBase`.
class ServerBase : public http::ServerBase {
public:
    /// Sends to every WebSocket of the server; see `ws::broadcast`.
    Result broadcast(MessageType type, Bytes data) { return ws::broadcast(*this, type, data); }
    Result broadcast(std::string_view text) { return ws::broadcast(*this, text); }
    Result broadcast(const char* text) { return ws::broadcast(*this, text); }
    Result broadcast(Bytes data) { return ws::broadcast(*this, data); }
    Result broadcast(const PreparedMessage& message) { return ws::broadcast(*this, message); }

    /// From the thread of a reactor to those that live there: no mailbox in between.
    Result broadcast_on(Reactor& reactor, const PreparedMessage& message);
    Result broadcast_on(Reactor& reactor, MessageType type, Bytes data);
    Result broadcast_on(Reactor& reactor, std::string_view text) {
        return broadcast_on(reactor, MessageType::text, as_bytes(text));
    }
    Result broadcast_on(Reactor& reactor, Bytes data) { return broadcast_on(reactor, MessageType::binary, data); }

protected:
    ServerBase(Engine& engine, ServerOptions server_options, RouteOptions options, http::Options http,
               detail::HandlerFactory<Handler> factory);
    ~ServerBase() = default;
};

/// A server whose WebSockets are handled by `H`, a `Handler` made from copies of `arguments`:
/// `ws::Server<Chat> server{engine, {.endpoint = "tcp://*:8080"}, {}, …}`. A client has
/// `http::Options::header_timeout` to ask for the upgrade.
template <class H>
class Server final : public ServerBase {
public:
    template <class... Arguments>
    Server(Engine& engine, ServerOptions server_options, RouteOptions options,
           Arguments&&... arguments) requires detail::MadeFrom<H, Arguments...>
        : ServerBase(engine, std::move(server_options), std::move(options), {},
                     detail::HandlerFactory<Handler>::of<H>(std::forward<Arguments>(arguments)...)) {}

    /// With callbacks: `ws::Server server{engine, {.endpoint = …}, {}, ws::Callbacks{.on_message = …}}`.
    Server(Engine& engine, ServerOptions server_options, RouteOptions options,
           Callbacks callbacks) requires std::is_same_v<H, CallbackHandler>
        : ServerBase(engine, std::move(server_options), std::move(options), {},
                     detail::HandlerFactory<Handler>::of<H>(std::make_shared<const Callbacks>(std::move(callbacks)))) {}
};

Server(Engine&, ServerOptions, RouteOptions, Callbacks)->Server<CallbackHandler>;

}  // namespace pollux::ws

namespace pollux::http {

template <class Self>
template <class H, class... Arguments>
Self& RouteVerbs<Self>::websocket(std::string_view pattern, const ws::RouteOptions& options, Arguments&&... arguments) {
    if (const Status status = ws::check(options); !status) return self().fail(status);
    auto factory = detail::HandlerFactory<ws::Handler>::of<H>(std::forward<Arguments>(arguments)...);
    return self().get(pattern, ws::route(options, std::move(factory)));
}

template <class Self>
template <class H>
Self& RouteVerbs<Self>::websocket(std::string_view pattern) {
    return websocket<H>(pattern, ws::RouteOptions{});
}

}  // namespace pollux::http
