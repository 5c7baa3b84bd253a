// Errors: what a call answers, why a connection ended, and start-up mistakes that name the thing and the value.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace pollux {

/// What became of something handed over: bytes to send, a task to post, a connection to close.
/// Nothing is ever accepted in part: `ok` means all of it, every other value means none of it.
enum class Result : std::uint8_t {
    ok,           ///< Accepted.
    would_block,  ///< No room now (watermark or mailbox); try again after `on_drain` or a little later.
    closed,       ///< The connection, server or engine is closed or closing, or the id is stale.
    too_large,    ///< Larger than the limit that would have to hold it; it can never be accepted.
    wrong_peer,   ///< UDP: `send` on a socket that is not connected, or `send_to` on one connected to somebody else.
};

/// The name of a `Result`, for logs. Static storage.
[[nodiscard]] std::string_view to_string(Result result) noexcept;

/// Why a connection ended. Given to `ConnectionHandler::on_close` together with the system's error, if there was one.
enum class CloseReason : std::uint8_t {
    none,               ///< Not closed.
    peer_closed,        ///< The peer closed first, in order.
    local_close,        ///< `close()` was called, and everything pending was handed to the kernel.
    aborted,            ///< `abort()` was called.
    peer_reset,         ///< The peer reset the connection (ECONNRESET, EPIPE).
    connect_timeout,    ///< The connection was not established in time.
    handshake_timeout,  ///< The TLS or protocol handshake was not finished in time.
    idle_timeout,       ///< Nothing was received or sent for `idle_timeout`; WebSocket: no message.
    ping_timeout,       ///< WebSocket: the peer did not answer pings.
    close_timeout,      ///< A graceful close did not finish within `close_timeout`; what was pending is lost.
    protocol_error,     ///< The peer broke the protocol.
    tls_error,          ///< TLS failed: `error` tells OpenSSL's reason or what is wrong with the certificate.
    tls_truncated,      ///< The peer's stream ended without TLS's close_notify: what it sent may have been cut off.
    slow_consumer,      ///< The peer did not read, and pending bytes passed `max_pending_bytes`.
    limit,              ///< A limit of the server was reached.
    shutdown,           ///< The server or the engine is stopping.
    system_error,       ///< The operating system reported any other error.
};

/// The name of a `CloseReason`, for logs. Static storage.
[[nodiscard]] std::string_view to_string(CloseReason reason) noexcept;

/// Errors for which the operating system has no number. Comparable with `std::error_code`.
enum class Errc : int {
    invalid_endpoint = 1,  ///< An endpoint could not be parsed.
    invalid_option,        ///< An option has a value that makes no sense.
    name_not_resolved,     ///< A host name has no address.
    already_started,       ///< `start()` on something that runs.
    stopped,               ///< The engine, server or client is stopped.
    wrong_thread,          ///< A waiting call was made on a reactor's thread.
    closed_by_peer,        ///< The peer closed before the operation was complete.
    timed_out,             ///< A deadline passed.
    too_large,             ///< Larger than a limit.
    cancelled,             ///< Given up because its owner was stopped or destroyed.
    self_connect,          ///< A TCP client was connected to its own socket: nobody listens on that port.
    invalid_url,           ///< HTTP: a URL could not be parsed, or has a scheme that is neither http nor https.
    invalid_request,       ///< HTTP: a request cannot be sent as it is; its method, a header field or its body.
    protocol_error,        ///< The peer broke the protocol.
    too_many_requests,     ///< HTTP: as many requests wait or are under way as may.
    too_many_redirects,    ///< HTTP: redirects went on beyond the limit.
    insecure_redirect,     ///< HTTP: a redirect led from https to http.
    upgrade_refused,       ///< WebSocket: the server did not switch protocols, or not as RFC 6455 wants it.
};

/// The category of `Errc`. Any thread.
[[nodiscard]] const std::error_category& error_category() noexcept;

/// Lets an `Errc` be assigned to and compared with `std::error_code`.
[[nodiscard]] std::error_code make_error_code(Errc error) noexcept;

/// The outcome of starting something: success, or an error code and a sentence that names the thing and the value,
/// as in "cannot listen on tcp://127.0.0.1:80: Permission denied". Converts to true on success.
class Status {
public:
    /// Success.
    Status() noexcept = default;

    /// A failure. `what` names the thing and the value; the error's own text is appended to it by `message()`.
    Status(std::error_code error, std::string what) : error_(error), what_(std::move(what)) {}

    /// True on success.
    [[nodiscard]] bool ok() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return ok(); }

    /// The error code; empty on success.
    [[nodiscard]] std::error_code error() const noexcept { return error_; }

    /// The whole sentence; "ok" on success.
    [[nodiscard]] std::string message() const;

private:
    std::error_code error_;
    std::string what_;
};

/// Writes `status.message()`.
std::ostream& operator<<(std::ostream& out, const Status& status);

}  // namespace pollux

template <>
struct std::is_error_code_enum<pollux::Errc> : std::true_type {};
