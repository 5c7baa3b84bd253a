// A server: accepts connections on every reactor and makes a handler for each.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <pollux/engine.h>
#include <pollux/handler.h>
#include <pollux/options.h>

namespace pollux {

/// What a broadcast does about members that do not read.
enum class SlowConsumer : std::uint8_t {
    close,  ///< A member whose pending bytes would pass `max_pending_bytes` is closed with
            ///< `CloseReason::slow_consumer`.
    wait,  ///< `broadcast` answers `would_block` while the slowest member is `high_watermark_bytes` behind: the slowest
           ///< member paces the sender, and nothing is lost. `on_broadcast_drain` tells when to go on.
};

/// How a server listens and treats its connections. Checked by `ServerBase::start`.
struct ServerOptions {
    std::string endpoint{};  ///< See `Endpoint`.
    ConnectionOptions connection{};

    /// Encrypts the connections: a context made by `TlsContext::server`. Default: they are plain.
    TlsContext tls{};

    int backlog = 4096;  ///< Established connections the kernel holds for accepting; the system may have a lower bound.
    bool reuse_address = true;  ///< SO_REUSEADDR: a port in TIME_WAIT can be bound again.
    bool reuse_port = false;  ///< SO_REUSEPORT towards other processes. Among the engine's reactors it is used anyway.
    bool ipv6_only = false;   ///< For an IPv6 address: no dual stack.

    /// Connections at one time, over all reactors; more are closed as soon as they are accepted, and counted as
    /// refused.
    std::size_t max_connections = 100'000;

    SlowConsumer slow_consumer = SlowConsumer::close;

    /// With `SlowConsumer::wait`: called on a reactor that refuses broadcasts, when its slowest member is down to
    /// the low watermark. The argument is that reactor.
    std::function<void(Reactor&)> on_broadcast_drain{};
};

/// What a server did so far, over all reactors. Read from any thread; each figure is exact, together they may be a
/// moment apart. They survive a restart.
struct ServerCounters {
    std::uint64_t accepted = 0;           ///< Connections ever opened.
    std::uint64_t refused = 0;            ///< Closed at accept: `max_connections`, or no descriptors were left.
    std::uint64_t handshakes_failed = 0;  ///< Accepted, and over before TLS was agreed on.
    std::size_t connections = 0;          ///< Open now, or shaking hands.
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;
    std::size_t bytes_pending = 0;      ///< Over all connections, without broadcasts that are still shared.
    std::chrono::nanoseconds uptime{};  ///< Since `start`; 0 while stopped.
};

/// Everything of a server that does not depend on its handler. Unless said otherwise, any thread may call its
/// functions.
class ServerBase {
public:
    ServerBase(const ServerBase&) = delete;
    ServerBase& operator=(const ServerBase&) = delete;

    /// Binds and listens. Works before the engine is started (connections wait in the backlog) and while it runs.
    /// `Engine::run` does it for servers that are not started. TCP: one listening socket for each reactor. Unix: one,
    /// which deals connections out; a stale socket file is replaced, a live one is not. A host name is looked up on the
    /// calling thread; addresses take no time.
    [[nodiscard]] Status start();

    /// Stops accepting, closes every connection gracefully (reason `shutdown`), removes the Unix socket file, and, on
    /// an application thread, waits until every `on_close` was called: at most `close_timeout` and a little. On a
    /// reactor's thread it returns at once and the rest happens in the loop.
    void stop();

    /// `stop`, then `start` on the same address, also if the system chose the port. Application thread only.
    [[nodiscard]] Status restart();

    /// True between a successful `start` and `stop`.
    [[nodiscard]] bool running() const noexcept;

    /// The address it listens on, with the port the system chose for port 0. Empty while stopped.
    [[nodiscard]] SocketAddress address() const;

    /// The TCP port it listens on; 0 while stopped and for Unix.
    [[nodiscard]] std::uint16_t port() const { return address().port; }

    /// Sends to every connection open on any reactor. The bytes are laid down once for each reactor and shared by its
    /// members. On one thread, its order with other sends is kept. `would_block`: see `SlowConsumer::wait`, or a
    /// mailbox is full; then nobody gets it. `too_large`: larger than half of the engine's `mailbox_bytes`.
    Result broadcast(Bytes bytes);
    Result broadcast(std::string_view text) { return broadcast(as_bytes(text)); }

    /// Sends to the members on one reactor, from that reactor's thread: no mailbox in between.
    Result broadcast_on(Reactor& reactor, Bytes bytes);

    /// Closes every connection gracefully; the server goes on accepting.
    void close_all();

    /// Aborts every connection; the server goes on accepting.
    void abort_all();

    [[nodiscard]] ServerCounters counters() const;

    /// Connections open now.
    [[nodiscard]] std::size_t connections() const noexcept;

    [[nodiscard]] Engine& engine() const noexcept;

    /// Internal: the library's own side of the server.
    class Core;

protected:
    /// `mistake` is one that was made in what is not of these options; `start` tells it.
    ServerBase(Engine& engine, ServerOptions options, detail::HandlerFactory<ConnectionHandler> factory,
               Status mistake = {});

    /// Aborts what is open. On an application thread it waits until every `on_close` was called; on a reactor's thread
    /// it does not, and the connections that are still to be closed answer null to `Connection::server()`.
    ~ServerBase();

private:
    std::shared_ptr<Core> core_;
};

/// A server whose connections are handled by `H`, a `ConnectionHandler` made from copies of `arguments`.
template <class H>
class Server final : public ServerBase {
public:
    template <class... Arguments>
    Server(Engine& engine, ServerOptions options, Arguments&&... arguments) requires detail::MadeFrom<H, Arguments...>
        : ServerBase(engine, std::move(options),
                     detail::HandlerFactory<ConnectionHandler>::of<H>(std::forward<Arguments>(arguments)...)) {}

    /// With callbacks: `Server server{engine, {.endpoint = …}, Callbacks{.on_data = …}}`.
    Server(Engine& engine, ServerOptions options, Callbacks callbacks) requires std::is_same_v<H, CallbackHandler>
        : ServerBase(engine, std::move(options),
                     detail::HandlerFactory<ConnectionHandler>::of<H>(
                         std::make_shared<const Callbacks>(std::move(callbacks)))) {}
};

Server(Engine&, ServerOptions, Callbacks)->Server<CallbackHandler>;

}  // namespace pollux
