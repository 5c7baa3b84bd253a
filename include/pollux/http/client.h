// An HTTP/1.1 client over TCP, TLS and Unix-domain sockets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pollux/engine.h>
#include <pollux/http/fields.h>
#include <pollux/http/method.h>
#include <pollux/options.h>
#include <pollux/tls.h>

namespace pollux::http {

/// A field line that owns its text.
struct Header {
    std::string name{};
    std::string value{};

    friend bool operator==(const Header&, const Header&) = default;
};

/// The value of the first of `headers` with that name, without case; none if there is none.
[[nodiscard]] std::optional<std::string_view> find_header(std::span<const Header> headers,
                                                          std::string_view name) noexcept;

/// How an HTTP client behaves. Every limit and every deadline is on by default. Mistakes are told by `Client::status`.
struct ClientOptions {
    /// Where every request goes, whatever host its URL names, as in "unix:///run/app.sock". Default: to that host.
    std::string endpoint{};

    /// For https: a context made by `TlsContext::client`, which verifies servers unless told otherwise. Default: one
    /// that trusts the authorities that the system trusts, made when the first https request is sent: that takes some
    /// milliseconds of the calling thread, or of the reactor's if a redirect leads there.
    TlsContext tls{};

    ConnectionOptions connection{};
    std::optional<std::size_t> reactor{};  ///< Where it lives with all its connections; unset for each in turn.

    std::chrono::milliseconds connect_timeout{std::chrono::seconds{10}};  ///< For each address of a name; not 0.

    /// From when all of a request was handed to its connection to the end of the answer's head. Here and below 0 means
    /// never.
    std::chrono::milliseconds header_timeout{std::chrono::seconds{30}};

    /// For all of it: waiting, connecting, redirects, the whole answer. A request may have one of its own.
    std::chrono::milliseconds timeout{std::chrono::seconds{60}};

    std::size_t max_connections_per_host = 6;  ///< Of one scheme, host and port; further requests wait.
    std::size_t max_idle_connections = 32;     ///< Of all hosts; beyond, what was used longest ago is closed.
    std::size_t max_requests = 10'000;         ///< That wait or are under way; beyond: `Errc::too_many_requests`.

    /// How long a connection is kept for the next request. Shorter than servers usually keep theirs.
    std::chrono::milliseconds keep_alive_timeout{std::chrono::seconds{4}};

    /// Requests of one connection that may be under way at one time. Above 1, idempotent ones with a whole body are
    /// sent without waiting for the answers before (RFC 9112, 9.3.2), where all connections of a host are busy and the
    /// server has shown that it keeps connections open.
    std::size_t pipeline_depth = 1;

    /// Redirects that one request follows; beyond: `Errc::too_many_redirects`. 0 hands them to the caller like any
    /// other answer. 303 becomes GET, as 301 and 302 do for POST. `Authorization`, `Cookie` and `Host` are not sent on
    /// to another origin. What cannot be followed is handed to the caller too: other schemes, and a streamed body that
    /// would have to be sent again.
    unsigned max_redirects = 10;

    /// Follows redirects from https to http, which everybody on the way can read; else: `Errc::insecure_redirect`.
    bool allow_insecure_redirects = false;

    std::size_t max_header_bytes = 64 * 1024;            ///< Status line and fields of an answer; beyond: `too_large`.
    std::size_t max_headers = 200;                       ///< Fields, and trailer fields; beyond: `too_large`.
    std::uint64_t max_body_bytes = 64ULL * 1024 * 1024;  ///< Of answers that are collected; beyond: `too_large`.

    /// The value of the `User-Agent` field of requests that have none; none if empty.
    std::string user_agent{};
};

/// A request as it is to be sent. `Host` and the body's framing are the library's business.
struct ClientRequest {
    /// The name, which has case; any token but CONNECT (RFC 9110, 9.1).
    std::string method = "GET";

    /// `http://host:port/path?query` or https. What is behind a `#` is not sent. OPTIONS of a URL without a path asks
    /// about the whole server, `*`.
    std::string url{};

    /// Fields beside those that the library makes: Content-Length, Transfer-Encoding, Connection, Keep-Alive, Upgrade,
    /// TE and Trailer are refused. `Host` takes the place of the URL's.
    std::vector<Header> headers{};

    std::string body{};

    /// The body comes from the handler instead, by `ClientExchange::write`.
    bool streamed = false;

    /// Of a streamed body: exactly that many bytes are to be written. None: it is chunked.
    std::optional<std::uint64_t> content_length{};

    // In the place of what the client's options say.

    std::optional<std::chrono::milliseconds> timeout{};
    std::optional<unsigned> max_redirects{};

    /// Of the answer. For a handler there is no limit unless this sets one.
    std::optional<std::uint64_t> max_body_bytes{};
};

/// An answer, or why there is none.
struct ClientResponse {
    std::error_code error{};  ///< If set, nothing else is.
    unsigned status = 0;      ///< 200 to 999.
    unsigned minor_version = 1;
    std::string reason{};  ///< As the server put it; may be empty.
    std::vector<Header> headers{};
    std::string body{};
    std::vector<Header> trailers{};
    std::string url{};  ///< Where it came from: where redirects led to.

    /// True if there is an answer, whatever its status says.
    explicit operator bool() const noexcept { return !error; }

    /// The value of the first header field of that name; none if there is none.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept {
        return find_header(headers, name);
    }
};

/// The head of an answer as it came in. Valid during the callback that it is given to, and so is all it shows.
struct ResponseHead {
    unsigned status = 0;
    unsigned minor_version = 1;
    std::string_view reason;
    Fields headers;
    std::optional<std::uint64_t> content_length;  ///< What the field tells, also to HEAD; none if it is not there.
    std::string_view url;                         ///< Where it came from.
};

/// Names a request of one client for ever. Any thread may keep one; when the request is over, it is stale, and what is
/// asked of it does nothing.
struct RequestId {
    std::uint64_t value = 0;  ///< 0 names none.

    explicit operator bool() const noexcept { return value != 0; }
    friend bool operator==(RequestId, RequestId) = default;
};

/// A request that is under way. A handler gets a reference in a callback; later, it is got by its id. Never keep the
/// reference itself. Reactor thread only; nothing here calls a handler before it returns.
class ClientExchange {
public:
    ClientExchange(const ClientExchange&) = delete;
    ClientExchange& operator=(const ClientExchange&) = delete;

    [[nodiscard]] RequestId id() const noexcept;

    /// Accepts all of `bytes` for a streamed body, or none. They are copied, or handed to the kernel, before it
    /// returns. `would_block`: the request waits for a connection, or too much waits on it; `on_drain` follows.
    /// `too_large`: more than the length that was told, or than `ConnectionOptions::max_pending_bytes`. `closed`: the
    /// body is complete or not a streamed one, or the connection is closing.
    Result write(Bytes bytes);
    Result write(std::string_view text) { return write(as_bytes(text)); }

    /// The streamed body is complete. `trailers` follow a chunked one and are dropped otherwise. The request fails with
    /// `Errc::invalid_request` if less than the length was written, or if a trailer cannot be sent: the server must not
    /// take it for complete. `closed`: as with `write`.
    Result end(std::span<const Field> trailers = {});

    /// Stops delivering the answer; the server is held back by flow control. The deadline for all of it goes on.
    void pause_receiving();

    /// Delivers again.
    void resume_receiving();

    /// Gives up: `on_error` follows with `Errc::cancelled`, from the loop.
    void cancel();

protected:
    ClientExchange() = default;
    ~ClientExchange() = default;
};

/// The user's side of one request. Made for it and destroyed after `on_end` or `on_error`. All callbacks run on the
/// client's reactor, one at a time and never nested in each other, and must not throw or block. They may send further
/// requests, cancel this one or others, and destroy the client.
class ClientHandler {
public:
    ClientHandler() = default;
    ClientHandler(const ClientHandler&) = delete;
    ClientHandler& operator=(const ClientHandler&) = delete;
    virtual ~ClientHandler() = default;

    /// The head of the answer, once. Interim answers (1xx) and redirects that are followed are not told.
    virtual void on_head(ClientExchange& /*exchange*/, const ResponseHead& /*head*/) {}

    /// A part of the answer's body; `bytes` is valid during the call. Not called while receiving is paused.
    virtual void on_body(ClientExchange& /*exchange*/, Bytes /*bytes*/) {}

    /// The streamed body can be written: when the request's head is on its way, and again when a `write` was refused
    /// and there is room.
    virtual void on_drain(ClientExchange& /*exchange*/) {}

    /// The answer is complete. Last. `trailers` came behind a chunked body; valid during the call.
    virtual void on_end(const Fields& /*trailers*/) {}

    /// There is no answer, or not all of it. Last.
    virtual void on_error(std::error_code /*error*/) {}
};

/// What a client did so far, and does now. Read from any thread; each figure is exact, together they may be a moment
/// apart.
struct ClientCounters {
    std::uint64_t connections_opened = 0;  ///< Ever.
    std::uint64_t retries = 0;             ///< Requests sent again because a connection had turned out to be dead.
    std::size_t connections = 0;           ///< Open or connecting.
    std::size_t idle_connections = 0;      ///< Of these, kept for the next request.
    std::size_t requests = 0;              ///< Waiting or under way.
};

/// Sends requests to any host and keeps connections for the next ones. All of it happens on one reactor, where the
/// callbacks are called; its functions are for any thread. Each request has exactly one outcome, told from the loop and
/// never before the function has returned. While the engine has not started, requests wait; once it has stopped, they
/// fail with `Errc::stopped`, on the calling thread.
///
/// A request that can be repeated (RFC 9110, 9.2.2) is sent again on another connection if the one that was kept for it
/// turns out to be closed before a byte of the answer came.
class Client {
public:
    using Callback = std::function<void(ClientResponse)>;

    explicit Client(Engine& engine, ClientOptions options = {});

    /// Cancels what is under way. On an application thread it waits until every outcome was told; on a reactor's thread
    /// that happens in the loop.
    ~Client();

    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Mistakes in the options: with any, every request fails with `Errc::invalid_option`.
    [[nodiscard]] Status status() const;

    /// For application threads, which may wait for it: a reactor that did would wait for itself. The response tells
    /// errors; no exception is kept in the future.
    [[nodiscard]] std::future<ClientResponse> send(ClientRequest request);

    /// The whole answer is collected and given to `callback`.
    RequestId send(ClientRequest request, Callback callback);

    /// The answer is given to `handler` as it comes, and a streamed body taken from it.
    RequestId send(ClientRequest request, std::unique_ptr<ClientHandler> handler);

    // Shorter, for application threads.

    [[nodiscard]] std::future<ClientResponse> get(std::string url);
    [[nodiscard]] std::future<ClientResponse> head(std::string url);
    [[nodiscard]] std::future<ClientResponse> del(std::string url);
    [[nodiscard]] std::future<ClientResponse> options(std::string url);
    [[nodiscard]] std::future<ClientResponse> trace(std::string url);
    [[nodiscard]] std::future<ClientResponse> post(std::string url, std::string body, std::string content_type = {});
    [[nodiscard]] std::future<ClientResponse> put(std::string url, std::string body, std::string content_type = {});
    [[nodiscard]] std::future<ClientResponse> patch(std::string url, std::string body, std::string content_type = {});

    /// Gives a request up: its outcome is `Errc::cancelled`, unless it is over by then.
    void cancel(RequestId id);

    /// Calls `work` with the exchange of a request, from the loop of its reactor; not at all if the id is stale by
    /// then.
    void access(RequestId id, std::function<void(ClientExchange&)> work);

    [[nodiscard]] ClientCounters counters() const;

    /// Where it lives.
    [[nodiscard]] Reactor& reactor() const noexcept;

    /// Internal: the library's own side of the client.
    class Core;

private:
    std::shared_ptr<Core> core_;
};

}  // namespace pollux::http
