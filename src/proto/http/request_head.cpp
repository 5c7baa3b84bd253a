// Writes the head of a request, and the frame of a body in chunks.
#include "proto/http/request_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "proto/http/characters.h"
#include "proto/http/request_parser.h"

namespace pollux::http {

namespace {

constexpr std::array<std::string_view, 8> own_fields{
    "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "TE", "Trailer"};

bool is_own_field(std::string_view name) noexcept {
    return std::any_of(own_fields.begin(), own_fields.end(),
                       [name](std::string_view own) { return same_name(own, name); });
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

}  // namespace

bool is_request_method(std::string_view method) noexcept {
    return is_token(method) && method != "CONNECT";
}

bool is_request_field(Field field) noexcept {
    return is_token(field.name) && is_field_value(field.value) && !is_own_field(field.name);
}

bool is_request_trailer(Field field) noexcept {
    return is_request_field(field) && may_trail(field.name);
}

RequestHeadWriter::RequestHeadWriter(std::string& out, std::string_view method, std::string_view target,
                                     std::string_view host)
    : out_(out) {
    out_ += method;
    out_ += ' ';
    out_ += target;
    out_ += " HTTP/1.1\r\n";
    field("Host", host);
}

void RequestHeadWriter::field(std::string_view name, std::string_view value) {
    append_line(out_, name, value);
}

void RequestHeadWriter::content_length(std::uint64_t length) {
    field("Content-Length", std::to_string(length));
}

void RequestHeadWriter::upgrade(std::string_view protocol) {
    field("Connection", "Upgrade");
    field("Upgrade", protocol);
}

void append_chunk(std::string& out, Bytes bytes) {
    std::array<char, 16> digits{};
    char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes.size(), 16).ptr;
    out.append(digits.data(), end);
    out += "\r\n";
    out += as_text(bytes);
    out += "\r\n";
}

void append_last_chunk(std::string& out, std::span<const Field> trailers) {
    out += "0\r\n";
    for (const Field trailer : trailers) append_line(out, trailer.name, trailer.value);
    out += "\r\n";
}

}  // namespace pollux::http
