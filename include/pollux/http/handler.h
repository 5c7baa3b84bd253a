// What the user of an HTTP server implements.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <pollux/connection.h>
#include <pollux/error.h>
#include <pollux/http/request.h>
#include <pollux/http/response.h>

namespace pollux::http {

/// How a request's body is wanted.
enum class BodyMode : std::uint8_t {
    whole,     ///< `on_request` is called when it is complete, with all of it.
    streamed,  ///< `on_request` is called before it; a `Stream` that is attached there gets it in parts.
};

/// What holds for the body of one request.
struct BodyRules {
    BodyMode mode = BodyMode::whole;
    std::optional<std::uint64_t> max_bytes{};  ///< In the place of `Options::max_body_bytes`.
};

/// The user's side of an HTTP connection. A server makes one for each connection and destroys it after `on_close`, so
/// its members are the connection's state. All callbacks of one object run on one reactor's thread, one at a time and
/// never nested in each other, and must not throw or block. Whoever wants functions by method and path has them in a
/// `Router`.
class Handler {
public:
    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    virtual ~Handler() = default;

    /// A request is there, with its body unless that is streamed. Answer it, or call `Response::later` or
    /// `Response::attach`. Requests of a connection come one after the other: the next one when the answer to this one
    /// is complete.
    virtual void on_request(const Request& request, Response& response) = 0;

    /// The head of a request that has a body: how is the body wanted? A body that is known to be too long is answered
    /// with 413 before it is sent.
    virtual BodyRules on_head(const Request& /*request*/) { return {}; }

    /// A request was answered with `status` in the place of the handler, and the connection is being closed: it was bad
    /// or beyond a limit (4xx, 501, 505), most often before it could reach `on_request`, or its answer was not begun in
    /// time (503). `why` is for logs.
    virtual void on_refused(Connection& /*connection*/, unsigned /*status*/, std::string_view /*why*/) {}

    /// The connection is established, with TLS after the handshake.
    virtual void on_open(Connection& /*connection*/) {}

    /// The connection is over. Last, and once for each `on_open`. An answer that was due is not wanted any more.
    virtual void on_close(Connection& /*connection*/, CloseReason /*reason*/, std::error_code /*error*/) {}
};

}  // namespace pollux::http
