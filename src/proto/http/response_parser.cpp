// Parses and checks the answers of one connection, one after the other.
#include "proto/http/response_parser.h"

#include <algorithm>
#include <utility>

#include <pollux/http/method.h>

#include "proto/http/characters.h"

namespace pollux::http {

namespace {

constexpr unsigned switching_protocols = 101;

/// "HTTP/1.1 200", without what may follow: the smallest status line.
constexpr std::size_t min_status_line_bytes = 12;

}  // namespace

ResponseParser::ResponseParser(const Limits& limits) : limits_(limits), message_(MessageParser::Direction::response) {}

void ResponseParser::begin(bool to_head) noexcept {
    kept_.clear();
    scanner_.reset();
    state_ = State::head;
    to_head_ = to_head;
    begun_ = false;
}

ResponseParser::Event ResponseParser::next(Bytes input) {
    switch (state_) {
        case State::head:
            return next_head(input);
        case State::body:
            return next_body(input);
        case State::failed:
            break;
    }
    return {Event::Kind::failed};
}

bool ResponseParser::finish() {
    return state_ == State::body && message_.finish();
}

/// Keeps as much of the input as could still be within the limit, and a byte to see that it is not.
void ResponseParser::keep(Bytes input) {
    kept_.append(as_text(input.first(std::min(input.size(), limits_.max_head_bytes + 1 - kept_.size()))));
}

// Heads.

ResponseParser::Event ResponseParser::next_head(Bytes input) {
    std::size_t consumed = 0;
    while (consumed < input.size()) {
        begun_ = true;
        const std::size_t kept_before = kept_.size();
        if (kept_before != 0) keep(input.subspan(consumed));
        const std::string_view all = kept_before != 0 ? std::string_view{kept_} : as_text(input.subspan(consumed));
        const std::string_view text = all.substr(0, limits_.max_head_bytes + 1);
        const HeadScanner::Outcome outcome = scanner_.scan(text);
        if (outcome == HeadScanner::Outcome::incomplete) {
            if (text.size() > limits_.max_head_bytes) return fail(true);
            if (kept_before == 0) keep(input.subspan(consumed));
            return {Event::Kind::more, input.size()};
        }
        if (outcome != HeadScanner::Outcome::complete) return fail();
        if (scanner_.size() > limits_.max_head_bytes) return fail(true);
        consumed += scanner_.size() - kept_before;
        if (!parse_head(text.substr(0, scanner_.size()))) {
            return fail(message_.failure() == MessageParser::Failure::too_many_fields);
        }
        if (status_ >= 200 || status_ == switching_protocols) {
            state_ = State::body;
            return {Event::Kind::head, consumed};
        }
        kept_.clear();
        scanner_.reset();
    }
    return {Event::Kind::more, consumed};
}

bool ResponseParser::parse_head(std::string_view head) {
    head_ = head.data();
    if (!parse_status_line(head.substr(0, scanner_.first_line() - 2))) return false;
    const bool has_body = !to_head_ && status_has_body(status_);
    const MessageParser::Limits limits{.max_fields = limits_.max_fields, .max_trailer_bytes = limits_.max_head_bytes};
    const auto body = has_body ? MessageParser::Body::as_told : MessageParser::Body::none;
    if (!message_.parse_head(head, limits, body) || !check_framing()) return false;
    // Whatever else is in the list, or in another one (RFC 9112, 9.3).
    keep_alive_ = message_.keep_alive() && !headers().has_token("Connection", "close");
    return true;
}

/// RFC 9112, 4. The blank before a reason that is not there is often forgotten.
bool ResponseParser::parse_status_line(std::string_view line) noexcept {
    if (line.size() < min_status_line_bytes || !line.starts_with("HTTP/1.") || line[8] != ' ') return false;
    if (line[7] != '0' && line[7] != '1') return false;
    if (line.size() > min_status_line_bytes && line[min_status_line_bytes] != ' ') return false;
    status_ = 0;
    for (const char digit : line.substr(9, 3)) {
        if (!is_digit(digit)) return false;
        status_ = status_ * 10 + static_cast<unsigned>(digit - '0');
    }
    minor_version_ = static_cast<unsigned>(line[7] - '0');
    reason_ = line.substr(std::min(line.size(), min_status_line_bytes + 1));
    return status_ >= 100;
}

/// One way to tell the length of the body, and one that is understood. llhttp sees to the rest.
bool ResponseParser::check_framing() const noexcept {
    const Fields fields = headers();
    const std::size_t codings = fields.count("Transfer-Encoding");
    if (codings == 0) return true;
    return codings == 1 && minor_version_ == 1 && !fields.contains("Content-Length") &&
           same_name(*fields.find("Transfer-Encoding"), "chunked");
}

// Bodies.

ResponseParser::Event ResponseParser::next_body(Bytes input) {
    if (std::exchange(head_, nullptr) != nullptr) kept_.clear();
    const std::size_t kept_before = kept_.size();  // trailers; all else is done with where it lies
    if (kept_before != 0) keep(input);
    const MessageParser::Event event = message_.next(kept_before != 0 ? as_bytes(kept_) : input);
    switch (event.kind) {
        case MessageParser::Event::Kind::body:
            return {Event::Kind::body, event.consumed, event.body};
        case MessageParser::Event::Kind::end:
            return {Event::Kind::end, event.consumed - kept_before};
        case MessageParser::Event::Kind::failed:
            return fail(message_.failure() != MessageParser::Failure::bad_message);
        case MessageParser::Event::Kind::more:
            break;
    }
    if (kept_before == 0) keep(input.subspan(event.consumed));
    return {Event::Kind::more, input.size()};
}

ResponseParser::Event ResponseParser::fail(bool too_large) noexcept {
    state_ = State::failed;
    too_large_ = too_large;
    return {Event::Kind::failed};
}

}  // namespace pollux::http
