// Parses and checks one request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <pollux/detail/request_head.h>

#include "proto/http/message_parser.h"

namespace pollux::http {

/// Why a request is refused: the status of the answer and a text for logs in static storage. 0: it is not.
struct Refusal {
    unsigned status = 0;
    const char* why = "";

    explicit operator bool() const noexcept { return status != 0; }
};

/// On top of llhttp it enforces what makes a request mean the same to everybody on its way (RFC 9112, 3 and 6): a
/// request line of exactly three parts, a target that is one, one valid `Host`, one way to tell the length of the body.
class RequestParser {
public:
    RequestParser() noexcept : message_(MessageParser::Direction::request) {}

    /// Parses a whole head, as `HeadScanner` found it; `first_line` is the size of its first line with the CRLF.
    [[nodiscard]] Refusal parse(std::string_view head, std::size_t first_line, const MessageParser::Limits& limits,
                                RequestHead& out);

    /// The body behind the head. Trailers that would frame or route the message are refused (RFC 9110, 6.5.1).
    [[nodiscard]] MessageParser::Event next(Bytes input);

    /// Why `next` failed.
    [[nodiscard]] Refusal body_refusal() const noexcept;

    [[nodiscard]] const MessageParser& message() const noexcept { return message_; }

private:
    [[nodiscard]] Refusal check_fields(std::string_view head, RequestHead& out);
    [[nodiscard]] bool is_good_host(std::string_view host);

    MessageParser message_;
    std::string known_host_;  // the last one that was good
    bool bad_trailers_ = false;
};

/// Takes the request line apart. `line` is without its CRLF.
[[nodiscard]] Refusal parse_request_line(std::string_view line, RequestHead& out) noexcept;

/// False for a field that must not come as a trailer, because it frames or routes a message or says what its body is
/// (RFC 9110, 6.5.1).
[[nodiscard]] bool may_trail(std::string_view name) noexcept;

/// True for a host with or without a port, as in `Host` (RFC 9110, 7.2).
[[nodiscard]] bool is_host(std::string_view text) noexcept;

}  // namespace pollux::http
