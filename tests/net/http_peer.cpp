// A peer of HTTP servers over a raw socket, or TLS on one.
#include "net/http_peer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>

#include "ascii.h"
#include "proto/http/characters.h"

namespace pollux::test {
namespace {

constexpr std::string_view version = "HTTP/1.1 ";

/// Takes the next line off a text of whole lines.
std::string_view next_line(std::string_view& text) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    return line;
}

bool is_status_line(std::string_view line) {
    return line.starts_with(version) && line.size() > version.size() + 4 && line[version.size()] >= '1' &&
           std::all_of(line.begin() + version.size(), line.begin() + version.size() + 3, http::is_digit) &&
           line[version.size() + 3] == ' ' && http::is_field_value(line);
}

bool is_field_line(std::string_view line) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    return http::is_token(line.substr(0, colon)) && http::is_field_value(line.substr(colon));
}

/// What holds for the head of every answer.
bool is_answer_head(const Answer& answer) {
    std::string_view rest{answer.head};
    if (!is_status_line(next_line(rest))) return false;
    while (rest != "\r\n") {
        if (!is_field_line(next_line(rest))) return false;
    }
    const std::size_t lengths = answer.count("Content-Length");
    const std::size_t encodings = answer.count("Transfer-Encoding");
    return lengths + encodings <= 1 && answer.count("Date") <= 1 && answer.count("Connection") <= 1;
}

std::optional<std::size_t> to_size(std::string_view text, int base) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size, base);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return size;
}

}  // namespace

std::optional<std::string> Answer::field(std::string_view name) const {
    const std::string lines = to_lower(head);
    const std::size_t line = lines.find("\r\n" + to_lower(name) + ':');
    if (line == std::string::npos) return std::nullopt;
    const std::size_t begin = line + 2 + name.size() + 1;
    return std::string{http::trim(std::string_view{head}.substr(begin, head.find("\r\n", begin) - begin))};
}

std::size_t Answer::count(std::string_view name) const {
    const std::string lines = to_lower(head);
    const std::string wanted = "\r\n" + to_lower(name) + ':';
    std::size_t count = 0;
    for (std::size_t at = 0; (at = lines.find(wanted, at)) != std::string::npos; ++at) ++count;
    return count;
}

HttpPeer::HttpPeer(const SocketAddress& to, int receive_buffer_bytes)
    : socket_(RawSocket::connect(to, receive_buffer_bytes)) {
    EXPECT_TRUE(socket_.valid());
}

HttpPeer::HttpPeer(TlsPeer tls) : tls_(std::move(tls)) {
    EXPECT_TRUE(tls_->handshake()) << tls_->failure();
}

bool HttpPeer::try_send(std::string_view bytes) {
    return tls_ ? tls_->send(bytes) : socket_.send(bytes);
}

void HttpPeer::send(std::string_view bytes) {
    EXPECT_TRUE(try_send(bytes));
}

void HttpPeer::finish_sending() {
    if (tls_) {
        EXPECT_TRUE(tls_->finish_sending());
    } else {
        socket_.finish_sending();
    }
}

Answer HttpPeer::read(std::string_view method) {
    Answer answer;
    if (!receive_until("\r\n\r\n", answer.head)) return {};
    if (!is_answer_head(answer)) {
        ADD_FAILURE() << "no answer: " << answer.head;
        return {};
    }
    const auto status = static_cast<unsigned>(to_size(answer.head.substr(version.size(), 3), 10).value_or(0));
    const bool has_body = method != "HEAD" && status >= 200 && status != 204 && status != 304;
    bool is_whole = true;
    if (!has_body) {
        // Whatever the fields say.
    } else if (const auto length = answer.field("Content-Length")) {
        is_whole = receive_exactly(to_size(*length, 10).value_or(SIZE_MAX), answer.body);
    } else if (answer.field("Transfer-Encoding") == "chunked") {
        is_whole = receive_chunks(answer);
    } else {
        EXPECT_TRUE(answer.says_close()) << "nothing tells where the body ends: " << answer.head;
        answer.body = read_rest();
    }
    answer.status = is_whole ? status : 0;
    return answer;
}

Answer HttpPeer::ask(std::string_view method, std::string_view target, std::string_view fields, std::string_view body) {
    std::string request{method};
    request.append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n").append(fields);
    if (!body.empty()) request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    send(request.append("\r\n").append(body));
    return read(method);
}

HttpEnd HttpPeer::end() {
    return read_rest().empty() ? *end_ : HttpEnd::more;
}

std::string HttpPeer::read_rest() {
    if (end_) return std::exchange(received_, {});
    if (tls_) {
        const TlsPeer::Rest rest = tls_->receive_rest();
        received_ += rest.bytes;
        end_ = rest.end == TlsEnd::close_notify ? HttpEnd::closed
               : rest.end == TlsEnd::none       ? HttpEnd::timed_out
                                                : HttpEnd::reset;
    } else {
        const RawSocket::Rest rest = socket_.receive_rest();
        received_ += rest.bytes;
        end_ = rest.error == 0 ? HttpEnd::closed : rest.error == EAGAIN ? HttpEnd::timed_out : HttpEnd::reset;
    }
    return std::exchange(received_, {});
}

bool HttpPeer::receive_more() {
    const std::string piece = tls_ ? tls_->receive_some(64 * 1024) : socket_.receive_some(64 * 1024);
    received_ += piece;
    return !piece.empty();
}

bool HttpPeer::receive_until(std::string_view end, std::string& out) {
    std::size_t at = 0;
    while ((at = received_.find(end)) == std::string::npos) {
        if (!receive_more()) return false;
    }
    return receive_exactly(at + end.size(), out);
}

bool HttpPeer::receive_exactly(std::size_t size, std::string& out) {
    while (received_.size() < size) {
        if (!receive_more()) return false;
    }
    out.append(received_, 0, size);
    received_.erase(0, size);
    return true;
}

bool HttpPeer::receive_chunks(Answer& answer) {
    for (;;) {
        std::string line;
        if (!receive_until("\r\n", line)) return false;
        const std::optional<std::size_t> size = to_size(std::string_view{line}.substr(0, line.size() - 2), 16);
        if (!size) return false;
        if (*size == 0) break;
        std::string end;
        if (!receive_exactly(*size, answer.body) || !receive_exactly(2, end) || end != "\r\n") return false;
    }
    for (std::string line; receive_until("\r\n", line); line.clear()) {
        if (line == "\r\n") return true;
        EXPECT_TRUE(is_field_line(std::string_view{line}.substr(0, line.size() - 2))) << line;
        answer.trailers += line;
    }
    return false;
}

}  // namespace pollux::test
