// RFC 6455, 4.2 and 9.1: the opening handshake of our server, against requests right and wrong.
#include <gmock/gmock.h>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// The field lines of a request that is right.
const std::vector<std::string> good_lines{"Host: test", "Connection: Upgrade", "Upgrade: websocket",
                                          "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + std::string{sample_key}};

std::string request_of(std::string_view line, const std::vector<std::string>& fields) {
    std::string request{line};
    request += "\r\n";
    for (const std::string& field : fields) request.append(field).append("\r\n");
    return request += "\r\n";
}

/// That request with the line that begins so replaced, or left out if `with` is empty.
std::string request_with(std::string_view name, const std::string& with) {
    std::vector<std::string> fields;
    for (const std::string& field : good_lines) {
        if (!field.starts_with(name)) fields.push_back(field);
    }
    if (!with.empty()) fields.push_back(with);
    return request_of("GET / HTTP/1.1", fields);
}

class WsServerHandshakeTest : public WsWireTest {
protected:
    /// The answer to a request on a connection of its own.
    [[nodiscard]] Answer answer_to(std::string_view request) const {
        WsPeer peer = connect();
        peer.send(request);
        return peer.read_answer();
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsServerHandshakeTest, every_wire, wire_name);

// 4.2.1: reading the request.

TEST_P(WsServerHandshakeTest, rfc6455_4_2_1_requests_however_they_are_written_are_upgraded) {
    serve(echoing());
    const std::vector<std::string> requests{
        upgrade_request(),
        upgrade_request("/a/path?query=1"),
        upgrade_request("http://test/absolute"),
        request_with("Connection", "Connection: keep-alive, Upgrade"),
        request_with("Connection", "connection:upgrade"),
        request_with("Connection", "Connection: close\r\nConnection: UPGRADE"),
        request_with("Upgrade", "Upgrade: WebSocket"),
        request_with("Upgrade", "upgrade: h2c, WEBSOCKET"),
        request_with("Upgrade", "Upgrade: h2c\r\nUpgrade: websocket"),
        request_with("Sec-WebSocket-Key", "sec-websocket-key: \t AAAAAAAAAAAAAAAAAAAAAA== \t"),
        request_with("none", "Sec-WebSocket-Extensions: unknown, other; a=1; b=\"c\""),
        request_with("none", "Sec-WebSocket-Protocol: chat, superchat"),
        request_with("none", "Origin: http://elsewhere"),
        request_with("none", "Content-Length: 0"),
    };
    for (const std::string& request : requests) {
        SCOPED_TRACE(request);
        WsPeer peer = connect();
        peer.send(request);
        ASSERT_EQ(peer.read_answer().status, 101u);
        peer.send(text("hello"));
        EXPECT_EQ(peer.read(), text("hello"));
        peer.shake_hands_and_close();
    }
}

TEST_P(WsServerHandshakeTest, rfc6455_4_2_1_requests_with_something_missing_or_wrong_are_not_upgraded) {
    serve();
    struct Case {
        const char* what;
        unsigned status;
        std::string request;
    };
    const std::string key = "Sec-WebSocket-Key: ";
    const std::vector<Case> cases{
        {"1. POST", 405, request_of("POST / HTTP/1.1", good_lines)},
        {"1. HTTP/1.0", 426, request_of("GET / HTTP/1.0", good_lines)},
        {"2. no Host", 400, request_with("Host", "")},
        {"3. no Upgrade", 426, request_with("Upgrade", "")},
        {"3. another protocol", 426, request_with("Upgrade", "Upgrade: websockets, web socket")},
        {"4. no Connection", 426, request_with("Connection", "")},
        {"4. another Connection", 426, request_with("Connection", "Connection: keep-alive, upgraded")},
        {"5. no key", 400, request_with("Sec-WebSocket-Key", "")},
        {"5. an empty key", 400, request_with("Sec-WebSocket-Key", key)},
        {"5. a key of 15 bytes", 400, request_with("Sec-WebSocket-Key", key + "AAAAAAAAAAAAAAAAAAAA")},
        {"5. a key of 17 bytes", 400, request_with("Sec-WebSocket-Key", key + "AAAAAAAAAAAAAAAAAAAAAAA=")},
        {"5. a key of 18 bytes", 400, request_with("Sec-WebSocket-Key", key + "AAAAAAAAAAAAAAAAAAAAAAAA")},
        {"5. a key with a bit too many", 400, request_with("Sec-WebSocket-Key", key + "AAAAAAAAAAAAAAAAAAAAAB==")},
        {"5. a key that is not base64", 400, request_with("Sec-WebSocket-Key", key + "AAAAAAAAAAAAAA*AAAAAAA==")},
        {"5. a key in base64url", 400, request_with("Sec-WebSocket-Key", key + "AAAAAAAAAAAAAA-_AAAAAA==")},
        {"5. two keys", 400, request_with("none", key + "AAAAAAAAAAAAAAAAAAAAAA==")},
        {"6. no version", 426, request_with("Sec-WebSocket-Version", "")},
        {"6. version 8", 426, request_with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8")},
        {"6. version 14", 426, request_with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 14")},
        {"6. version 013", 426, request_with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 013")},
        {"6. two versions in one", 426, request_with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8")},
        {"6. two versions", 426, request_with("none", "Sec-WebSocket-Version: 13")},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.what);
        const Answer answer = answer_to(each.request);
        EXPECT_EQ(answer.status, each.status) << answer.head;
        EXPECT_EQ(answer.count("Sec-WebSocket-Accept"), 0u);
    }
    EXPECT_EQ(seen.seen().opens, 0u);
}

TEST_P(WsServerHandshakeTest, rfc6455_4_2_1_a_request_with_a_body_is_not_upgraded) {
    serve();
    WsPeer peer = connect();
    peer.send(request_with("none", "Content-Length: 4") + "body");
    EXPECT_GE(peer.read_answer().status, 400u);
    WsPeer chunked = connect();
    chunked.send(request_with("none", "Transfer-Encoding: chunked") + "0\r\n\r\n");
    EXPECT_GE(chunked.read_answer().status, 400u);
    EXPECT_EQ(seen.seen().opens, 0u);
}

// 4.2.2: the answer.

TEST_P(WsServerHandshakeTest, rfc6455_4_2_2_the_answer_has_what_it_needs_and_nothing_more) {
    serve();
    const Answer answer = answer_to(upgrade_request());
    EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
    EXPECT_EQ(answer.field("Upgrade"), "websocket");
    EXPECT_EQ(answer.field("Connection"), "Upgrade");
    EXPECT_EQ(answer.field("Sec-WebSocket-Accept"), sample_accept);
    EXPECT_EQ(answer.count("Sec-WebSocket-Accept"), 1u);
    for (const char* name : {"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Version",
                             "Content-Length", "Transfer-Encoding"}) {
        EXPECT_EQ(answer.count(name), 0u) << name;
    }
}

TEST_P(WsServerHandshakeTest, rfc6455_4_2_2_the_version_that_is_spoken_is_told) {
    serve();
    const Answer answer = answer_to(request_with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 25"));
    EXPECT_EQ(answer.status, 426u);
    EXPECT_EQ(answer.field("Sec-WebSocket-Version"), "13");
    EXPECT_EQ(answer.field("Upgrade"), "websocket") << "RFC 9110, 15.5.22";
    EXPECT_EQ(answer.field("Connection"), "Upgrade") << "RFC 9110, 7.8: Upgrade is for this connection alone";
}

TEST_P(WsServerHandshakeTest, rfc6455_4_2_2_a_sub_protocol_is_one_that_was_offered) {
    serve({}, {.protocols = {"v2", "v1"}});
    struct Case {
        const char* offer;
        const char* chosen;
    };
    const std::vector<Case> cases{
        {"", ""},
        {"Sec-WebSocket-Protocol: v1\r\n", "v1"},
        {"Sec-WebSocket-Protocol: v1, v2\r\n", "v2"},
        {"Sec-WebSocket-Protocol: v3,\tv2 ,v1\r\n", "v2"},
        {"Sec-WebSocket-Protocol: v3\r\nSec-WebSocket-Protocol: v1\r\n", "v1"},
        {"Sec-WebSocket-Protocol: v3, v4\r\n", ""},
        {"Sec-WebSocket-Protocol: V2, v\r\n", ""},
        {"Sec-WebSocket-Protocol: , ,\r\n", ""},
    };
    for (const auto& [offer, chosen] : cases) {
        SCOPED_TRACE(offer);
        const Answer answer = answer_to(upgrade_request("/", offer));
        EXPECT_EQ(answer.status, 101u);
        EXPECT_EQ(answer.field("Sec-WebSocket-Protocol").value_or(""), chosen);
    }
}

TEST_P(WsServerHandshakeTest, rfc6455_4_2_2_an_origin_that_is_not_wanted_is_refused_with_403) {
    serve({}, {.origins = {"https://example.org", "https://example.org:8443"}});
    EXPECT_EQ(answer_to(upgrade_request()).status, 101u) << "not a browser";
    EXPECT_EQ(answer_to(upgrade_request("/", "Origin: https://example.org\r\n")).status, 101u);
    EXPECT_EQ(answer_to(upgrade_request("/", "Origin: https://example.org:8443\r\n")).status, 101u);
    for (const char* origin : {"http://example.org", "https://example.org.evil", "https://evil", "null", ""}) {
        SCOPED_TRACE(origin);
        const Answer answer = answer_to(upgrade_request("/", std::string{"Origin: "} + origin + "\r\n"));
        EXPECT_EQ(answer.status, 403u);
        EXPECT_EQ(answer.count("Sec-WebSocket-Accept"), 0u);
    }
}

TEST_P(WsServerHandshakeTest, rfc6455_4_2_2_two_origins_are_refused) {
    serve({}, {.origins = {"https://example.org"}});
    const Answer answer = answer_to(upgrade_request("/", "Origin: https://example.org\r\nOrigin: https://evil\r\n"));
    EXPECT_GE(answer.status, 400u);
}

// 9.1: extensions.

TEST_P(WsServerHandshakeTest, rfc6455_9_1_extensions_that_are_unknown_or_malformed_are_not_taken) {
    serve({}, {.socket = {.deflate = {.enabled = true}}});
    for (const char* offer :
         {"unknown", "unknown; permessage-deflate", "permessage-deflate-x", "permessage-deflate=1",
          "permessage-deflate; =", "permessage-deflate; \"x\"", ";", "=", "\"permessage-deflate\""}) {
        SCOPED_TRACE(offer);
        const Answer answer =
            answer_to(upgrade_request("/", std::string{"Sec-WebSocket-Extensions: "} + offer + "\r\n"));
        EXPECT_EQ(answer.count("Sec-WebSocket-Extensions"), 0u);
        EXPECT_TRUE(answer.status == 101 || answer.status == 400) << answer.status;
    }
}

TEST_P(WsServerHandshakeTest, rfc6455_9_1_extensions_may_be_on_several_lines) {
    serve({}, {.socket = {.deflate = {.enabled = true}}});
    const Answer answer = answer_to(
        upgrade_request("/",
                        "Sec-WebSocket-Extensions: unknown; a\r\nSec-WebSocket-Extensions: , permessage-deflate ;\r\n"
                        " server_no_context_takeover\r\n"));
    EXPECT_EQ(answer.status, 400u) << "obsolete line folding is no field of HTTP/1.1";
    const Answer split = answer_to(upgrade_request(
        "/", "Sec-WebSocket-Extensions: unknown; a\r\nSec-WebSocket-Extensions: , permessage-deflate\r\n"));
    EXPECT_THAT(split.field("Sec-WebSocket-Extensions").value_or(""), HasSubstr("permessage-deflate"));
}

}  // namespace
}  // namespace pollux::test
