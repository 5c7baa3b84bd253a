// Parses and checks one request.
#include "proto/http/request_parser.h"

#include <algorithm>
#include <cstring>

#include "ascii.h"
#include "proto/http/characters.h"
#include "proto/http/percent.h"

namespace pollux::http {

namespace {

/// Methods that are longer are none that anybody knows.
constexpr std::size_t max_method_bytes = 32;

constexpr std::string_view version_prefix = "HTTP/1.";

Refusal check_version(std::string_view version, RequestHead& out) noexcept {
    if (version.size() == 8 && version.starts_with(version_prefix) && (version[7] == '0' || version[7] == '1'))
        [[likely]] {
        out.minor_version = static_cast<std::uint8_t>(version[7] - '0');
        return {};
    }
    const bool is_version = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
                            version[6] == '.' && is_digit(version[7]);
    return is_version ? Refusal{505, "version is not HTTP/1.0 or HTTP/1.1"} : Refusal{400, "bad request line"};
}

void split_query(std::string_view target, RequestHead& out) noexcept {
    const std::size_t mark = target.find('?');
    out.path = target.substr(0, mark);
    out.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

/// `http://host:port/path?query` (RFC 9112, 3.2.2).
Refusal parse_absolute(std::string_view target, RequestHead& out) noexcept {
    constexpr Refusal bad{400, "bad target"};
    const std::size_t scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos) return bad;
    const std::string_view scheme = target.substr(0, scheme_end);
    if (!same_name(scheme, "http") && !same_name(scheme, "https")) return bad;
    const std::string_view rest = target.substr(scheme_end + 3);
    const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
    out.authority = rest.substr(0, authority_end);
    if (out.authority.empty() || !is_host(out.authority)) return bad;
    split_query(rest.substr(authority_end), out);
    if (out.path.empty()) out.path = "/";
    return {};
}

/// A target that is no path: `*` or an absolute URI.
Refusal parse_other_target(RequestHead& out) noexcept {
    if (out.target != "*") return parse_absolute(out.target, out);
    out.path = out.target;
    return out.method == Method::options ? Refusal{} : Refusal{400, "target is * of another method than OPTIONS"};
}

/// A field's name is mostly written in the usual way, whose size the compiler knows.
template <std::size_t Size>
bool is_name(std::string_view name, const char (&usual)[Size]) noexcept {
    if (name.size() != Size - 1) return false;
    if (std::memcmp(name.data(), usual, Size - 1) == 0) [[likely]]
        return true;
    return same_name(name, {usual, Size - 1});
}

/// One number, without a sign and not in a list. llhttp checks that it is not too large.
bool is_length(std::string_view value) noexcept {
    return !value.empty() && std::all_of(value.begin(), value.end(), is_digit);
}

void read_connection(std::string_view options, bool& close, bool& keep_alive) noexcept {
    while (!options.empty()) {
        const std::string_view option = next_member(options);
        close = close || same_name(option, "close");
        keep_alive = keep_alive || same_name(option, "keep-alive");
    }
}

bool is_known_coding(std::string_view coding) noexcept {
    for (const std::string_view known : {"gzip", "x-gzip", "deflate", "compress", "x-compress"}) {
        if (same_name(coding, known)) return true;
    }
    return false;
}

/// Only `chunked` is understood. A list of codings that exist and that ends in it is well-formed (RFC 9112, 6.1).
Refusal check_transfer_encoding(std::string_view value) noexcept {
    if (same_name(value, "chunked")) return {};
    constexpr Refusal bad{400, "bad Transfer-Encoding"};
    const std::size_t last_comma = value.rfind(',');
    if (last_comma == std::string_view::npos || !same_name(trim(value.substr(last_comma + 1)), "chunked")) return bad;
    std::string_view others = value.substr(0, last_comma);
    while (!others.empty()) {
        if (!is_known_coding(next_member(others))) return bad;
    }
    return {501, "transfer coding is not chunked alone"};
}

}  // namespace

bool may_trail(std::string_view name) noexcept {
    for (const std::string_view kept :
         {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Expect", "TE", "Trailer",
          "Content-Encoding", "Content-Type", "Authorization", "Cookie"}) {
        if (same_name(name, kept)) return false;
    }
    return true;
}

bool is_host(std::string_view text) noexcept {
    std::string_view port;
    std::string_view host = text;
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        if (end == std::string_view::npos || end < 3) return false;
        const std::string_view address = host.substr(1, end - 1);
        port = host.substr(end + 1);
        const bool is_address = std::all_of(address.begin(), address.end(),
                                            [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; });
        if (!is_address) return false;
    } else {
        const char* const end = skip(text.data(), text.data() + text.size(), host_class);
        host = text.substr(0, static_cast<std::size_t>(end - text.data()));
        port = text.substr(host.size());
        if (host.empty()) return false;
    }
    if (port.empty()) return true;
    return port.front() == ':' && port.size() <= 6 && std::all_of(port.begin() + 1, port.end(), is_digit);
}

Refusal parse_request_line(std::string_view line, RequestHead& out) noexcept {
    constexpr Refusal bad{400, "bad request line"};
    const char* const end = line.data() + line.size();
    const char* const method_end = skip(line.data(), end, token_class);
    if (method_end == line.data() || method_end == end || *method_end != ' ') return bad;
    const char* const target = method_end + 1;
    const char* const path_end = skip(target, end, path_class);
    const char* const target_end = skip(path_end, end, target_class);
    if (target_end == target || target_end == end || *target_end != ' ') return bad;
    out.method_name = {line.data(), method_end};
    out.target = {target, target_end};
    if (const Refusal refusal = check_version({target_end + 1, end}, out)) return refusal;
    if (out.method_name.size() > max_method_bytes) return {501, "unknown method"};
    out.method = method_of(out.method_name);
    if (out.method == Method::connect) return {501, "CONNECT is not supported"};
    if (*target != '/') [[unlikely]]
        return parse_other_target(out);
    out.path = {target, path_end};
    out.query = path_end == target_end ? std::string_view{} : std::string_view{path_end + 1, target_end};
    return {};
}

Refusal RequestParser::parse(std::string_view head, std::size_t first_line, const MessageParser::Limits& limits,
                             RequestHead& out) {
    bad_trailers_ = false;
    if (const Refusal refusal = parse_request_line(head.substr(0, first_line - 2), out)) return refusal;
    if (!message_.parse_head(head, limits)) [[unlikely]] {
        if (message_.failure() == MessageParser::Failure::too_many_fields) return {431, message_.reason()};
        // The line is in order, so what llhttp does not know is the method.
        const bool unknown_method = message_.fields().empty() && out.method == Method::other;
        return unknown_method ? Refusal{501, "unknown method"} : Refusal{400, message_.reason()};
    }
    return check_fields(head, out);
}

/// Nearly all requests that come are for the host of the last one.
bool RequestParser::is_good_host(std::string_view host) {
    if (!host.empty() && host == known_host_) return true;
    if (!is_host(host)) return false;
    known_host_.assign(host);
    return true;
}

Refusal RequestParser::check_fields(std::string_view head, RequestHead& out) {
    unsigned hosts = 0;
    unsigned lengths = 0;
    unsigned encodings = 0;
    bool close = false;
    bool keep_alive = out.minor_version == 1;
    std::string_view host;
    std::string_view encoding;
    for (const Field field : Fields{head.data(), message_.fields()}) {
        switch (field.name.size()) {
            case 4:
                if (is_name(field.name, "Host")) {
                    ++hosts;
                    host = field.value;
                }
                break;
            case 6:
                if (is_name(field.name, "Expect")) {
                    if (!same_name(field.value, "100-continue")) return {417, "unknown expectation"};
                    out.expects_continue = out.minor_version == 1;
                }
                break;
            case 10:
                if (is_name(field.name, "Connection")) read_connection(field.value, close, keep_alive);
                break;
            case 14:
                if (is_name(field.name, "Content-Length")) {
                    ++lengths;
                    if (!is_length(field.value)) return {400, "bad Content-Length"};
                }
                break;
            case 17:
                if (is_name(field.name, "Transfer-Encoding")) {
                    ++encodings;
                    encoding = field.value;
                }
                break;
            default:
                break;
        }
    }
    out.keep_alive = keep_alive && !close;
    if (hosts > 1) [[unlikely]]
        return {400, "more than one Host"};
    if (hosts == 0 && out.minor_version == 1) [[unlikely]]
        return {400, "no Host"};
    if (hosts == 1 && !is_good_host(host)) [[unlikely]]
        return {400, "bad Host"};
    if (out.authority.empty()) out.authority = host;
    if (lengths > 1) [[unlikely]]
        return {400, "more than one Content-Length"};
    if (encodings == 0) [[likely]]
        return {};
    if (lengths != 0) return {400, "both Transfer-Encoding and Content-Length"};
    if (out.minor_version == 0) return {400, "Transfer-Encoding in HTTP/1.0"};
    if (encodings > 1) return {400, "more than one Transfer-Encoding"};
    return check_transfer_encoding(encoding);
}

MessageParser::Event RequestParser::next(Bytes input) {
    MessageParser::Event event = message_.next(input);
    if (event.kind != MessageParser::Event::Kind::end) return event;
    for (const Field field : message_.trailers()) bad_trailers_ = bad_trailers_ || !may_trail(field.name);
    if (bad_trailers_) event.kind = MessageParser::Event::Kind::failed;
    return event;
}

Refusal RequestParser::body_refusal() const noexcept {
    if (bad_trailers_) return {400, "bad field in trailers"};
    switch (message_.failure()) {
        case MessageParser::Failure::too_many_fields:
        case MessageParser::Failure::trailers_too_large:
            return {431, message_.reason()};
        case MessageParser::Failure::none:
        case MessageParser::Failure::bad_message:
            break;
    }
    return {400, message_.reason()};
}

}  // namespace pollux::http
