// WebSocket clients: what they ask for, mistakes in their options, and servers that refuse.
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using ws::MessageType;
using ws::WebSocket;

/// How many fields of a request have that name.
std::size_t count_of(const std::string& request, std::string_view name) {
    Answer message;  // a head is a head
    message.head = request;
    return message.count(name);
}

class WsClientTest : public WsTest {
protected:
    [[nodiscard]] Status start_with(ws::ClientOptions options) {
        client = std::make_unique<ws::Client<WsRecording>>(engine, std::move(options), std::ref(ws_client_seen));
        return client->start();
    }

    /// The only attempt so far has failed with this.
    template <class Code>
    void expect_error(Code error) {
        ASSERT_TRUE(client_seen.wait_for_connect_errors(1));
        const Recorder::Seen all = client_seen.seen();
        EXPECT_EQ(all.connect_errors.size(), 1u);
        EXPECT_EQ(all.connect_errors[0].error, error) << all.connect_errors[0].error.message();
        EXPECT_EQ(all.connect_errors[0].attempt, 1u);
        EXPECT_FALSE(all.connect_errors[0].will_retry);
        EXPECT_EQ(all.opens, 0u);
        EXPECT_FALSE(client->connected());
    }
};

// Options.

TEST_F(WsClientTest, mistakes_in_the_url_are_told) {
    for (const std::string url :
         {"", "localhost", "ws:", "ws://", "ws:///path", "http://localhost/", "https://localhost/", "wsx://localhost/",
          "ws://localhost/#part", "ws://localhost#", "ws://localhost:99999/", "ws://localhost:x/", "ws://[::1/",
          "ws://local host/", "ws://localhost/a b", "ws://localhost/\r\nX: y"}) {
        SCOPED_TRACE(url);
        const Status status = start_with({.url = url});
        EXPECT_EQ(status.error(), Errc::invalid_url) << status;
        EXPECT_THAT(status.message(), HasSubstr("'" + url + "'"));
    }
}

TEST_F(WsClientTest, mistakes_in_other_options_are_told) {
    const std::string url = "ws://localhost:1/";
    std::vector<ws::ClientOptions> all(17, ws::ClientOptions{.url = url});
    all[0].headers = {{"Sec-WebSocket-Key", "x"}};
    all[1].headers = {{"sec-websocket-version", "13"}};
    all[2].headers = {{"Sec-WebSocket-Protocol", "chat"}};
    all[3].headers = {{"Sec-WebSocket-Extensions", "x"}};
    all[4].headers = {{"Connection", "close"}};
    all[5].headers = {{"Content-Length", "0"}};
    all[6].headers = {{"Origin", "a\r\nb"}};
    all[7].headers = {{"Bad Name", "x"}};
    all[8].protocols = {"chat", "not a token"};
    all[9].protocols = {""};
    all[10].upgrade_timeout = 0ms;
    all[11].socket.ping_interval = -1ms;
    all[12].socket.close_timeout = 0ms;
    all[13].socket.max_fragments = 0;
    all[14].socket.deflate.client_max_window_bits = 8;
    all[15].socket.deflate.level = 10;
    all[16].connect_timeout = 0ms;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Status status = start_with(all[i]);
        EXPECT_EQ(status.error(), Errc::invalid_option) << i << ": " << status;
    }
    EXPECT_EQ(start_with({.url = url, .endpoint = "nowhere"}).error(), Errc::invalid_endpoint);
}

// What is asked for.

TEST_F(WsClientTest, the_request_is_that_of_rfc_6455) {
    open_client({}, {.url = "WS://Example.org/chat/room?name=a%20b"});
    WsPeer peer = accept();
    const std::string request = peer.read_head();
    EXPECT_THAT(request, StartsWith("GET /chat/room?name=a%20b HTTP/1.1\r\n"));
    EXPECT_THAT(field_of(request, "Host"), testing::AnyOf("example.org", "Example.org"));
    EXPECT_EQ(field_of(request, "Connection"), "Upgrade");
    EXPECT_EQ(field_of(request, "Upgrade"), "websocket");
    EXPECT_EQ(field_of(request, "Sec-WebSocket-Version"), "13");
    EXPECT_EQ(field_of(request, "Sec-WebSocket-Key").size(), 24u);
    EXPECT_EQ(count_of(request, "Sec-WebSocket-Protocol"), 0u);
    EXPECT_EQ(count_of(request, "Sec-WebSocket-Extensions"), 0u);
    EXPECT_EQ(count_of(request, "Origin"), 0u);
}

TEST_F(WsClientTest, a_url_without_a_path_asks_for_the_root) {
    open_client({}, {.url = "ws://localhost:8080?x=1"});
    const std::string request = accept().read_head();
    EXPECT_THAT(request, StartsWith("GET /?x=1 HTTP/1.1\r\n"));
    EXPECT_EQ(field_of(request, "Host"), "localhost:8080");
}

TEST_F(WsClientTest, where_the_url_leads_it_connects_to) {
    serve(echoing());
    const std::string host = "127.0.0.1:" + std::to_string(server->port());
    ASSERT_TRUE(start_with({.url = "ws://" + host + "/"}));
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    EXPECT_TRUE(client->connected());
    EXPECT_EQ(client->connection_id(), client_seen.id());
    EXPECT_EQ(&client->engine(), &engine);
}

TEST_F(WsClientTest, fields_of_the_users_are_sent) {
    open_client({}, {.headers = {{"Origin", "https://example.org"},
                                 {"Cookie", "a=b"},
                                 {"Authorization", "Basic xyz"},
                                 {"Host", "other.example"}}});
    const std::string request = accept().read_head();
    EXPECT_EQ(field_of(request, "Origin"), "https://example.org");
    EXPECT_EQ(field_of(request, "Cookie"), "a=b");
    EXPECT_EQ(field_of(request, "Authorization"), "Basic xyz");
    EXPECT_EQ(field_of(request, "Host"), "other.example");
    EXPECT_EQ(count_of(request, "Host"), 1u);
}

TEST_F(WsClientTest, a_sub_protocol_is_offered_and_agreed_on) {
    std::string agreed;  // the reactor's
    open_client({.on_open = [&](WebSocket& socket) { agreed = socket.protocol(); }},
                {.protocols = {"chat.v2", "chat.v1"}});
    WsPeer peer = accept();
    const std::string request = peer.read_head();
    EXPECT_TRUE(field_of(request, "Sec-WebSocket-Protocol") == "chat.v2, chat.v1" ||
                count_of(request, "Sec-WebSocket-Protocol") == 2);
    peer.send(switching_answer(request, "Sec-WebSocket-Protocol: chat.v1\r\n"));
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    EXPECT_EQ(agreed, "chat.v1");
    peer.shake_hands_and_close();
}

TEST_F(WsClientTest, keys_are_different_each_time) {
    std::vector<std::string> keys;
    for (int i = 0; i < 3; ++i) {
        open_client();
        keys.push_back(field_of(accept().read_head(), "Sec-WebSocket-Key"));
    }
    EXPECT_NE(keys[0], keys[1]);
    EXPECT_NE(keys[1], keys[2]);
}

TEST_F(WsClientTest, messages_right_behind_the_answer_are_delivered) {
    open_client();
    WsPeer peer = accept();
    const std::string request = peer.read_head();
    peer.send(switching_answer(request) + peer.encode(text("at once")) + peer.encode(close(4000)));
    EXPECT_EQ(ws_client_seen.close().code, 4000);
    EXPECT_THAT(ws_client_seen.seen().messages, ElementsAre(SeenMessage{MessageType::text, "at once", true}));
}

TEST_F(WsClientTest, interim_answers_are_passed_over) {
    open_client();
    WsPeer peer = accept();
    const std::string request = peer.read_head();
    peer.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + switching_answer(request));
    EXPECT_TRUE(client_seen.wait_for_opens(1));
}

// Servers that refuse.

TEST_F(WsClientTest, a_server_that_answers_otherwise_refuses) {
    std::string header;  // the reactor's
    std::string body_length;
    open_client({.on_refused = [&](const http::ResponseHead& answer) {
        header = answer.headers.find("WWW-Authenticate").value_or("");
        body_length = std::to_string(answer.content_length.value_or(0));
    }});
    WsPeer peer = accept();
    static_cast<void>(peer.read_head());
    peer.send("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nsoon");
    expect_error(Errc::upgrade_refused);
    EXPECT_THAT(ws_client_seen.seen().refusals, ElementsAre(401u));
    EXPECT_EQ(header, "Basic");
    EXPECT_EQ(body_length, "4");
}

TEST_F(WsClientTest, an_answer_that_is_not_as_rfc_6455_wants_it_refuses) {
    const auto with = [](std::string_view fields) {
        return [fields](const std::string& request) { return switching_answer(request, fields); };
    };
    const auto instead = [](std::string_view from, std::string_view to) {
        return [from, to](const std::string& request) {
            std::string answer = switching_answer(request);
            return answer.replace(answer.find(from), from.size(), to);
        };
    };
    const std::vector<std::function<std::string(const std::string&)>> answers{
        instead("Accept: ", "Accept: x"),
        instead("Upgrade: websocket\r\n", ""),
        instead("Connection: Upgrade\r\n", ""),
        instead("websocket", "other"),
        with("Sec-WebSocket-Protocol: not-offered\r\n"),
        with("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        with("Sec-WebSocket-Extensions: unknown\r\n"),
    };
    for (std::size_t i = 0; i < answers.size(); ++i) {
        SCOPED_TRACE(i);
        open_client();
        WsPeer peer = accept();
        peer.send(answers[i](peer.read_head()));
        ASSERT_TRUE(client_seen.wait_for_connect_errors(i + 1));
        EXPECT_EQ(client_seen.seen().connect_errors[i].error, Errc::upgrade_refused);
        EXPECT_EQ(ws_client_seen.seen().refusals.size(), i + 1);
        EXPECT_NE(peer.end(), HttpEnd::timed_out);
    }
    EXPECT_EQ(client_seen.seen().opens, 0u);
}

TEST_F(WsClientTest, an_answer_that_is_none_is_an_error_of_the_protocol) {
    open_client();
    WsPeer peer = accept();
    static_cast<void>(peer.read_head());
    peer.send("SSH-2.0-OpenSSH\r\n\r\n");
    expect_error(Errc::protocol_error);
    EXPECT_TRUE(ws_client_seen.seen().refusals.empty());
}

TEST_F(WsClientTest, a_server_that_hangs_up_before_it_answers) {
    open_client();
    WsPeer peer = accept();
    static_cast<void>(peer.read_head());
    peer.finish_sending();
    expect_error(Errc::closed_by_peer);
}

TEST_F(WsClientTest, a_server_that_never_answers_is_waited_for_as_long_as_agreed) {
    open_client({}, {.upgrade_timeout = 20ms});
    WsPeer peer = accept();
    static_cast<void>(peer.read_head());
    peer.send("HTTP/1.1 101 Switching");
    expect_error(Errc::timed_out);
}

TEST_F(WsClientTest, a_server_that_drips_its_answer_does_not_get_more_time) {
    open_client({}, {.upgrade_timeout = 20ms});
    WsPeer peer = accept();
    static_cast<void>(peer.read_head());
    peer.send("HTTP/1.1 101 Switching Protocols\r\nX: ");
    while (peer.try_send("x") && client_seen.seen().connect_errors.empty()) {
        std::this_thread::sleep_for(1ms);
    }
    expect_error(Errc::timed_out);
}

TEST_F(WsClientTest, nobody_listens) {
    std::string nobody;
    {
        const RawListener listener_once{Transport::tcp};
        nobody = listener_once.endpoint();
    }
    ASSERT_TRUE(start_with({.url = "ws://localhost/", .endpoint = nobody}));
    expect_error(std::errc::connection_refused);
}

// Endpoints and TLS.

using WsClientWireTest = WsWireTest;
INSTANTIATE_TEST_SUITE_P(Net, WsClientWireTest, every_wire, wire_name);

TEST_P(WsClientWireTest, talks_to_our_server) {
    serve(echoing());
    open_client({.on_open =
                     [this](WebSocket& socket) {
                         EXPECT_EQ(socket.connection().is_secure(), wire == Wire::tls);
                         EXPECT_EQ(socket.connection().server(), nullptr);
                         EXPECT_EQ(socket.send("hello"), Result::ok);
                     },
                 .on_message = [](WebSocket& socket, MessageType, Bytes) { socket.close(4000, "bye"); }});
    const SeenClose end = ws_client_seen.close();
    EXPECT_EQ(end.code, 4000);
    EXPECT_EQ(end.cause, CloseReason::local_close);
    EXPECT_EQ(ws_seen.close().reason, "bye");
    EXPECT_FALSE(client->connected());
    EXPECT_EQ(client->send("too late"), Result::closed);
    EXPECT_EQ(client->ping(), Result::closed);
    EXPECT_EQ(client->close(), Result::closed);
}

TEST_P(WsClientWireTest, sends_of_every_kind_by_the_client) {
    serve();
    open_client();
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    EXPECT_EQ(client->send("text"), Result::ok);
    EXPECT_EQ(client->send(std::string_view{"view"}), Result::ok);
    EXPECT_EQ(client->send(as_bytes("binary")), Result::ok);
    EXPECT_EQ(client->ping(as_bytes("ping")), Result::ok);
    EXPECT_TRUE(ws_client_seen.wait_for_pongs(1));
    EXPECT_EQ(client->close(4000, "bye"), Result::ok);
    EXPECT_EQ(ws_seen.close().reason, "bye");
    EXPECT_THAT(ws_seen.seen().messages,
                ElementsAre(SeenMessage{MessageType::text, "text"}, SeenMessage{MessageType::text, "view"},
                            SeenMessage{MessageType::binary, "binary"}));
    EXPECT_THAT(ws_seen.seen().pings, ElementsAre("ping"));
    EXPECT_THAT(ws_client_seen.seen().pongs, ElementsAre("ping"));
}

class WssClientTest : public WsClientTest {
protected:
    WssClientTest() { wire = Wire::tls; }
};

TEST_F(WssClientTest, a_server_by_another_name_is_not_trusted) {
    serve();
    open_client({}, {.url = "wss://elsewhere.example/"});
    ASSERT_TRUE(client_seen.wait_for_connect_errors(1));
    EXPECT_EQ(client_seen.seen().connect_errors[0].error.category(), certificate_category());
    EXPECT_EQ(client_seen.seen().opens, 0u);
}

TEST_F(WssClientTest, an_authority_that_the_system_does_not_know_is_not_trusted) {
    serve();
    ASSERT_TRUE(start_with({.url = "wss://localhost/", .endpoint = endpoint_of(server->address())}));
    ASSERT_TRUE(client_seen.wait_for_connect_errors(1));
    EXPECT_EQ(client_seen.seen().connect_errors[0].error.category(), certificate_category());
}

TEST_F(WssClientTest, tls_is_the_urls_choice) {
    wire = Wire::tcp;
    serve(echoing());
    ASSERT_TRUE(
        start_with({.url = "ws://localhost/", .endpoint = endpoint_of(server->address()), .tls = client_context()}));
    ASSERT_TRUE(client_seen.wait_for_opens(1));
}

}  // namespace
}  // namespace pollux::test
