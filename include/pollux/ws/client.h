// A WebSocket client: opens one WebSocket, and opens it again when it is lost if asked to.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <pollux/client.h>
#include <pollux/http/client.h>
#include <pollux/ws/handler.h>
#include <pollux/ws/options.h>

namespace pollux::ws {

/// How a client connects and what it asks for. Checked by `ClientBase::start`.
struct ClientOptions {
    /// `ws://host:port/path?query`, or wss. There must be no `#` in it (RFC 6455, 3).
    std::string url{};

    /// Where to connect to, whatever the URL names, as in "unix:///run/chat.sock". Default: there.
    std::string endpoint{};

    /// For wss: a context made by `TlsContext::client`. Default: one that trusts the authorities that the system
    /// trusts, made with the client, which takes some milliseconds.
    TlsContext tls{};

    ConnectionOptions connection{};
    Options socket{};

    /// Fields of the request beside those that the library makes: `Origin`, `Cookie`, `Authorization`. Those that frame
    /// the message or belong to the handshake are refused.
    std::vector<http::Header> headers{};

    /// The sub-protocols to offer, the best first. A server that chooses one that is not among them is refused.
    std::vector<std::string> protocols{};

    std::chrono::milliseconds connect_timeout{std::chrono::seconds{10}};  ///< For each address of the name.
    std::chrono::milliseconds upgrade_timeout{std::chrono::seconds{10}};  ///< From the request to the end of the head.

    /// Also when the server refuses to upgrade.
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

    /// Closes with 1000 and does not reconnect. On an application thread it waits until `on_close` was called and the
    /// handler is destroyed; on a reactor's thread it returns at once.
    void stop();

    /// Closes with 1000; if reconnecting is enabled, it follows.
    void reconnect();

    /// True while the WebSocket is open.
    [[nodiscard]] bool connected() const noexcept;

    /// The id of the open WebSocket; none otherwise.
    [[nodiscard]] ConnectionId connection_id() const noexcept;

    /// `ws::send`, `ws::ping` and `ws::close` on the open WebSocket; `closed` if there is none.
    Result send(MessageType type, Bytes data);
    Result send(std::string_view text) { return send(MessageType::text, as_bytes(text)); }
    Result send(const char* text) { return send(std::string_view{text}); }
    Result send(Bytes data) { return send(MessageType::binary, data); }
    Result ping(Bytes payload = {});
    Result close(std::uint16_t code = close_code::normal, std::string_view reason = {});

    [[nodiscard]] Engine& engine() const noexcept;

protected:
    ClientBase(Engine& engine, ClientOptions options, detail::HandlerFactory<Handler> factory);

    /// Aborts what is open. Waits for `on_close` on an application thread, as `stop` does.
    ~ClientBase();

private:
    class Link;
    std::unique_ptr<Link> link_;
};

/// A client whose WebSocket is handled by one `H`, made on the reactor's thread from copies of `arguments`.
template <class H>
class Client final : public ClientBase {
public:
    template <class... Arguments>
    Client(Engine& engine, ClientOptions options, Arguments&&... arguments) requires detail::MadeFrom<H, Arguments...>
        : ClientBase(engine, std::move(options),
                     detail::HandlerFactory<Handler>::of<H>(std::forward<Arguments>(arguments)...)) {}

    /// With callbacks: `ws::Client client{engine, {.url = …}, ws::Callbacks{.on_message = …}}`.
    Client(Engine& engine, ClientOptions options, Callbacks callbacks) requires std::is_same_v<H, CallbackHandler>
        : ClientBase(engine, std::move(options),
                     detail::HandlerFactory<Handler>::of<H>(std::make_shared<const Callbacks>(std::move(callbacks)))) {}
};

Client(Engine&, ClientOptions, Callbacks)->Client<CallbackHandler>;

}  // namespace pollux::ws
