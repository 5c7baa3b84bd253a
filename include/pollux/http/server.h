// An HTTP/1.1 server over TCP, TLS and Unix-domain sockets.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <pollux/http/handler.h>
#include <pollux/http/options.h>
#include <pollux/http/router.h>
#include <pollux/server.h>

namespace pollux::http {

/// Everything of an HTTP server that does not depend on its handler. It is a server like any other: endpoint, TLS,
/// connection options, `start`, `stop` and counters are those of `pollux::ServerBase`. Its `broadcast` knows nothing of
/// HTTP, and is of use to upgraded connections only.
class ServerBase : public pollux::ServerBase {
public:
    /// Calls `answer` with a response that waits to be answered, on its reactor: at once if that is the calling thread,
    /// else posted there. Any thread. `closed`: the id is stale. `would_block`: the calling thread's mailbox for the
    /// reactor is full. From another thread the id may turn stale after `ok`; then `answer` is destroyed and not
    /// called.
    Result respond(ResponseId id, std::function<void(Response&)> answer);

protected:
    /// `mistake` is one that was made in filling a router.
    ServerBase(Engine& engine, ServerOptions server_options, Options options, detail::HandlerFactory<Handler> factory,
               Status mistake = {});
    ~ServerBase() = default;
};

/// A server whose connections are handled by `H`, a `Handler` made from copies of `arguments`:
/// `http::Server<MyHandler> server{engine, {.endpoint = "tcp://*:8080"}, {}, …}`.
///
/// With a router there is no `H` to name: `http::Server server{engine, {.endpoint = "tcp://*:8080"}, router}`.
template <class H>
class Server final : public ServerBase {
public:
    template <class... Arguments>
    Server(Engine& engine, ServerOptions server_options, Options options,
           Arguments&&... arguments) requires detail::MadeFrom<H, Arguments...>
        : ServerBase(engine, std::move(server_options), std::move(options),
                     detail::HandlerFactory<Handler>::of<H>(std::forward<Arguments>(arguments)...)) {}

    /// The router is copied: what is added to it afterwards does not count.
    Server(Engine& engine, ServerOptions server_options, const Router& router) requires std::is_same_v<H, RouterHandler>
        : Server(engine, std::move(server_options), Options{}, router) {}
    Server(Engine& engine, ServerOptions server_options, Options options,
           const Router& router) requires std::is_same_v<H, RouterHandler>
        : ServerBase(engine, std::move(server_options), std::move(options),
                     detail::HandlerFactory<Handler>::of<RouterHandler>(router.compile()), router.status()) {}
};

Server(Engine&, ServerOptions, const Router&)->Server<RouterHandler>;
Server(Engine&, ServerOptions, Options, const Router&)->Server<RouterHandler>;

}  // namespace pollux::http
