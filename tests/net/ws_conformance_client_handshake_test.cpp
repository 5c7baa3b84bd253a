// RFC 6455, 3, 4.1 and 10.3: the opening handshake of our client, against answers right and wrong, and its masks.
#include <gmock/gmock.h>

#include <openssl/evp.h>

#include <set>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// The bytes that base64 stands for; none if it is not 24 characters of it.
std::vector<unsigned char> decoded(const std::string& text) {
    std::vector<unsigned char> bytes(18);
    if (text.size() != 24 || !text.ends_with("==")) return {};
    if (EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()), 24) != 18) return {};
    bytes.resize(16);
    return bytes;
}

class WsClientHandshakeTest : public WsWireTest {
protected:
    /// The request that these options make.
    [[nodiscard]] std::string request_of(ws::ClientOptions options) {
        open_client({}, std::move(options));
        WsPeer peer = accept();
        return peer.read_head();
    }

    /// What comes of a server that answers so.
    [[nodiscard]] ConnectError outcome_of(const std::function<std::string(const std::string&)>& answer,
                                          ws::ClientOptions options = {}) {
        const std::size_t before = client_seen.seen().connect_errors.size();
        open_client({}, std::move(options));
        WsPeer peer = accept();
        peer.send(answer(peer.read_head()));
        const HttpEnd end = peer.end();
        EXPECT_TRUE(end == HttpEnd::closed || end == HttpEnd::reset) << "nothing is said to a server like that";
        peer.socket().close();
        EXPECT_TRUE(client_seen.wait_for_connect_errors(before + 1));
        const auto errors = client_seen.seen().connect_errors;
        return errors.size() > before ? errors[before] : ConnectError{};
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsClientHandshakeTest, every_wire, wire_name);

// 3, 4.1: the request.

TEST_P(WsClientHandshakeTest, rfc6455_4_1_the_request_has_what_it_needs) {
    const std::string request = request_of({});
    EXPECT_THAT(request, StartsWith("GET / HTTP/1.1\r\n"));
    EXPECT_EQ(field_of(request, "Host"), "localhost");
    EXPECT_EQ(field_of(request, "Upgrade"), "websocket");
    EXPECT_THAT(field_of(request, "Connection"), AnyOf("Upgrade", "upgrade"));
    EXPECT_EQ(field_of(request, "Sec-WebSocket-Version"), "13");
    EXPECT_EQ(decoded(field_of(request, "Sec-WebSocket-Key")).size(), 16u);
    EXPECT_THAT(request, Not(HasSubstr("Sec-WebSocket-Protocol")));
    EXPECT_THAT(request, Not(HasSubstr("Sec-WebSocket-Extensions")));
    EXPECT_THAT(request, Not(HasSubstr("Origin")));
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_the_key_is_another_one_for_each_connection) {
    std::set<std::vector<unsigned char>> keys;
    for (int i = 0; i < 5; ++i) keys.insert(decoded(field_of(request_of({}), "Sec-WebSocket-Key")));
    EXPECT_EQ(keys.size(), 5u);
}

TEST_P(WsClientHandshakeTest, rfc6455_3_the_url_says_host_path_and_query) {
    const std::string scheme = wire == Wire::tls ? "wss" : "ws";
    const auto ask = [&](const std::string& rest) { return request_of({.url = scheme + "://localhost" + rest}); };
    const auto line = [](const std::string& request) { return request.substr(0, request.find("\r\n")); };
    EXPECT_EQ(line(ask("/chat?room=1&x=/?")), "GET /chat?room=1&x=/? HTTP/1.1");
    EXPECT_EQ(line(ask("")), "GET / HTTP/1.1");
    EXPECT_EQ(line(ask("?q")), "GET /?q HTTP/1.1");
    EXPECT_EQ(line(ask("/%C3%BC%20")), "GET /%C3%BC%20 HTTP/1.1");
    EXPECT_EQ(field_of(ask(":8080/"), "Host"), "localhost:8080");
    EXPECT_EQ(field_of(ask(wire == Wire::tls ? ":443/" : ":80/"), "Host"), "localhost");
}

TEST_P(WsClientHandshakeTest, rfc6455_3_urls_that_are_none_are_not_tried) {
    for (const char* url : {"", "localhost", "http://localhost/", "ftp://localhost/", "ws:/localhost", "ws://",
                            "ws://localhost/#fragment", "ws://localhost/ ", "ws://local host/", "ws://localhost:0x50/",
                            "ws://localhost:65536/"}) {
        SCOPED_TRACE(url);
        ws::Client<WsRecording> refused{engine, {.url = url}, std::ref(ws_client_seen)};
        EXPECT_EQ(refused.start().error(), Errc::invalid_url);
    }
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_further_fields_protocols_and_extensions_are_sent) {
    const std::string request = request_of({.socket = {.deflate = {.enabled = true}},
                                            .headers = {{"Origin", "https://example.org"}, {"Cookie", "a=b"}},
                                            .protocols = {"v2", "v1"}});
    EXPECT_EQ(field_of(request, "Origin"), "https://example.org");
    EXPECT_EQ(field_of(request, "Cookie"), "a=b");
    EXPECT_EQ(field_of(request, "Sec-WebSocket-Protocol"), "v2") << "the best first";
    EXPECT_THAT(request, HasSubstr("v1"));
    EXPECT_THAT(field_of(request, "Sec-WebSocket-Extensions"), StartsWith("permessage-deflate"));
}

// 4.1: the answer.

TEST_P(WsClientHandshakeTest, rfc6455_4_1_answers_however_they_are_written_are_taken) {
    const std::vector<std::string> replacements{
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "connection:upgrade\r\nupgrade:WebSocket\r\n",
        "Connection: keep-alive, UPGRADE\r\nUpgrade: WEBSOCKET\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX: y\r\n",
    };
    std::size_t opened = 0;
    for (const std::string& fields : replacements) {
        SCOPED_TRACE(fields);
        open_client();
        WsPeer peer = accept();
        const std::string accept_line =
            "Sec-WebSocket-Accept: " + field_of(switching_answer(peer.read_head()), "Sec-WebSocket-Accept") + "\r\n";
        peer.send("HTTP/1.1 101 Whatever\r\n" + fields + accept_line + "\r\n");
        EXPECT_TRUE(client_seen.wait_for_opens(++opened));
        peer.shake_hands_and_close();
        EXPECT_TRUE(client_seen.wait_for_closes(opened));
    }
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_an_answer_that_is_cut_anywhere_is_taken) {
    const std::string behind = wire == Wire::tls ? "" : encode(text("behind"), Role::server);
    for (std::size_t part = 0; part < 4; ++part) {
        open_client();
        WsPeer peer = accept();
        const std::string all = switching_answer(peer.read_head()) + behind;
        const std::size_t at = all.size() * part / 4 + 1;
        peer.send(std::string_view{all}.substr(0, at));
        settle();
        peer.send(std::string_view{all}.substr(at));
        EXPECT_TRUE(client_seen.wait_for_opens(part + 1));
        peer.shake_hands_and_close();
        EXPECT_TRUE(client_seen.wait_for_closes(part + 1));
    }
    open_client();
    WsPeer peer = accept();
    send_bytewise(peer, switching_answer(peer.read_head()) + behind);
    EXPECT_TRUE(client_seen.wait_for_opens(5));
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_frames_right_behind_the_answer_are_taken) {
    open_client(echoing());
    WsPeer peer = accept();
    peer.send(switching_answer(peer.read_head()) + peer.encode(text("behind")) + peer.encode(ping("p")));
    EXPECT_EQ(peer.read(), text("behind"));
    EXPECT_EQ(peer.read(), pong("p"));
    peer.shake_hands_and_close();
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_answers_with_something_wrong_are_refused) {
    struct Case {
        const char* what;
        std::string from;  ///< What of a right answer,
        std::string to;    ///< becomes what.
    };
    const std::string accept = "Sec-WebSocket-Accept: ";
    const std::vector<Case> cases{
        {"1. not 101", "101 Switching Protocols", "200 OK"},
        {"2. no Upgrade", "Upgrade: websocket\r\n", ""},
        {"2. another protocol", "Upgrade: websocket", "Upgrade: websockets"},
        {"3. no Connection", "Connection: Upgrade\r\n", ""},
        {"3. another Connection", "Connection: Upgrade", "Connection: close"},
        {"4. no Sec-WebSocket-Accept", accept, "X-Accept: "},
        {"4. a wrong one", accept, accept + "A"},
        {"4. that of another key", accept, accept + std::string{sample_accept} + "\r\nX: "},
        {"4. two", accept, accept + std::string{sample_accept} + "\r\n" + accept},
        {"5. an extension", "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"},
        {"5. an unknown extension", "\r\n\r\n", "\r\nSec-WebSocket-Extensions: unknown\r\n\r\n"},
        {"6. a sub-protocol", "\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n"},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.what);
        const ConnectError error = outcome_of([&](const std::string& request) {
            std::string answer = switching_answer(request);
            return answer.replace(answer.find(each.from), each.from.size(), each.to);
        });
        EXPECT_EQ(error.error, Errc::upgrade_refused);
        EXPECT_FALSE(error.will_retry);
    }
    EXPECT_EQ(client_seen.seen().opens, 0u);
    EXPECT_EQ(ws_client_seen.seen().refusals.size(), cases.size()) << "each is shown before";
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_an_empty_list_of_extensions_is_none) {
    open_client();
    WsPeer peer = accept_upgraded("Sec-WebSocket-Extensions:\r\n");
    EXPECT_TRUE(client_seen.wait_for_opens(1));
    peer.shake_hands_and_close();
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_the_sub_protocol_is_one_that_was_offered_once) {
    const auto answer_with = [](std::string_view fields) {
        return [fields](const std::string& request) { return switching_answer(request, fields); };
    };
    const ws::ClientOptions options{.protocols = {"v2", "v1"}};
    for (const char* fields :
         {"Sec-WebSocket-Protocol: v3\r\n", "Sec-WebSocket-Protocol: V1\r\n", "Sec-WebSocket-Protocol: v1, v2\r\n",
          "Sec-WebSocket-Protocol:\r\n", "Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Protocol: v2\r\n"}) {
        SCOPED_TRACE(fields);
        EXPECT_EQ(outcome_of(answer_with(fields), options).error, Errc::upgrade_refused);
    }
    std::string chosen;
    open_client({.on_open = [&](ws::WebSocket& socket) { chosen = socket.protocol(); }}, options);
    WsPeer peer = accept_upgraded("Sec-WebSocket-Protocol: v1\r\n");
    EXPECT_TRUE(client_seen.wait_for_opens(1));
    EXPECT_EQ(chosen, "v1");
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_other_statuses_are_shown_and_refused) {
    for (const unsigned status : {301u, 401u, 403u, 404u, 426u, 500u, 503u}) {
        SCOPED_TRACE(status);
        const ConnectError error = outcome_of([&](const std::string&) {
            return "HTTP/1.1 " + std::to_string(status) + " Refused\r\nContent-Length: 4\r\n\r\nbody";
        });
        EXPECT_EQ(error.error, Errc::upgrade_refused);
    }
    EXPECT_THAT(ws_client_seen.seen().refusals, ElementsAre(301u, 401u, 403u, 404u, 426u, 500u, 503u));
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_what_is_no_answer_is_an_error) {
    const std::vector<std::string> answers{"\r\n\r\n\r\n", "HTTP/2.0 101 no\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
                                           "HTTP/1.1 101\r\nBad Name: x\r\n\r\n", encode(text("frame"), Role::server)};
    for (const std::string& answer : answers) {
        SCOPED_TRACE(testing::PrintToString(answer));
        EXPECT_TRUE(outcome_of([&](const std::string&) { return answer; }, {.upgrade_timeout = 50ms}).error);
    }
    EXPECT_EQ(client_seen.seen().opens, 0u);
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_a_server_that_says_nothing_is_not_waited_for) {
    open_client({}, {.upgrade_timeout = 50ms});
    WsPeer peer = accept();
    ASSERT_TRUE(client_seen.wait_for_connect_errors(1));
    EXPECT_EQ(client_seen.seen().connect_errors[0].error, Errc::timed_out);
}

TEST_P(WsClientHandshakeTest, rfc6455_4_1_a_server_that_drips_its_answer_is_not_waited_for) {
    open_client({}, {.upgrade_timeout = 50ms});
    WsPeer peer = accept();
    const std::string answer = switching_answer(peer.read_head());
    // One byte a turn keeps the connection busy; the last one never comes.
    for (std::size_t at = 0; at + 1 < answer.size() && peer.try_send(std::string_view{answer}.substr(at, 1)); ++at) {
        turn_all(engine, 1);
    }
    ASSERT_TRUE(client_seen.wait_for_connect_errors(1));
    EXPECT_EQ(client_seen.seen().opens, 0u);
}

// 10.3: masks.

TEST_P(WsClientHandshakeTest, rfc6455_10_3_every_frame_has_a_mask_of_its_own) {
    constexpr std::size_t count = 200;
    open_client({.on_open = [](ws::WebSocket& socket) {
        for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(socket.send("the same"), Result::ok);
        EXPECT_EQ(socket.ping("the same"), Result::ok);
    }});
    WsPeer peer = accept_upgraded();
    std::set<std::string> keys;
    std::array<unsigned, 32> ones{};
    for (std::size_t i = 0; i <= count; ++i) {
        const std::optional<WsFrame> frame = peer.read();
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame->payload, "the same");
        keys.insert(frame->key);
        for (std::size_t bit = 0; bit < ones.size(); ++bit) {
            ones[bit] += static_cast<unsigned>(frame->key[bit / 8] >> bit % 8) & 1U;
        }
    }
    EXPECT_EQ(keys.size(), count + 1) << "by chance two of 200 are alike once in 200,000 runs";
    for (const unsigned one : ones) EXPECT_TRUE(one > count / 10 && one < count * 9 / 10) << "no bit is foreseeable";
}

TEST_P(WsClientHandshakeTest, rfc6455_10_3_a_message_that_is_sent_in_pieces_is_masked_throughout) {
    const std::string large = pattern(0, 300'001);
    open_client({.on_open = [&](ws::WebSocket& socket) { EXPECT_EQ(socket.send(as_bytes(large)), Result::ok); }});
    WsPeer peer = accept_upgraded();
    EXPECT_EQ(peer.read(), binary(large));
}

}  // namespace
}  // namespace pollux::test
