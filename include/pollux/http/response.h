// The answer to a request: whole or streamed, now or later.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <pollux/bytes.h>
#include <pollux/connection.h>
#include <pollux/error.h>
#include <pollux/handler.h>
#include <pollux/http/fields.h>
#include <pollux/http/method.h>

namespace pollux::http {

class Exchange;
class Request;
class Response;

/// Names the answer to one request for ever. Any thread may keep one; when the request was answered or its connection
/// is gone, it is stale, and what is asked of it answers `Result::closed`.
struct ResponseId {
    ConnectionId connection;
    std::uint64_t number = 0;  ///< Counts the requests of the connection from 1; 0 names none.

    explicit operator bool() const noexcept { return number != 0; }
    friend bool operator==(ResponseId, ResponseId) = default;
};

/// What a cookie is set with (RFC 6265, 4.1).
struct Cookie {
    enum class SameSite : std::uint8_t { unset, strict, lax, none };

    std::string_view name{};
    std::string_view value{};
    std::string_view path{};
    std::string_view domain{};
    std::optional<std::chrono::seconds> max_age{};  ///< 0 removes it; none lasts as long as the client's session.
    bool secure = false;                            ///< Over TLS only.
    bool http_only = false;                         ///< Out of reach of the page's scripts.
    SameSite same_site = SameSite::unset;
};

/// The user's side of an exchange that takes more than one call: a request's body that is streamed in, an answer that
/// is streamed out. Made for one exchange and destroyed with it. All calls come from the connection's reactor, never
/// nested in each other.
class Stream {
public:
    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    virtual ~Stream() = default;

    /// A part of the body arrived; `bytes` is valid during the call. Not called while receiving is paused.
    virtual void on_body(const Request& /*request*/, Response& /*response*/, Bytes /*bytes*/) {}

    /// The body is complete, and `Request::trailers` are there. Follows `on_request` at once if the request has no
    /// body. Not called if the body was cut off, or was there before the stream was attached.
    virtual void on_body_end(const Request& /*request*/, Response& /*response*/) {}

    /// A `write` was refused, and there is room again.
    virtual void on_drain(Response& /*response*/) {}

    /// The connection ended, or the request turned out to be bad, before the answer was complete.
    virtual void on_abort() {}
};

/// The answer to one request. Whatever is sent, its framing is right: length or chunks, `Date`, `Connection`, no body
/// where there is none (HEAD, 204, 304). An answer goes out once: when it was sent or begun, further ones are refused.
///
/// A handler gets a reference in a callback; later, it is got by its id. Never keep the reference itself. Reactor
/// thread only; nothing here calls a handler before it returns.
class Response {
public:
    Response(const Response&) = delete;
    Response& operator=(const Response&) = delete;

    /// The status code, 200 to 999; 200 unless it is set. Others are taken as 500.
    Response& status(unsigned code) noexcept;
    [[nodiscard]] unsigned status() const noexcept;

    /// Adds a header field. False, and nothing is added, if the name is not a token, if the value has CR, LF, NUL or
    /// another control character in it, if the answer has begun, or if the field is the library's own business:
    /// Content-Length, Transfer-Encoding, Connection, Keep-Alive, Date, Upgrade, Trailer.
    bool header(std::string_view name, std::string_view value);

    /// `header("Content-Type", …)`.
    bool content_type(std::string_view type);

    /// Adds a `Set-Cookie`. False if a part of it has characters that cannot be in there.
    bool cookie(const Cookie& cookie);

    /// Closes the connection when the answer is out, and tells the client so.
    void close_after() noexcept;

    // The whole answer at once. `closed`: it was answered already, or the connection is closing.

    /// With this body, or none. It is copied, or handed to the kernel, before this returns.
    Result send(Bytes body);
    Result send(std::string_view body = {}) { return send(as_bytes(body)); }
    Result send(const char* body) { return send(std::string_view{body}); }

    /// With a body that is kept, not copied, as long as the kernel does not take it.
    Result send(std::string&& body);

    /// With a body that others share: a cache's.
    Result send(std::shared_ptr<const std::string> body);

    /// With `length` bytes of a file from `offset` on, all that follow by default, sent as the client takes them:
    /// straight from the file by the kernel, unless there is TLS. If the file cannot be opened or is shorter, the error
    /// is told and nothing is sent.
    Result send_file(const std::filesystem::path& file, std::error_code& error, std::uint64_t offset = 0,
                     std::optional<std::uint64_t> length = {});

    /// With a status and a line of text that says what it means, as text/plain unless another type was added.
    Result send_error(unsigned code, std::string_view text = {});

    /// To TRACE: what was received, without what could be secret (RFC 9110, 9.3.8: authorisation and cookies).
    Result send_trace(const Request& request);

    // The answer in parts.

    /// Sends the head. With a length, exactly that many bytes are to be written; without, the body is chunked, or
    /// ended by closing for HTTP/1.0.
    Result begin(std::optional<std::uint64_t> content_length = {});

    /// Accepts all of `bytes` or none. `would_block`: too much is waiting; `Stream::on_drain` follows. `too_large`:
    /// more than the length that was told. To HEAD, what is written goes nowhere.
    Result write(Bytes bytes);
    Result write(std::string_view text) { return write(as_bytes(text)); }

    /// The body is complete. `trailers` follow a chunked one and are dropped otherwise. If less than the length was
    /// written, the connection is aborted: the client must not take it for complete.
    Result end(std::span<const Field> trailers = {});

    // An answer that is not given in the callback.

    /// Says that the answer comes later: from a timer, from another callback, or from another thread by
    /// `Server::respond`. A handler that returns without it and without having answered is answered for, with 500.
    ResponseId later() noexcept;

    /// Says that `stream` goes on with this exchange. It implies `later`. One for each exchange: a second one is
    /// dropped.
    ResponseId attach(std::unique_ptr<Stream> stream);

    [[nodiscard]] ResponseId id() const noexcept;

    /// Stops delivering the body; the client is held back by flow control. Its deadlines rest meanwhile.
    void pause_receiving();

    /// Delivers again.
    void resume_receiving();

    /// Answers 101 (with the header fields that were added) to a request that asked to upgrade, and hands the
    /// connection over: `handler` gets `on_open`, then what the client had already sent behind the request, and
    /// everything from then on. `closed`: the request did not ask for `protocol`, has a body, or was answered.
    Result upgrade(std::string_view protocol, std::unique_ptr<ConnectionHandler> handler);

    /// Gives up: the connection is aborted, so that the client sees that the answer is not complete.
    void abort();

    /// True once the head is sent; header fields and status are settled then.
    [[nodiscard]] bool begun() const noexcept;

    /// True once the answer was given completely; what the kernel has not taken yet leaves by itself.
    [[nodiscard]] bool complete() const noexcept;

    [[nodiscard]] Connection& connection() const noexcept;

private:
    friend class Exchange;
    explicit Response(Exchange& exchange) noexcept : exchange_(exchange) {}
    ~Response() = default;

    Exchange& exchange_;
};

}  // namespace pollux::http
