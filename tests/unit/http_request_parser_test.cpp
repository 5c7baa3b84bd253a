// Requests taken apart and checked: what their lines say, and what is none.
#include "proto/http/request_parser.h"

#include <string>
#include <string_view>
#include <vector>

#include "common/http_hostile.h"
#include "unit/support.h"

namespace pollux::test {
namespace {

using http::HeadScanner;
using http::MessageParser;
using http::Method;
using http::Refusal;
using http::RequestHead;
using http::RequestParser;
using Kind = MessageParser::Event::Kind;

/// What became of one request.
struct ReadRequest {
    unsigned refused = 0;   ///< The status; 0 if it was not.
    bool complete = false;  ///< It was taken for a whole request,
    std::size_t size = 0;   ///< of so many bytes.
    std::string body;
};

/// Reads a body that comes in whatever pieces; what is not used is given again, from elsewhere.
void read_body(RequestParser& parser, std::string_view text, std::size_t step, ReadRequest& outcome) {
    std::string waiting;
    while (!outcome.complete && outcome.refused == 0) {
        const auto event = parser.next(as_bytes(waiting));
        outcome.body += as_text(event.body);
        outcome.size += event.consumed;
        switch (event.kind) {
            case Kind::body:
                break;
            case Kind::end:
                outcome.complete = true;
                break;
            case Kind::failed:
                outcome.refused = parser.body_refusal().status;
                break;
            case Kind::more:
                if (text.empty()) return;
                waiting.erase(0, event.consumed);
                waiting = std::string{waiting}.append(text.substr(0, step));
                text.remove_prefix(std::min(step, text.size()));
                continue;
        }
        waiting.erase(0, event.consumed);
    }
}

/// Goes over a request as a server does, with `step` bytes of the body at a time.
ReadRequest read_request(RequestParser& parser, const std::string& bytes, std::size_t step, RequestHead& head) {
    ReadRequest outcome;
    HeadScanner scanner;
    switch (scanner.scan(bytes)) {
        case HeadScanner::Outcome::complete:
            break;
        case HeadScanner::Outcome::incomplete:
            return outcome;
        default:
            outcome.refused = 400;
            return outcome;
    }
    outcome.size = scanner.size();
    const auto text = std::string_view{bytes};
    head = {};
    outcome.refused = parser.parse(text.substr(0, outcome.size), scanner.first_line(), {}, head).status;
    if (outcome.refused == 0) read_body(parser, text.substr(outcome.size), step, outcome);
    return outcome;
}

std::string request_with(std::string_view fields) {
    return std::string{"POST / HTTP/1.1\r\nHost: a\r\n"}.append(fields).append("\r\n");
}

TEST(HttpRequestParserTest, takes_request_lines_apart) {
    struct Case {
        std::string_view line, method, target, path, query, authority;
        Method is = Method::get;
        unsigned minor = 1;
    };
    for (const Case& c : {
             Case{"GET / HTTP/1.1", "GET", "/", "/", "", ""},
             Case{"GET /a/b?c=d&e HTTP/1.0", "GET", "/a/b?c=d&e", "/a/b", "c=d&e", "", Method::get, 0},
             Case{"HEAD /?a?b HTTP/1.1", "HEAD", "/?a?b", "/", "a?b", "", Method::head},
             Case{"PUT //a HTTP/1.1", "PUT", "//a", "//a", "", "", Method::put},
             Case{"DELETE /%2F..%2f/[x] HTTP/1.1", "DELETE", "/%2F..%2f/[x]", "/%2F..%2f/[x]", "", "", Method::del},
             Case{"OPTIONS * HTTP/1.1", "OPTIONS", "*", "*", "", "", Method::options},
             Case{"GET http://a.b:80/c?d HTTP/1.1", "GET", "http://a.b:80/c?d", "/c", "d", "a.b:80"},
             Case{"GET HTTPS://A HTTP/1.1", "GET", "HTTPS://A", "/", "", "A"},
             Case{"GET http://[::1]:1?x HTTP/1.1", "GET", "http://[::1]:1?x", "/", "x", "[::1]:1"},
             Case{"PROPFIND /a HTTP/1.1", "PROPFIND", "/a", "/a", "", "", Method::other},
             Case{"PATCH /a: HTTP/1.1", "PATCH", "/a:", "/a:", "", "", Method::patch},
             Case{"TRACE /a/http://b HTTP/1.1", "TRACE", "/a/http://b", "/a/http://b", "", "", Method::trace},
         }) {
        RequestHead head;
        const Refusal refusal = http::parse_request_line(c.line, head);
        EXPECT_FALSE(refusal) << c.line << ": " << refusal.why;
        EXPECT_EQ(head.method_name, c.method) << c.line;
        EXPECT_EQ(head.method, c.is) << c.line;
        EXPECT_EQ(head.target, c.target) << c.line;
        EXPECT_EQ(head.path, c.path) << c.line;
        EXPECT_EQ(head.query, c.query) << c.line;
        EXPECT_EQ(head.authority, c.authority) << c.line;
        EXPECT_EQ(head.minor_version, c.minor) << c.line;
    }
}

TEST(HttpRequestParserTest, knows_a_host) {
    for (const std::string_view host :
         {"a", "example.com", "EXAMPLE.com:8080", "1.2.3.4", "1.2.3.4:0", "[::1]", "[::ffff:1.2.3.4]:65535", "a_b",
          "a:", "xn--4ca", "%41b", "a.", "localhost:1"}) {
        EXPECT_TRUE(http::is_host(host)) << host;
    }
    for (const std::string_view host : {"",         ":",     ":1",  "a b", "a/b",  "u@a",    "a:b",     "a:1:2",
                                        "a:123456", "[",     "[]",  "[:",  "[::1", "[::1]1", "[::1]:x", "[x::]",
                                        "a]",       "a\xC4", "a\t", "a\"", "a<",   "a^",     "a|b"}) {
        EXPECT_FALSE(http::is_host(host)) << host;
    }
}

TEST(HttpRequestParserTest, refuses_what_is_hostile_however_it_is_cut) {
    RequestParser parser;
    for (const HostileRequest& hostile : hostile_requests()) {
        const std::string bytes = hostile.bytes + std::string{smuggled};
        for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, bytes.size()}) {
            RequestHead head;
            const ReadRequest outcome = read_request(parser, bytes, step, head);
            EXPECT_FALSE(outcome.complete) << printable(hostile.bytes) << " was taken for " << outcome.size << " bytes";
            EXPECT_EQ(outcome.refused, hostile.status) << printable(hostile.bytes);
        }
    }
}

TEST(HttpRequestParserTest, bodies_end_where_they_are_told_to) {
    struct Case {
        std::string_view fields, sent, body;
    };
    RequestParser parser;
    for (const Case& c : {
             Case{"", "", ""},
             Case{"Content-Length: 0\r\n", "", ""},
             Case{"Content-Length: 005\r\n", "abcde", "abcde"},
             Case{"Content-Length:\t5  \r\n", "\r\n\r\n\n", "\r\n\r\n\n"},
             Case{"cOnTeNt-LeNgTh: 3\r\nX-Content-Length: 9\r\n", "abc", "abc"},
             Case{"Transfer-Encoding: chunked\r\n", "0\r\n\r\n", ""},
             Case{"Transfer-Encoding:chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", "abc"},
             Case{"transfer-encoding:\t Chunked  \r\n", "00a\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
             Case{"Transfer-Encoding: chunked\r\n", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
                  "01234567890123456789"},
             Case{"Transfer-Encoding: chunked\r\n", "1;a;b;c=\"d;e\"\r\n\n\r\n0;x\r\nA:\r\nB: b\r\n\r\n", "\n"},
         }) {
        const std::string bytes = request_with(c.fields).append(c.sent);
        for (std::size_t step = 1; step <= bytes.size(); ++step) {
            RequestHead head;
            const ReadRequest outcome = read_request(parser, bytes + std::string{smuggled}, step, head);
            ASSERT_EQ(outcome.refused, 0u) << printable(bytes) << parser.body_refusal().why;
            ASSERT_TRUE(outcome.complete) << printable(bytes);
            ASSERT_EQ(outcome.body, c.body) << printable(bytes);
            ASSERT_EQ(outcome.size, bytes.size()) << printable(bytes);
        }
    }
}

TEST(HttpRequestParserTest, a_cut_off_request_is_never_complete) {
    RequestParser parser;
    for (const std::string& bytes :
         {request_with("Content-Length: 10\r\n") + "0123456789",
          request_with("Transfer-Encoding: chunked\r\n") + "5;x=y\r\n01234\r\n5\r\n56789\r\n0\r\nA: b\r\n\r\n"}) {
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            RequestHead head;
            const ReadRequest outcome = read_request(parser, bytes.substr(0, size), 3, head);
            ASSERT_FALSE(outcome.complete) << printable(bytes.substr(0, size));
            ASSERT_EQ(outcome.refused, 0u) << printable(bytes.substr(0, size));
        }
    }
}

TEST(HttpRequestParserTest, nothing_of_one_request_is_left_for_the_next) {
    RequestParser parser;
    RequestHead head;
    const std::string loud = "PROPFIND http://b:1/p?q HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc";
    const std::string bad = request_with("Transfer-Encoding: chunked\r\n") + "0\r\nHost: b\r\n\r\n";
    const std::string plain = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const std::string& before : {loud, bad, std::string{"GET / HTTP/1.1\r\n: \r\n\r\n"}}) {
        static_cast<void>(read_request(parser, before, 1, head));
        const ReadRequest outcome = read_request(parser, plain, 1, head);
        EXPECT_TRUE(outcome.complete);
        EXPECT_EQ(outcome.size, plain.size());
        EXPECT_EQ(head.authority, "a");
        EXPECT_EQ(head.query, "");
        EXPECT_FALSE(head.expects_continue);
        EXPECT_EQ(parser.message().content_length(), std::nullopt);
        EXPECT_FALSE(parser.message().chunked());
        EXPECT_TRUE(head.keep_alive);
        EXPECT_TRUE(parser.message().trailers().empty());
        EXPECT_EQ(parser.message().fields().size(), 1u);
    }
}

TEST(HttpRequestParserTest, the_connection_lasts_as_its_fields_say) {
    struct Case {
        std::string_view version, fields;
        bool lasts;
    };
    RequestParser parser;
    for (const Case& c : {
             Case{"1.1", "", true},
             Case{"1.1", "Connection: close\r\n", false},
             Case{"1.1", "connection: CLOSE\r\n", false},
             Case{"1.1", "Connection: x, close ,y\r\n", false},
             Case{"1.1", "Connection: x,\tclose\r\n", false},
             Case{"1.1", "Connection:\tclose\t\r\n", false},
             Case{"1.1", "Connection: keep-alive, close\r\n", false},
             Case{"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
             Case{"1.1", "Connection: close\r\nConnection: keep-alive\r\n", false},
             Case{"1.1", "Connection: closed, x-close, close-x\r\n", true},
             Case{"1.1", "Connection:\r\n", true},
             Case{"1.0", "", false},
             Case{"1.0", "Connection: keep-alive\r\n", true},
             Case{"1.0", "Connection: Keep-Alive, x\r\n", true},
             Case{"1.0", "Connection: keep-alive-not\r\n", false},
             Case{"1.0", "Connection: keep-alive, close\r\n", false},
             Case{"1.0", "Connection: close\r\nConnection: keep-alive\r\n", false},
             Case{"1.0", "Keep-Alive: timeout=5\r\n", false},
         }) {
        RequestHead head;
        const std::string bytes =
            "GET / HTTP/" + std::string{c.version} + "\r\nHost: a\r\n" + std::string{c.fields} + "\r\n";
        const ReadRequest outcome = read_request(parser, bytes, 1, head);
        ASSERT_TRUE(outcome.complete) << printable(bytes);
        EXPECT_EQ(head.keep_alive, c.lasts) << printable(bytes);
    }
}

TEST(HttpRequestParserTest, an_expectation_is_of_http_1_1) {
    RequestParser parser;
    RequestHead head;
    static_cast<void>(read_request(parser, request_with("expect: 100-Continue\r\nContent-Length: 1\r\n"), 1, head));
    EXPECT_TRUE(head.expects_continue);
    const std::string old = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na";
    EXPECT_TRUE(read_request(parser, old, 1, head).complete);
    EXPECT_FALSE(head.expects_continue);
}

}  // namespace
}  // namespace pollux::test
