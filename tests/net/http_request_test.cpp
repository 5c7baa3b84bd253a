// Requests as handlers see them: lines, fields, bodies, and what they say about the connection.
#include <gmock/gmock.h>

#include "net/http_support.h"

namespace pollux::test {
namespace {

using http::BodyMode;
using http::BodyRules;
using http::Method;
using http::Request;
using http::Response;

class HttpRequestTest : public HttpTest {
protected:
    /// What the handler saw of a request, that must be answered with 200.
    SeenRequest see(HttpPeer& peer, std::string_view bytes, std::string_view method = "GET") {
        const std::size_t before = http_seen.seen().requests.size();
        peer.send(bytes);
        EXPECT_EQ(peer.read(method).status, 200u) << bytes;
        EXPECT_EQ(http_seen.seen().requests.size(), before + 1) << bytes;
        return http_seen.seen().requests.back();
    }
};

TEST_F(HttpRequestTest, every_method_reaches_its_handler) {
    serve();
    HttpPeer peer = connect();
    const std::pair<std::string_view, Method> methods[] = {
        {"GET", Method::get},        {"HEAD", Method::head},     {"POST", Method::post},   {"PUT", Method::put},
        {"DELETE", Method::del},     {"TRACE", Method::trace},   {"PATCH", Method::patch}, {"OPTIONS", Method::options},
        {"PROPFIND", Method::other}, {"M-SEARCH", Method::other}};
    for (const auto& [name, method] : methods) {
        const SeenRequest request = see(peer, std::string{name} + " /x HTTP/1.1\r\nHost: a\r\n\r\n", name);
        EXPECT_EQ(request.method, method) << name;
        EXPECT_EQ(request.method_name, name);
        EXPECT_EQ(request.content_length, 0u) << name;
    }
    EXPECT_EQ(seen.seen().opens, 1u) << "all on one connection";
}

TEST_F(HttpRequestTest, targets_are_taken_apart) {
    struct Case {
        std::string_view line, raw_path, path, query, host;
    };
    serve();
    HttpPeer peer = connect();
    for (const Case& c : {
             Case{"GET / HTTP/1.1", "/", "/", "", "h:1"},
             Case{"GET /a%20b%2Fc/../d?x=%20&y HTTP/1.1", "/a%20b%2Fc/../d", "/a b/c/../d", "x=%20&y", "h:1"},
             Case{"GET /%zz?? HTTP/1.1", "/%zz", "/%zz", "?", "h:1"},
             Case{"GET /? HTTP/1.1", "/", "/", "", "h:1"},
             Case{"GET //b//c HTTP/1.1", "//b//c", "//b//c", "", "h:1"},
             Case{"OPTIONS * HTTP/1.1", "*", "*", "", "h:1"},
             Case{"GET http://other.example:81/p/q?r HTTP/1.1", "/p/q", "/p/q", "r", "other.example:81"},
             Case{"GET https://other.example HTTP/1.1", "/", "/", "", "other.example"},
             Case{"GET http://[::1]?q HTTP/1.1", "/", "/", "q", "[::1]"},
         }) {
        const SeenRequest request = see(peer, std::string{c.line} + "\r\nHost: h:1\r\n\r\n");
        EXPECT_EQ(request.raw_path, c.raw_path) << c.line;
        EXPECT_EQ(request.path, c.path) << c.line;
        EXPECT_EQ(request.raw_query, c.query) << c.line;
        EXPECT_EQ(request.host, c.host) << c.line;
        EXPECT_THAT(std::string{c.line}, testing::HasSubstr(" " + request.target + " "));
        EXPECT_EQ(request.header("Host"), "h:1") << c.line;
    }
    EXPECT_EQ(see(peer, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").host, "") << "1.0 need not tell";
}

TEST_F(HttpRequestTest, queries_and_cookies_are_found_by_name) {
    serve({.on_request = [](const Request& request, Response& response) {
        std::string text;
        for (const auto& [name, value] : request.query_parameters())
            text.append(name).append("=").append(value).append(";");
        text += " ";
        for (const std::string_view name : {"a", "b c", "bad", "A", "none"}) {
            text.append(request.query(name).value_or("-")).append(",");
        }
        text += " ";
        for (const std::string_view name : {"c", "d", "e", "f"}) {
            text.append(request.cookie(name).value_or("-")).append(",");
        }
        response.send(std::move(text));
    }});
    HttpPeer peer = connect();
    EXPECT_EQ(
        peer.get("/?a=1&b+c=%3d+%26&&bad=%0&a=2&x", "Cookie: c=1; d=\"2\"\r\nX: f=0\r\ncookie: e=3; c=4\r\n").body,
        "a=1;b c== &;a=2;x=; 1,= &,-,-,-, 1,2,3,-,");
    EXPECT_EQ(peer.get("/", "Cookie: \r\n").body, " -,-,-,-,-, -,-,-,-,");
}

TEST_F(HttpRequestTest, fields_come_in_order_without_the_blanks_around_them) {
    serve();
    HttpPeer peer = connect();
    const SeenRequest request = see(peer,
                                    "GET / HTTP/1.1\r\nhOsT:a\r\nX-One:  1 \t\r\nX-Empty:\r\nX-Two:\t2 2\r\n"
                                    "x-one: \xC3\xA4\"\\\r\n!#$%&'*+-.^_`|~: 0\r\n\r\n");
    const FieldList expected{
        {"hOsT", "a"},           {"X-One", "1"}, {"X-Empty", ""}, {"X-Two", "2 2"}, {"x-one", "\xC3\xA4\"\\"},
        {"!#$%&'*+-.^_`|~", "0"}};
    EXPECT_EQ(request.headers, expected);
}

TEST_F(HttpRequestTest, bodies_come_whole_or_in_parts) {
    struct Case {
        std::string fields, sent, body;
        std::optional<std::uint64_t> length;
        FieldList trailers;
    };
    const std::string large = pattern(0, 300'000);
    const std::string binary{"\0\r\n\xFF\r\n\r\n", 8};
    const Case cases[] = {
        {"", "", "", 0, {}},
        {"Content-Length: 0\r\n", "", "", 0, {}},
        {"Content-Length: 8\r\n", binary, binary, 8, {}},
        {"Content-Length: 300000\r\n", large, large, 300'000, {}},
        {"Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "", std::nullopt, {}},
        {"Transfer-Encoding: chunked\r\n",
         "8\r\n" + binary + "\r\n1;e=f\r\n!\r\n0\r\nA: b\r\na: c\r\n\r\n",
         binary + "!",
         std::nullopt,
         {{"A", "b"}, {"a", "c"}}},
        {"Transfer-Encoding: chunked\r\n", "493e0\r\n" + large + "\r\n0\r\n\r\n", large, std::nullopt, {}},
    };
    for (const BodyMode mode : {BodyMode::whole, BodyMode::streamed}) {
        serve({.on_head = [mode](const Request&) { return BodyRules{.mode = mode}; }});
        HttpPeer peer = connect();
        for (const Case& c : cases) {
            peer.send("POST / HTTP/1.1\r\nHost: a\r\n" + c.fields + "\r\n" + c.sent);
            const Answer answer = peer.read();
            ASSERT_EQ(answer.status, 200u) << c.fields;
            SeenRequest expected = http_seen.seen().requests.back();
            const bool in_parts = mode == BodyMode::streamed && c.length != 0u;
            EXPECT_EQ(expected.body, in_parts ? "" : c.body);
            EXPECT_EQ(expected.content_length, c.length);
            EXPECT_EQ(expected.trailers, in_parts ? FieldList{} : c.trailers);
            expected.body = c.body;
            expected.trailers = c.trailers;
            EXPECT_EQ(answer.body, describe(expected)) << c.fields;
        }
    }
}

TEST_F(HttpRequestTest, the_head_of_a_body_is_shown_first) {
    serve();
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/none").status, 200u);
    EXPECT_EQ(peer.ask("POST", "/some?q", "X: y\r\n", "body").status, 200u);
    const HttpSeen told = http_seen.seen();
    ASSERT_EQ(told.heads.size(), 1u) << "not without a body";
    EXPECT_EQ(told.heads[0].target, "/some?q");
    EXPECT_EQ(told.heads[0].header("x"), "y");
    EXPECT_EQ(told.heads[0].content_length, 4u);
    EXPECT_EQ(told.heads[0].body, "");
    EXPECT_EQ(told.requests.back().body, "body");
}

TEST_F(HttpRequestTest, the_connection_lasts_as_version_and_fields_say) {
    struct Case {
        std::string_view version, fields;
        bool lasts;
    };
    serve();
    for (const Case& c : {
             Case{"1.1", "", true},
             Case{"1.1", "Connection: Keep-Alive\r\n", true},
             Case{"1.1", "Connection: close\r\n", false},
             Case{"1.1", "Connection: x, CLOSE\r\n", false},
             Case{"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
             Case{"1.0", "", false},
             Case{"1.0", "Connection: close\r\n", false},
             Case{"1.0", "Connection: keep-alive\r\n", true},
         }) {
        HttpPeer peer = connect();
        const std::string request =
            "GET / HTTP/" + std::string{c.version} + "\r\nHost: a\r\n" + std::string{c.fields} + "\r\n";
        peer.send(request + request);
        const Answer answer = peer.read();
        EXPECT_EQ(answer.status, 200u);
        EXPECT_EQ(answer.says_close(), !c.lasts) << request;
        EXPECT_EQ(answer.field("Connection") == "keep-alive", c.lasts && c.version == "1.0") << request;
        if (c.lasts) {
            EXPECT_EQ(peer.read().status, 200u) << request;
        } else {
            EXPECT_TRUE(peer.is_closed()) << request;
        }
        EXPECT_EQ(http_seen.seen().requests.back().minor_version, c.version == "1.1" ? 1u : 0u);
    }
    EXPECT_EQ(http_seen.seen().requests.size(), 8u + 3u) << "nothing is looked at behind the last request";
}

TEST_F(HttpRequestTest, empty_lines_before_a_request_are_skipped) {
    serve();
    HttpPeer peer = connect();
    const std::string request = "\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t cut = 0; cut <= 6; ++cut) {
        send_cut(peer, request, cut);
        EXPECT_EQ(peer.read().status, 200u) << cut;
    }
    EXPECT_EQ(http_seen.seen().requests.back().target, "/a");
    for (const std::string_view hostile : {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                           "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"}) {
        for (const bool bytewise : {false, true}) {
            HttpPeer other = connect();
            bytewise ? send_bytewise(other, hostile) : other.send(hostile);
            EXPECT_EQ(other.read().status, 400u) << hostile << bytewise;
            EXPECT_TRUE(other.is_closed());
        }
    }
}

TEST_F(HttpRequestTest, a_client_that_waits_is_told_to_go_on) {
    serve();
    HttpPeer peer = connect();
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    for (const std::string_view framing : {"Content-Length: 3\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"}) {
        peer.send(head + std::string{framing});
        const Answer interim = peer.read();
        EXPECT_EQ(interim.status, 100u);
        EXPECT_EQ(interim.head, "HTTP/1.1 100 Continue\r\n\r\n");
        peer.send(framing.starts_with("C") ? "abc" : "3\r\nabc\r\n0\r\n\r\n");
        EXPECT_EQ(peer.read().status, 200u);
        EXPECT_EQ(http_seen.seen().requests.back().body, "abc");
    }
    peer.send(head + "Content-Length: 3\r\n\r\nabc");
    EXPECT_EQ(peer.read().status, 200u) << "it did not wait";
    peer.send(head + "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(peer.read().status, 200u) << "there is nothing to wait for";
    peer.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    settle();
    peer.send("abc");
    EXPECT_EQ(peer.read().status, 200u) << "1.0 knows of no interim answers";
    EXPECT_TRUE(peer.is_closed());
}

TEST_F(HttpRequestTest, a_client_that_waits_may_be_answered_at_once) {
    serve({.on_head =
               [](const Request& request) {
                   return request.path() == "/small" ? BodyRules{.max_bytes = 10}
                                                     : BodyRules{.mode = BodyMode::streamed};
               },
           .on_request = [](const Request&, Response& response) { response.send_error(403); }});
    const std::string rest = " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n";
    HttpPeer small = connect();
    small.send("POST /small" + rest);
    EXPECT_EQ(small.read().status, 413u) << "the body is not asked for";
    EXPECT_TRUE(small.is_closed());
    HttpPeer forbidden = connect();
    forbidden.send("POST /forbidden" + rest);
    const Answer answer = forbidden.read();
    EXPECT_EQ(answer.status, 403u);
    EXPECT_TRUE(answer.says_close()) << "whether the body follows is not known";
    EXPECT_TRUE(forbidden.is_closed());
}

TEST_F(HttpRequestTest, a_peer_that_has_finished_sending_gets_its_answers) {
    serve({.on_request = [this](const Request& request, Response& response) {
        answer_later(request, response, "late");
    }});
    HttpPeer peer = connect();
    peer.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nPOST /3 HTTP/1.1\r\nHost: a\r\n"
        "Content-Length: 5\r\n\r\nabc");
    peer.finish_sending();
    EXPECT_EQ(peer.read().body, "late");
    EXPECT_EQ(peer.read().body, "late");
    EXPECT_EQ(peer.read().status, 400u) << "the third was cut off";
    EXPECT_TRUE(peer.is_closed());
    EXPECT_EQ(http_seen.seen().requests.size(), 2u);
}

}  // namespace
}  // namespace pollux::test
