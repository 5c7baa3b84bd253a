// A client: opens one connection, and opens it again when it is lost if asked to.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <pollux/engine.h>
#include <pollux/handler.h>
#include <pollux/options.h>

namespace pollux {

/// Whether and how a lost or failed connection is tried again. The delay before attempt n is
/// `delay * growth^(n-1)`, at most `max_delay`, changed by up to ±`jitter` of itself by chance, so that a thousand
/// clients of a restarted server do not come back in the same millisecond.
struct Reconnect {
    bool enabled = false;
    std::chrono::milliseconds delay{std::chrono::seconds{1}};
    double growth = 2.0;
    std::chrono::milliseconds max_delay{std::chrono::seconds{30}};
    double jitter = 0.2;        ///< 0 to 1.
    unsigned max_attempts = 0;  ///< Attempts in a row that may fail before giving up; 0 for no bound.
};

/// How a client connects. Checked by `ClientBase::start`.
struct ClientOptions {
    std::string endpoint{};  ///< See `Endpoint`. Names are resolved on a thread of their own, never on a reactor.
    ConnectionOptions connection{};

    /// Encrypts the connection: a context made by `TlsContext::client`. Default: it is plain.
    TlsContext tls{};

    /// The name that the server's certificate must have, and that it is asked for (SNI). Default: the endpoint's host,
    /// which may be an IP address (then nothing is asked for). A Unix endpoint has none, so with
    /// `TlsVerification::full` it must be given.
    std::string server_name{};

    std::chrono::milliseconds connect_timeout{std::chrono::seconds{10}};  ///< For each address of the name.
    Reconnect reconnect{};
    std::optional<std::size_t> reactor{};  ///< Where it lives; unset for each in turn.
};

/// Everything of a client that does not depend on its handler. Unless said otherwise, any thread may call its
/// functions.
class ClientBase {
public:
    ClientBase(const ClientBase&) = delete;
    ClientBase& operator=(const ClientBase&) = delete;

    /// Begins to connect; the handler hears the outcome. May be called before the engine starts, and again after
    /// `stop`. The status tells mistakes in the options only.
    [[nodiscard]] Status start();

    /// Closes gracefully and does not reconnect. On an application thread it waits until `on_close` was called and the
    /// handler is destroyed; on a reactor's thread it returns at once.
    void stop();

    /// Closes the connection gracefully; if reconnecting is enabled, it follows.
    void reconnect();

    /// True while a connection is established.
    [[nodiscard]] bool connected() const noexcept;

    /// The id of the established connection; none otherwise.
    [[nodiscard]] ConnectionId connection_id() const noexcept;

    /// Sends on the established connection, as `Engine::send` does; `closed` if there is none.
    Result send(Bytes bytes);
    Result send(std::string_view text) { return send(as_bytes(text)); }

    [[nodiscard]] Engine& engine() const noexcept;

    /// Internal: the library's own side of the client.
    class Core;

protected:
    /// When an attempt to connect has succeeded.
    enum class Success : std::uint8_t {
        connected,  ///< As soon as the handler's `on_open` is called.
        confirmed,  ///< When the handler says so: it shakes hands first. A connection that ends before has failed.
    };

    ClientBase(Engine& engine, ClientOptions options, detail::HandlerFactory<ConnectionHandler> factory,
               Success success = Success::connected);

    /// Aborts what is open. Waits for `on_close` on an application thread, as `stop` does.
    ~ClientBase();

private:
    std::shared_ptr<Core> core_;
};

/// A client whose connection is handled by one `H`, made on the reactor's thread from copies of `arguments`.
template <class H>
class Client final : public ClientBase {
public:
    template <class... Arguments>
    Client(Engine& engine, ClientOptions options, Arguments&&... arguments) requires detail::MadeFrom<H, Arguments...>
        : ClientBase(engine, std::move(options),
                     detail::HandlerFactory<ConnectionHandler>::of<H>(std::forward<Arguments>(arguments)...)) {}

    /// With callbacks: `Client client{engine, {.endpoint = …}, Callbacks{.on_data = …}}`.
    Client(Engine& engine, ClientOptions options, Callbacks callbacks) requires std::is_same_v<H, CallbackHandler>
        : ClientBase(engine, std::move(options),
                     detail::HandlerFactory<ConnectionHandler>::of<H>(
                         std::make_shared<const Callbacks>(std::move(callbacks)))) {}
};

Client(Engine&, ClientOptions, Callbacks)->Client<CallbackHandler>;

}  // namespace pollux
