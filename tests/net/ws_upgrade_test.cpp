// Requests that become WebSockets: routes beside pages, how they are judged, and what stood before and behind them.
#include <gmock/gmock.h>

#include <pollux/http/server.h>

#include <atomic>

#include "net/response_ids.h"
#include "net/ws_support.h"

namespace pollux::test {
namespace {

using http::Request;
using http::Response;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using ws::Acceptance;
using ws::MessageType;

constexpr std::string_view get_page = "GET /page HTTP/1.1\r\nHost: test\r\n\r\n";

/// Made without arguments.
struct Deaf : ws::Handler {
    void on_message(ws::WebSocket& /*socket*/, MessageType /*type*/, Bytes /*data*/) override {}
};

class WsUpgradeTest : public WsWireTest {
protected:
    WsUpgradeTest() {
        router.get("/page", [](const Request&, Response& response) { response.send("page"); });
    }

    /// A route whose WebSockets record and send messages back.
    void add_route(std::string_view pattern, const ws::RouteOptions& options = {}) {
        router.websocket<WsRecording>(pattern, options, std::ref(ws_seen), echoing());
    }

    /// Listens with the routes that were added so far.
    void serve_routes(const http::Options& options = {}) {
        pages = std::make_unique<http::Server<http::RouterHandler>>(
            engine,
            ServerOptions{.endpoint = fresh_endpoint(transport_of(wire)),
                          .tls = wire == Wire::tls ? server_context() : TlsContext{}},
            options, router);
        const Status status = pages->start();
        ASSERT_TRUE(status) << status;
    }

    /// A route whose answer is put off: its id goes to `put_off`.
    void add_later(std::string_view pattern) {
        router.get(pattern, [this](const Request&, Response& response) { put_off.put(response.later()); });
    }

    /// What answers an id that was put off.
    void upgrade_late(Response& response) {
        // Nothing of it has to outlive the call.
        const ws::RouteOptions options{.socket = {.automatic_pong = false}, .protocols = {"late"}};
        EXPECT_EQ(ws::upgrade<WsRecording>(response, options, std::ref(ws_seen), echoing()), Result::ok);
        EXPECT_TRUE(response.complete());
    }

    [[nodiscard]] WsPeer peer() const { return connect_to(pages->address()); }

    /// A page on the same connection.
    static void expect_page(WsPeer& peer) {
        peer.send(get_page);
        EXPECT_EQ(peer.read_answer().body, "page");
    }

    static void expect_echo(WsPeer& peer) {
        peer.send(text("hello"));
        EXPECT_EQ(peer.read(), text("hello"));
    }

    void TearDown() override {
        pages.reset();
        WsWireTest::TearDown();
    }

    http::Router router;
    std::unique_ptr<http::Server<http::RouterHandler>> pages;
    ResponseIds put_off;
};

INSTANTIATE_TEST_SUITE_P(Net, WsUpgradeTest, every_wire, wire_name);

// Routes.

TEST_P(WsUpgradeTest, one_port_serves_pages_and_sockets) {
    add_route("/chat");
    add_route("/");
    serve_routes();
    WsPeer page = peer();
    expect_page(page);
    for (const char* path : {"/chat", "/"}) {
        WsPeer socket = peer();
        expect_page(socket);
        EXPECT_EQ(socket.upgrade(path).status, 101u);
        expect_echo(socket);
        socket.shake_hands_and_close();
    }
    expect_page(page);
    EXPECT_EQ(peer().upgrade("/other").status, 404u);
}

TEST_P(WsUpgradeTest, groups_and_parameters_are_those_of_any_route) {
    std::vector<std::string> rooms;
    const ws::RouteOptions options{.judge = [&](const Request& request, Response&, Acceptance&) {
        rooms.push_back(std::string{request.parameter("version")} + " " + std::string{request.parameter("room")});
    }};
    router.group("/api/:version")
        .group("/rooms")
        .websocket<WsRecording>("/:room", options, std::ref(ws_seen), echoing());
    router.group("/plain").websocket<Deaf>("");
    serve_routes();
    for (const char* path : {"/api/v1/rooms/blue?x", "/api/v2/rooms/a%20b"}) {
        WsPeer socket = peer();
        EXPECT_EQ(socket.upgrade(path).status, 101u);
        expect_echo(socket);
    }
    EXPECT_EQ(peer().upgrade("/plain").status, 101u);
    EXPECT_THAT(rooms, ElementsAre("v1 blue", "v2 a b"));
}

TEST_P(WsUpgradeTest, a_route_answers_requests_that_do_not_upgrade) {
    add_route("/chat");
    serve_routes();
    WsPeer socket = peer();
    socket.send("GET /chat HTTP/1.1\r\nHost: test\r\n\r\n");
    const Answer answer = socket.read_answer();
    EXPECT_EQ(answer.status, 426u);
    EXPECT_EQ(answer.field("Upgrade"), "websocket");
    socket.send("POST /chat HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_EQ(socket.read_answer().status, 405u);
    socket.send("OPTIONS /chat HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_THAT(socket.read_answer().field("Allow").value_or(""), HasSubstr("GET"));
    EXPECT_EQ(socket.upgrade("/chat").status, 101u) << "on the same connection";
    expect_echo(socket);
}

TEST_P(WsUpgradeTest, a_head_request_is_answered_without_a_body) {
    add_route("/chat");
    serve_routes();
    WsPeer socket = peer();
    socket.send(
        "HEAD /chat HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
        std::string{sample_key} + "\r\n\r\n");
    EXPECT_THAT(socket.read_head(), StartsWith("HTTP/1.1 405 "));
    expect_page(socket);
}

TEST_P(WsUpgradeTest, mistakes_in_the_options_are_told_at_the_start) {
    struct Case {
        const char* what;
        ws::RouteOptions options;
    };
    const std::vector<Case> cases{
        {"max_fragments", {.socket = {.max_fragments = 0}}},
        {"max_message_bytes", {.socket = {.max_message_bytes = SIZE_MAX}}},
        {"ping_interval", {.socket = {.ping_interval = -1ms}}},
        {"idle_timeout", {.socket = {.idle_timeout = -1ms}}},
        {"close_timeout", {.socket = {.close_timeout = 0ms}}},
        {"server_max_window_bits", {.socket = {.deflate = {.server_max_window_bits = 8}}}},
        {"client_max_window_bits", {.socket = {.deflate = {.client_max_window_bits = 16}}}},
        {"level", {.socket = {.deflate = {.level = 10}}}},
        {"mem_level", {.socket = {.deflate = {.mem_level = 0}}}},
        {"not a token", {.protocols = {"good", "not a token"}}},
        {"''", {.protocols = {""}}},
    };
    for (const Case& each : cases) {
        http::Router wrong;
        wrong.websocket<WsRecording>("/", each.options, std::ref(ws_seen));
        http::Server by_route{engine, {.endpoint = fresh_endpoint(Transport::tcp)}, wrong};
        const Status status = by_route.start();
        EXPECT_EQ(status.error(), Errc::invalid_option);
        EXPECT_THAT(status.message(), HasSubstr(each.what));
        ws::Server<WsRecording> alone{
            engine, {.endpoint = fresh_endpoint(Transport::tcp)}, each.options, std::ref(ws_seen)};
        EXPECT_EQ(alone.start().error(), Errc::invalid_option) << each.what;
    }
}

// Judging.

TEST_P(WsUpgradeTest, the_judge_sees_all_of_the_request) {
    const auto judge = [](const Request& request, Response& response, Acceptance&) {
        const bool welcome = request.path() == "/chat" && request.query("token") == "7" &&
                             request.header("X-Key") == "key" && request.cookie("user") == "me";
        if (!welcome) response.send_error(401, "no");
    };
    serve(echoing(), {.judge = judge});
    struct Case {
        const char* target;
        const char* fields;
        unsigned status;
    };
    const std::vector<Case> cases{{"/chat?token=7", "X-Key: key\r\nCookie: a=b; user=me\r\n", 101},
                                  {"/other?token=7", "X-Key: key\r\nCookie: a=b; user=me\r\n", 401},
                                  {"/chat?token=8", "X-Key: key\r\nCookie: a=b; user=me\r\n", 401},
                                  {"/chat?token=7", "X-Key: other\r\nCookie: a=b; user=me\r\n", 401},
                                  {"/chat?token=7", "X-Key: key\r\nCookie: a=b; user=you\r\n", 401}};
    for (const auto& [target, fields, status] : cases) {
        SCOPED_TRACE(std::string{target} + fields);
        EXPECT_EQ(connect().upgrade(target, fields).status, status);
    }
}

TEST_P(WsUpgradeTest, the_judge_is_asked_about_good_requests_only) {
    std::atomic<int> asked = 0;
    serve({}, {.origins = {"https://example.org"}, .judge = [&](const Request&, Response&, Acceptance&) { ++asked; }});
    WsPeer socket = connect();
    socket.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_EQ(socket.read_answer().status, 426u);
    EXPECT_EQ(socket.upgrade("/", "Origin: https://evil\r\n").status, 403u);
    EXPECT_EQ(asked, 0);
    EXPECT_EQ(socket.upgrade("/", "Origin: https://example.org\r\n").status, 101u);
    EXPECT_EQ(asked, 1);
}

TEST_P(WsUpgradeTest, the_judge_refuses_with_any_answer_and_the_connection_goes_on) {
    const auto judge = [](const Request& request, Response& response, Acceptance&) {
        if (request.path() == "/login") {
            EXPECT_TRUE(response.header("WWW-Authenticate", "Basic realm=\"chat\""));
            response.status(401).send("who are you?");
        } else if (request.path() == "/moved") {
            EXPECT_TRUE(response.header("Location", "/chat"));
            response.status(307).send("");
        }
    };
    serve(echoing(), {.judge = judge});
    WsPeer socket = connect();
    const Answer login = socket.upgrade("/login");
    EXPECT_EQ(login.status, 401u);
    EXPECT_EQ(login.field("WWW-Authenticate"), "Basic realm=\"chat\"");
    EXPECT_EQ(login.body, "who are you?");
    EXPECT_EQ(login.count("Upgrade") + login.count("Sec-WebSocket-Accept"), 0u);
    EXPECT_EQ(socket.upgrade("/moved").field("Location"), "/chat");
    EXPECT_EQ(socket.upgrade("/chat").status, 101u);
    expect_echo(socket);
    EXPECT_EQ(seen.seen().opens, 1u);
}

TEST_P(WsUpgradeTest, the_judge_adds_fields_to_the_101) {
    serve({}, {.judge = [](const Request&, Response& response, Acceptance&) {
              EXPECT_TRUE(response.header("Set-Cookie", "a=b"));
              EXPECT_TRUE(response.header("X-Server", "pollux"));
          }});
    const Answer answer = connect().upgrade();
    EXPECT_EQ(answer.status, 101u);
    EXPECT_EQ(answer.field("Set-Cookie"), "a=b");
    EXPECT_EQ(answer.field("X-Server"), "pollux");
    EXPECT_EQ(answer.count("Sec-WebSocket-Accept"), 1u);
}

TEST_P(WsUpgradeTest, pages_of_the_same_origin_are_accepted_if_that_is_wanted) {
    serve({}, {.origins = {"https://friend"}, .same_origin = true});
    const std::string scheme = wire == Wire::tls ? "https://" : "http://";
    struct Case {
        std::string origin;
        unsigned status;
    };
    const std::vector<Case> cases{{scheme + "test", 101},
                                  {scheme + "TEST", 101},
                                  {"https://friend", 101},
                                  {scheme + "test:81", 403},
                                  {scheme + "test.evil", 403},
                                  {"ftp://test", 403},
                                  {scheme + "evil", 403},
                                  {"null", 403},
                                  {scheme + "test\r\nOrigin: e", 403}};
    for (const auto& [origin, status] : cases) {
        SCOPED_TRACE(origin);
        EXPECT_EQ(connect().upgrade("/", "Origin: " + origin + "\r\n").status, status);
    }
    EXPECT_EQ(connect().upgrade().status, 101u) << "not a browser";
}

TEST_P(WsUpgradeTest, the_judge_has_the_last_word_about_the_protocol) {
    std::string before;
    std::string choice;
    std::string agreed;
    serve({.on_open = [&](ws::WebSocket& socket) { agreed = socket.protocol(); }},
          {.protocols = {"v2", "v1"}, .judge = [&](const Request&, Response&, Acceptance& acceptance) {
               before = acceptance.protocol;
               acceptance.protocol = choice;
           }});
    const auto ask = [&](const char* wanted) {
        choice = wanted;
        return connect().upgrade("/", "Sec-WebSocket-Protocol: v1, own\r\n");
    };
    EXPECT_EQ(ask("own").field("Sec-WebSocket-Protocol"), "own") << "offered, if not in the list";
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_EQ(before, "v1");
    EXPECT_EQ(agreed, "own");
    EXPECT_EQ(ask("").count("Sec-WebSocket-Protocol"), 0u);
    ASSERT_TRUE(seen.wait_for_opens(2));
    EXPECT_EQ(agreed, "");
    const Answer wrong = ask("v2");
    EXPECT_EQ(wrong.status, 500u) << "not offered";
    EXPECT_EQ(wrong.count("Sec-WebSocket-Accept"), 0u);
    EXPECT_EQ(seen.seen().opens, 2u);
}

// What stands before and behind the request.

TEST_P(WsUpgradeTest, frames_right_behind_the_request_are_delivered) {
    add_route("/");
    serve_routes();
    const std::string request = upgrade_request();
    const std::string frames = encode(text("one"), Role::client) + encode(ping("p"), Role::client) +
                               encode(binary(pattern(0, 50'000)), Role::client);
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{20'000}, frames.size()}) {
        SCOPED_TRACE(cut);
        WsPeer socket = peer();
        socket.send(request + frames.substr(0, cut));
        settle();
        socket.send(std::string_view{frames}.substr(cut));
        EXPECT_EQ(socket.read_answer().status, 101u);
        EXPECT_EQ(socket.read(), text("one"));
        EXPECT_EQ(socket.read(), pong("p"));
        EXPECT_EQ(socket.read(), binary(pattern(0, 50'000)));
        socket.shake_hands_and_close();
    }
}

TEST_P(WsUpgradeTest, a_request_with_frames_behind_it_may_be_cut_anywhere) {
    add_route("/");
    serve_routes();
    const std::string all = upgrade_request() + encode(text("hello"), Role::client) + encode(close(1000), Role::client);
    for (std::size_t at = 1; at < all.size(); at += sanitized ? 5 : 1) {
        SCOPED_TRACE(at);
        WsPeer socket = peer();
        socket.send(std::string_view{all}.substr(0, at));
        turn_all(engine, 2);
        socket.send(std::string_view{all}.substr(at));
        ASSERT_EQ(socket.read_answer().status, 101u);
        ASSERT_EQ(socket.read(), text("hello"));
        ASSERT_EQ(socket.read_close(), 1000);
    }
    WsPeer socket = peer();
    send_bytewise(socket, all);
    EXPECT_EQ(socket.read_answer().status, 101u);
    EXPECT_EQ(socket.read(), text("hello"));
    EXPECT_EQ(socket.read_close(), 1000);
}

TEST_P(WsUpgradeTest, it_takes_its_turn_behind_requests_that_are_still_being_answered) {
    add_route("/");
    add_later("/later");
    serve_routes();
    WsPeer socket = peer();
    socket.send(std::string{get_page} + "GET /later HTTP/1.1\r\nHost: test\r\n\r\n" + upgrade_request() +
                socket.encode(text("behind")));
    EXPECT_EQ(socket.read_answer().body, "page");
    const http::ResponseId id = put_off.take();
    settle();
    EXPECT_EQ(seen.seen().opens, 0u);
    EXPECT_EQ(pages->respond(id, [](Response& response) { response.send("at last"); }), Result::ok);
    EXPECT_EQ(socket.read_answer().body, "at last");
    EXPECT_EQ(socket.read_answer().status, 101u);
    EXPECT_EQ(socket.read(), text("behind"));
}

TEST_P(WsUpgradeTest, messages_sent_in_on_open_come_right_behind_the_101) {
    serve({.on_open = [](ws::WebSocket& socket) {
        EXPECT_EQ(socket.send("welcome"), Result::ok);
        EXPECT_EQ(socket.send(as_bytes(pattern(0, 100'000))), Result::ok);
    }});
    WsPeer socket = join();
    EXPECT_EQ(socket.read(), text("welcome"));
    EXPECT_EQ(socket.read(), binary(pattern(0, 100'000)));
}

TEST_P(WsUpgradeTest, closing_in_on_open_keeps_frames_behind_away) {
    serve({.on_open = [](ws::WebSocket& socket) { socket.close(4000, "full"); }});
    WsPeer socket = connect();
    socket.send(upgrade_request() + socket.encode(text("behind")) + socket.encode(close(1000)));
    EXPECT_EQ(socket.read_answer().status, 101u);
    EXPECT_EQ(socket.read(), close(4000, "full"));
    socket.leave();
    EXPECT_EQ(ws_seen.close().code, 1000);
    EXPECT_THAT(ws_seen.seen().messages, ElementsAre());
}

TEST_P(WsUpgradeTest, an_end_right_behind_the_request_is_an_end_without_close) {
    serve(echoing());
    WsPeer socket = connect();
    socket.send(upgrade_request() + socket.encode(text("last")));
    socket.finish_sending();
    EXPECT_EQ(socket.read_answer().status, 101u);
    EXPECT_EQ(socket.read(), text("last"));
    EXPECT_EQ(ws_seen.close().code, 1006);
    EXPECT_EQ(ws_seen.close().cause, CloseReason::peer_closed);
}

// Later.

TEST_P(WsUpgradeTest, it_may_come_later_from_another_thread) {
    add_later("/later");
    serve_routes();
    WsPeer socket = peer();
    socket.send(upgrade_request("/later", "Sec-WebSocket-Protocol: late\r\n") + socket.encode(text("behind")));
    const http::ResponseId id = put_off.take();
    // Others come by meanwhile, so that nothing of the request is left where it was received.
    for (int i = 0; i < 3; ++i) {
        WsPeer another = peer();
        another.send("GET /page HTTP/1.1\r\nHost: " + std::string(1000, 'h') + "\r\n\r\n");
        EXPECT_EQ(another.read_answer().body, "page");
    }
    socket.send(text("and more"));
    EXPECT_EQ(pages->respond(id, [this](Response& response) { upgrade_late(response); }), Result::ok);
    const Answer answer = socket.read_answer();
    EXPECT_EQ(answer.status, 101u);
    EXPECT_EQ(answer.field("Sec-WebSocket-Accept"), sample_accept);
    EXPECT_EQ(answer.field("Sec-WebSocket-Protocol"), "late");
    EXPECT_EQ(socket.read(), text("behind"));
    EXPECT_EQ(socket.read(), text("and more"));
    socket.send(ping("unanswered, as the options say"));
    expect_echo(socket);
}

TEST_P(WsUpgradeTest, it_may_come_later_from_a_timer) {
    std::unique_ptr<Timer> timer;
    router.get("/later", [&](const Request& request, Response& response) {
        timer = std::make_unique<Timer>(request.connection().reactor(), [&, id = response.later()](Timer&) {
            EXPECT_EQ(pages->respond(id, [&](Response& late) { upgrade_late(late); }), Result::ok);
        });
        timer->after(1ms);
    });
    serve_routes();
    WsPeer socket = peer();
    EXPECT_EQ(socket.upgrade("/later").status, 101u);
    expect_echo(socket);
    run_on(engine.reactor(0), [&] { timer.reset(); });
}

TEST_P(WsUpgradeTest, it_may_be_refused_later) {
    add_later("/later");
    serve_routes();
    WsPeer socket = peer();
    socket.send("GET /later HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_EQ(pages->respond(put_off.take(),
                             [this](Response& response) {
                                 EXPECT_EQ(ws::upgrade<WsRecording>(response, {}, std::ref(ws_seen)), Result::closed);
                                 EXPECT_TRUE(response.complete());
                             }),
              Result::ok);
    EXPECT_EQ(socket.read_answer().status, 426u);
    expect_page(socket);
}

TEST_P(WsUpgradeTest, an_answer_that_was_begun_is_not_upgraded) {
    router.get("/", [this](const Request&, Response& response) {
        response.send("answered");
        EXPECT_EQ(ws::upgrade<WsRecording>(response, {}, std::ref(ws_seen)), Result::closed);
    });
    router.get("/twice", [this](const Request&, Response& response) {
        EXPECT_EQ(ws::upgrade<WsRecording>(response, {}, std::ref(ws_seen), echoing()), Result::ok);
        EXPECT_EQ(ws::upgrade<WsRecording>(response, {}, std::ref(ws_seen), echoing()), Result::closed);
        EXPECT_EQ(response.send("answered"), Result::closed);
    });
    serve_routes();
    WsPeer socket = peer();
    EXPECT_EQ(socket.upgrade("/").body, "answered");
    EXPECT_EQ(socket.upgrade("/twice").status, 101u);
    expect_echo(socket);
}

// Deadlines.

TEST_P(WsUpgradeTest, who_does_not_ask_in_time_is_closed) {
    add_route("/");
    serve_routes({.header_timeout = 200ms});
    WsPeer socket = peer();
    const std::string request = upgrade_request();
    socket.send(std::string_view{request}.substr(0, request.size() - 1));
    EXPECT_EQ(socket.read_answer().status, 408u);
    EXPECT_TRUE(socket.is_closed());
    WsPeer silent = peer();
    EXPECT_EQ(silent.read(), std::nullopt);
}

TEST_P(WsUpgradeTest, no_deadline_of_http_holds_for_it) {
    add_route("/");
    serve_routes({.header_timeout = 50ms, .answer_timeout = 50ms, .keep_alive_timeout = 50ms});
    WsPeer socket = peer();
    EXPECT_EQ(socket.upgrade().status, 101u);
    WaitableTimer timer{engine};
    timer.after(150ms);
    EXPECT_TRUE(timer.wait());
    expect_echo(socket);
}

}  // namespace
}  // namespace pollux::test
