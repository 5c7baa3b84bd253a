// The answer to a request, as handlers see it.
#include <pollux/http/response.h>

#include <array>

#include "http/exchange.h"
#include "http/session.h"
#include "proto/http/characters.h"
#include "proto/http/cookie.h"

namespace pollux::http {

namespace {

/// Fields that frame the answer or say what becomes of the connection: they have to agree with what is done.
bool is_own_field(std::string_view name) noexcept {
    switch (name.size()) {
        case 4:
            return same_name(name, "Date");
        case 7:
            return same_name(name, "Upgrade") || same_name(name, "Trailer");
        case 10:
            return same_name(name, "Connection") || same_name(name, "Keep-Alive");
        case 14:
            return same_name(name, "Content-Length");
        case 17:
            return same_name(name, "Transfer-Encoding");
        default:
            return false;
    }
}

/// Fields of a request that its echo should not tell (RFC 9110, 9.3.8).
bool is_secret(std::string_view name) noexcept {
    return same_name(name, "Authorization") || same_name(name, "Proxy-Authorization") || same_name(name, "Cookie");
}

}  // namespace

Response& Response::status(unsigned code) noexcept {
    exchange_.set_status(code);
    return *this;
}

unsigned Response::status() const noexcept {
    return exchange_.status();
}

bool Response::header(std::string_view name, std::string_view value) {
    return !is_own_field(name) && exchange_.add_field(name, value);
}

bool Response::content_type(std::string_view type) {
    return exchange_.add_content_type(type);
}

bool Response::cookie(const Cookie& cookie) {
    const std::optional<std::string> value = set_cookie_value(cookie);
    return value && exchange_.add_field("Set-Cookie", *value);
}

void Response::close_after() noexcept {
    exchange_.close_after();
}

Result Response::send(Bytes body) {
    return exchange_.send(body);
}

Result Response::send(std::string&& body) {
    return exchange_.send(std::move(body));
}

Result Response::send(std::shared_ptr<const std::string> body) {
    return exchange_.send(std::move(body));
}

Result Response::send_file(const std::filesystem::path& file, std::error_code& error, std::uint64_t offset,
                           std::optional<std::uint64_t> length) {
    platform::File opened = platform::File::open(file, error);
    platform::FileFacts facts;
    if (!opened.is_open() || !opened.facts(facts, error)) return Result::closed;
    if (offset > facts.size || length.value_or(0) > facts.size - offset) {
        error = make_error_code(Errc::too_large);
        return Result::closed;
    }
    return exchange_.send_file(std::move(opened), offset, length.value_or(facts.size - offset));
}

Result Response::send_error(unsigned code, std::string_view text) {
    if (begun()) return Result::closed;
    status(code);
    if (!exchange_.has_content_type()) content_type("text/plain; charset=utf-8");
    if (!text.empty()) return send(text);
    return send(exchange_.arena().join(reason_phrase(exchange_.status()), "\n"));
}

Result Response::send_trace(const Request& request) {
    if (begun()) return Result::closed;
    std::size_t size =
        request.method_name().size() + request.target().size() + std::string_view{"  HTTP/1.1\r\n\r\n"}.size();
    for (const Field field : request.headers()) size += field.name.size() + field.value.size() + 4;
    char* const memory = exchange_.arena().allocate(size);
    HeadWriter out{memory};
    out.text(request.method_name());
    out.text(" ");
    out.text(request.target());
    out.text(request.minor_version() == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    for (const Field field : request.headers()) {
        if (!is_secret(field.name)) out.field(field.name, field.value);
    }
    out.text("\r\n");
    content_type("message/http");
    return send(out.bytes());
}

Result Response::begin(std::optional<std::uint64_t> content_length) {
    return exchange_.begin_body(content_length);
}

Result Response::write(Bytes bytes) {
    return exchange_.write(bytes);
}

Result Response::end(std::span<const Field> trailers) {
    return exchange_.end_body(trailers);
}

ResponseId Response::later() noexcept {
    return exchange_.promise(nullptr);
}

ResponseId Response::attach(std::unique_ptr<Stream> stream) {
    return exchange_.promise(std::move(stream));
}

ResponseId Response::id() const noexcept {
    return exchange_.id();
}

void Response::pause_receiving() {
    exchange_.session().hold_body(true);
}

void Response::resume_receiving() {
    exchange_.session().hold_body(false);
}

Result Response::upgrade(std::string_view protocol, std::unique_ptr<ConnectionHandler> handler) {
    return exchange_.upgrade(protocol, std::move(handler));
}

void Response::abort() {
    connection().abort();
}

bool Response::begun() const noexcept {
    return exchange_.begun();
}

bool Response::complete() const noexcept {
    return exchange_.answered();
}

Connection& Response::connection() const noexcept {
    return exchange_.session().connection();
}

}  // namespace pollux::http
