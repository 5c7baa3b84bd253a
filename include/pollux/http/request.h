// A request as a server received it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <pollux/bytes.h>
#include <pollux/connection.h>
#include <pollux/detail/request_head.h>
#include <pollux/http/fields.h>
#include <pollux/http/method.h>

namespace pollux::http {

class Exchange;

/// A request. It was checked against RFC 9112 before a handler sees it: one valid `Host` (HTTP/1.1), one way of telling
/// the body's length, no control characters.
///
/// Valid during the callback that it is given to, and so is everything it shows: whoever answers later copies what is
/// needed for that. Reactor thread only.
class Request {
public:
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    [[nodiscard]] Method method() const noexcept { return head_.method; }

    /// The method as it was sent, which tells `Method::other` apart.
    [[nodiscard]] std::string_view method_name() const noexcept { return head_.method_name; }

    /// What stands between method and version, as it was sent: a path with a query, an absolute URI, or `*`.
    [[nodiscard]] std::string_view target() const noexcept { return head_.target; }

    /// The path as it was sent, without the query; `*` for `OPTIONS *`, `/` for an absolute URI without a path.
    [[nodiscard]] std::string_view raw_path() const noexcept { return head_.path; }

    /// The path, percent-decoded. Decoding can make a `/` out of `%2F`: whoever splits it into segments should let a
    /// `Router` do it, which splits first. It may have `..` in it.
    [[nodiscard]] std::string_view path() const;

    /// What follows the first `?`, as it was sent; empty if nothing does.
    [[nodiscard]] std::string_view raw_query() const noexcept { return head_.query; }

    /// The value of the first parameter of that name in the query, decoded (`+` is a space, as forms send it); none if
    /// there is none or it cannot be decoded.
    [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const;

    /// All parameters of the query, decoded, in order. Those that cannot be decoded are left out.
    [[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> query_parameters() const;

    /// What `:name` or `*name` of the route's pattern stands for, decoded; empty if the pattern has no such name.
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept;

    /// Whom it is for: the authority of an absolute URI, else `Host`. Empty if HTTP/1.0 told none.
    [[nodiscard]] std::string_view host() const noexcept { return head_.authority; }

    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    [[nodiscard]] unsigned minor_version() const noexcept { return head_.minor_version; }

    [[nodiscard]] const Fields& headers() const noexcept { return headers_; }

    /// The value of the first header field of that name; none if there is none.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept {
        return headers_.find(name);
    }

    /// The value of a cookie (RFC 6265, 4.2); none if the client sent none of that name.
    [[nodiscard]] std::optional<std::string_view> cookie(std::string_view name) const noexcept;

    /// The whole body; empty if it has none or if it is streamed.
    [[nodiscard]] Bytes body() const noexcept { return body_; }
    [[nodiscard]] std::string_view text() const noexcept { return as_text(body_); }

    /// How long the body is or, of a chunked one, none.
    [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept { return content_length_; }

    /// Fields that came behind a chunked body; empty before that is complete. Those that frame or route a message were
    /// refused (RFC 9110, 6.5.1).
    [[nodiscard]] const Fields& trailers() const noexcept { return trailers_; }

    /// The connection it came on: peer address, TLS facts, id, reactor. Sending on it or closing it is the response's
    /// business.
    [[nodiscard]] Connection& connection() const noexcept { return *connection_; }
    [[nodiscard]] SocketAddress peer_address() const { return connection_->peer_address(); }
    [[nodiscard]] bool is_secure() const noexcept { return connection_->is_secure(); }

private:
    friend class Exchange;
    friend class RouterHandler;

    struct Parameter {
        std::string_view name;
        std::string_view value;
    };

    Request() = default;
    ~Request() = default;

    Exchange* exchange_ = nullptr;
    Connection* connection_ = nullptr;
    RequestHead head_;
    mutable std::optional<std::string_view> path_;
    std::optional<std::uint64_t> content_length_;
    Fields headers_;
    Fields trailers_;
    Bytes body_;
    std::vector<Parameter> parameters_;
};

}  // namespace pollux::http
