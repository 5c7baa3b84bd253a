// Connections that are handed over: what the client had sent ahead, and what the next handler is promised.
#include <gmock/gmock.h>

#include <thread>

#include "net/http_support.h"
#include "net/response_ids.h"

namespace pollux::test {
namespace {

using http::Request;
using http::Response;
using testing::StartsWith;

constexpr std::string_view upgrade_request =
    "GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other, echo\r\n\r\n";

/// So small that the kernel cannot swallow a large answer.

class HttpUpgradeTest : public HttpWireTest {
protected:
    /// Hands connections over to a handler that records, and then does as `next` says. Everything else is answered.
    void serve_upgrades(Hooks next, http::Options options = {}) {
        next_ = std::move(next);
        serve({.on_request =
                   [this](const Request& request, Response& response) {
                       if (request.raw_path() == "/later") {
                           put_off.put(response.later());
                       } else if (request.raw_path() == "/up") {
                           EXPECT_EQ(upgrade(response), Result::ok);
                           EXPECT_TRUE(response.begun() && response.complete());
                           EXPECT_EQ(response.send("both"), Result::closed);
                       } else {
                           response.send("answer");
                       }
                   }},
              options);
    }

    Result upgrade(Response& response) {
        EXPECT_TRUE(response.header("X-Accept", "yes"));
        return response.upgrade("echo", std::make_unique<Recording>(upgraded, next_));
    }

    /// A client that has read 101.
    [[nodiscard]] HttpPeer join() const {
        HttpPeer peer = connect();
        peer.send(upgrade_request);
        EXPECT_EQ(peer.read().status, 101u);
        return peer;
    }

    void TearDown() override {
        HttpWireTest::TearDown();
        upgraded.expect_in_order("upgraded");
    }

    Recorder upgraded;
    ResponseIds put_off;

private:
    Hooks next_;
};

INSTANTIATE_TEST_SUITE_P(Net, HttpUpgradeTest, every_wire, wire_name);

TEST_P(HttpUpgradeTest, the_connection_is_handed_over) {
    serve_upgrades({.on_data = echo});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/").body, "answer");
    peer.send(upgrade_request);
    const Answer answer = peer.read();
    EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
    EXPECT_EQ(answer.field("Connection"), "Upgrade");
    EXPECT_EQ(answer.field("Upgrade"), "echo");
    EXPECT_EQ(answer.field("X-Accept"), "yes");
    EXPECT_EQ(answer.count("Content-Length") + answer.count("Transfer-Encoding"), 0u);
    peer.send("hello");
    peer.finish_sending();
    EXPECT_EQ(peer.read_rest(), "hello");
    EXPECT_TRUE(upgraded.wait_for_closes(1));
    EXPECT_TRUE(seen.wait_for_closes(1)) << "the HTTP handler is told, too";
    EXPECT_EQ(upgraded.seen().ends, 1u);
    EXPECT_EQ(upgraded.reason(), seen.reason());
}

TEST_P(HttpUpgradeTest, bytes_behind_the_request_are_the_next_handlers) {
    serve_upgrades({.on_data = echo});
    // What looks like a request is none.
    const std::string all = std::string{upgrade_request} + "\r\n" + std::string{plain_get};
    for (const std::size_t at : {all.size(), std::size_t{1}, std::size_t{5}, upgrade_request.size() - 1,
                                 upgrade_request.size(), upgrade_request.size() + 1, all.size() - 1}) {
        SCOPED_TRACE(at);
        HttpPeer peer = connect();
        send_cut(peer, all, at);
        peer.finish_sending();
        EXPECT_EQ(peer.read().status, 101u);
        EXPECT_EQ(peer.read_rest(), "\r\n" + std::string{plain_get});
    }
    HttpPeer peer = connect();
    send_bytewise(peer, all);
    peer.finish_sending();
    EXPECT_EQ(peer.read().status, 101u);
    EXPECT_EQ(peer.read_rest(), "\r\n" + std::string{plain_get});
    for (const SeenRequest& request : http_seen.seen().requests) EXPECT_EQ(request.raw_path, "/up");
}

TEST_P(HttpUpgradeTest, it_takes_its_turn_behind_other_requests) {
    serve_upgrades({.on_open = [](Connection& connection) { connection.send("open "); }, .on_data = echo});
    HttpPeer peer = connect();
    peer.send(std::string{plain_get} + std::string{plain_get} + std::string{upgrade_request} + pattern(0, 100'000));
    EXPECT_EQ(peer.read().body, "answer");
    EXPECT_EQ(peer.read().body, "answer");
    EXPECT_EQ(peer.read().status, 101u);
    ASSERT_TRUE(upgraded.wait_for_bytes(100'000));
    peer.finish_sending();
    EXPECT_EQ(peer.read_rest(), "open " + pattern(0, 100'000));
}

TEST_P(HttpUpgradeTest, it_may_come_later) {
    serve_upgrades({.on_data = echo});
    HttpPeer peer = connect();
    send_cut(peer, "GET /later HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other, echo\r\n\r\nbehind ", 30);
    const http::ResponseId id = put_off.take();
    // Others come by meanwhile, so that nothing of the request is left where it was received.
    for (int i = 0; i < 3; ++i) {
        HttpPeer other = connect();
        send_cut(other, "GET / HTTP/1.1\r\nHost: " + std::string(1000, 'b') + "\r\n\r\n", 10);
        EXPECT_EQ(other.read().body, "answer");
    }
    peer.send("and more");
    EXPECT_EQ(server->respond(id, [this](Response& response) { EXPECT_EQ(upgrade(response), Result::ok); }),
              Result::ok);
    EXPECT_EQ(peer.read().status, 101u);
    ASSERT_TRUE(upgraded.wait_for_bytes(15));
    peer.finish_sending();
    EXPECT_EQ(peer.read_rest(), "behind and more");
}

TEST_P(HttpUpgradeTest, an_end_that_came_before_it_is_told) {
    serve_upgrades({.on_data = echo});
    HttpPeer peer = connect();
    peer.send("GET /later HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nbehind");
    const http::ResponseId id = put_off.take();
    peer.finish_sending();
    turn_all(engine, 2);
    EXPECT_EQ(server->respond(id, [this](Response& response) { EXPECT_EQ(upgrade(response), Result::ok); }),
              Result::ok);
    EXPECT_EQ(peer.read().status, 101u);
    EXPECT_EQ(peer.read_rest(), "behind");
    EXPECT_TRUE(upgraded.wait_for_closes(1));
    EXPECT_EQ(upgraded.seen().ends, 1u);
}

TEST_P(HttpUpgradeTest, only_what_was_asked_for_is_given) {
    serve({.on_request = [this](const Request&, Response& response) {
        const Result result = response.upgrade("echo", std::make_unique<Recording>(upgraded));
        response.send(result == Result::closed ? "no upgrade" : "upgrade");
    }});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/").body, "no upgrade");
    EXPECT_EQ(peer.get("/", "Upgrade: echo\r\n").body, "no upgrade") << "without Connection";
    EXPECT_EQ(peer.get("/", "Connection: Upgrade\r\n").body, "no upgrade");
    EXPECT_EQ(peer.get("/", "Connection: Upgrade\r\nUpgrade: ech, echos, e cho\r\n").body, "no upgrade");
    EXPECT_EQ(peer.ask("POST", "/", "Connection: Upgrade\r\nUpgrade: echo\r\n", "body").body, "no upgrade");
    peer.send(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\n");
    EXPECT_EQ(peer.read().body, "no upgrade") << "has a body, if an empty one";
    peer.send("GET / HTTP/1.0\r\nConnection: Upgrade, keep-alive\r\nUpgrade: echo\r\n\r\n");
    EXPECT_EQ(peer.read().body, "no upgrade") << "RFC 9110, 7.8: not for HTTP/1.0";
    EXPECT_EQ(upgraded.seen().opens, 0u);
}

TEST_P(HttpUpgradeTest, who_does_not_upgrade_answers_as_ever) {
    serve_upgrades({});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/", "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n").body,
              "answer");
    EXPECT_EQ(peer.get("/").body, "answer");
}

TEST_P(HttpUpgradeTest, closing_in_on_open_keeps_bytes_behind_away) {
    serve_upgrades({.on_open = [](Connection& connection) {
        connection.send("bye");
        connection.close();
    }});
    HttpPeer peer = connect();
    peer.send(std::string{upgrade_request} + "behind");
    EXPECT_EQ(peer.read().status, 101u);
    EXPECT_EQ(peer.read_rest(), "bye");
    peer.socket().close();
    EXPECT_TRUE(upgraded.wait_for_closes(1));
    EXPECT_EQ(upgraded.seen().received, "") << "after close() nothing is delivered";
}

TEST_P(HttpUpgradeTest, aborting_in_on_open_keeps_bytes_behind_away) {
    serve_upgrades({.on_open = [](Connection& connection) { connection.abort(); }});
    HttpPeer peer = connect();
    peer.send(std::string{upgrade_request} + "behind");
    ASSERT_TRUE(upgraded.wait_for_closes(1));
    EXPECT_EQ(upgraded.seen().received, "");
    EXPECT_EQ(upgraded.reason(), CloseReason::aborted);
}

TEST_P(HttpUpgradeTest, the_next_handler_has_a_connection_like_any_other) {
    std::size_t sent = 0;
    serve_upgrades(
        {.on_open = [&](Connection& connection) { sent = send_until_refused(connection, pattern(0, 64 * 1024)); },
         .on_drain = [](Connection& connection) { connection.close(); }});
    HttpPeer peer = connect(small_buffer);
    peer.send(upgrade_request);
    EXPECT_EQ(peer.read().status, 101u);
    EXPECT_EQ(peer.read_rest().size(), sent);
    peer.socket().close();
    EXPECT_TRUE(upgraded.wait_for_closes(1));
    EXPECT_EQ(upgraded.seen().drains, 1u);
}

TEST_P(HttpUpgradeTest, no_deadline_of_http_holds_for_it) {
    serve_upgrades({.on_data = echo}, {.header_timeout = 50ms, .answer_timeout = 50ms, .keep_alive_timeout = 50ms});
    HttpPeer peer = join();
    WaitableTimer timer{engine};
    timer.after(150ms);
    EXPECT_TRUE(timer.wait());
    peer.send("GET");
    peer.finish_sending();
    EXPECT_EQ(peer.read_rest(), "GET");
}

TEST_P(HttpUpgradeTest, the_server_reaches_it_and_stops_it) {
    serve_upgrades({.on_data = echo});
    HttpPeer peer = join();
    ASSERT_TRUE(upgraded.wait_for_opens(1));
    EXPECT_EQ(server->broadcast("to all"), Result::ok);
    EXPECT_EQ(engine.send(upgraded.id(), ", to you"), Result::ok);
    std::thread stopping{[this] { server->stop(); }};
    EXPECT_EQ(peer.read_rest(), "to all, to you");
    peer.socket().close();
    stopping.join();
    EXPECT_TRUE(upgraded.wait_for_closes(1));
    EXPECT_EQ(upgraded.reason(), CloseReason::shutdown);
}

TEST_P(HttpUpgradeTest, a_reset_is_told_to_both) {
    serve_upgrades({});
    HttpPeer peer = join();
    peer.socket().reset();
    EXPECT_TRUE(upgraded.wait_for_closes(1));
    EXPECT_TRUE(seen.wait_for_closes(1));
}

TEST_P(HttpUpgradeTest, the_server_may_be_destroyed_by_the_next_handler) {
    serve_upgrades({.on_data = [this](Connection& connection, Bytes) {
        server.reset();
        EXPECT_EQ(connection.server(), nullptr);
    }});
    HttpPeer peer = connect();
    peer.send(std::string{upgrade_request}.append("behind"));
    EXPECT_TRUE(upgraded.wait_for_closes(1));
    EXPECT_TRUE(seen.wait_for_closes(1));
}

}  // namespace
}  // namespace pollux::test
