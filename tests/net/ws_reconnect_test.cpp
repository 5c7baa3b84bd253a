// Clients that connect again, and clients and servers that are stopped and destroyed at each step.
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using ws::MessageType;
using ws::WebSocket;

constexpr Reconnect at_once{.enabled = true, .delay = std::chrono::milliseconds{0}, .jitter = 0.0};

class WsReconnectTest : public WsTest {
protected:
    void refuse_next() {
        WsPeer peer = accept();
        static_cast<void>(peer.read_head());
        peer.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        EXPECT_NE(peer.end(), HttpEnd::timed_out);
    }

    [[nodiscard]] std::vector<unsigned> attempts() {
        std::vector<unsigned> all;
        for (const ConnectError& error : client_seen.seen().connect_errors) all.push_back(error.attempt);
        return all;
    }
};

TEST_F(WsReconnectTest, after_every_kind_of_end) {
    open_client({}, {.socket = {.close_timeout = 20ms}, .reconnect = at_once});
    for (std::size_t round = 0; round < 4; ++round) {
        WsPeer peer = accept_upgraded();
        ASSERT_TRUE(client_seen.wait_for_opens(round + 1));
        switch (round) {
            case 0:
                peer.send(close(4000));
                break;
            case 1:
                peer.socket().reset();
                break;
            case 2:
                peer.finish_sending();
                break;
            case 3:
                peer.send("\xff\xff");
                break;
        }
        peer.socket().close();
        ASSERT_TRUE(client_seen.wait_for_closes(round + 1));
    }
    WsPeer peer = accept_upgraded();
    ASSERT_TRUE(client_seen.wait_for_opens(5));
    EXPECT_TRUE(client_seen.seen().connect_errors.empty());
    EXPECT_EQ(client_seen.seen().handlers, 1u) << "one handler over all of them";
}

TEST_F(WsReconnectTest, by_itself_nothing_is_tried_again) {
    open_client();
    refuse_next();
    ASSERT_TRUE(client_seen.wait_for_connect_errors(1));
    EXPECT_FALSE(client_seen.seen().connect_errors[0].will_retry);
    EXPECT_FALSE(client->connected());
}

TEST_F(WsReconnectTest, refusals_count_as_attempts_until_one_is_open) {
    open_client({}, {.reconnect = at_once});
    for (int i = 0; i < 3; ++i) refuse_next();
    {
        WsPeer peer = accept_upgraded();
        ASSERT_TRUE(client_seen.wait_for_opens(1));
        peer.shake_hands_and_close();
    }
    for (int i = 0; i < 2; ++i) refuse_next();
    ASSERT_TRUE(client_seen.wait_for_connect_errors(5));
    EXPECT_THAT(attempts(), ElementsAre(1u, 2u, 3u, 1u, 2u));
    EXPECT_THAT(ws_client_seen.seen().refusals, ElementsAre(503u, 503u, 503u, 503u, 503u));
    for (const ConnectError& error : client_seen.seen().connect_errors) {
        EXPECT_EQ(error.error, Errc::upgrade_refused);
        EXPECT_TRUE(error.will_retry);
    }
}

TEST_F(WsReconnectTest, attempts_of_every_kind_are_bounded_together) {
    Reconnect bounded = at_once;
    bounded.max_attempts = 3;
    open_client({}, {.upgrade_timeout = 20ms, .reconnect = bounded});
    refuse_next();
    {
        WsPeer silent = accept();
        ASSERT_TRUE(client_seen.wait_for_connect_errors(2));
    }
    {
        WsPeer gone = accept();
        gone.socket().reset();
    }
    ASSERT_TRUE(client_seen.wait_for_connect_errors(3));
    EXPECT_THAT(attempts(), ElementsAre(1u, 2u, 3u));
    const std::vector<ConnectError> errors = client_seen.seen().connect_errors;
    EXPECT_EQ(errors[1].error, Errc::timed_out);
    EXPECT_TRUE(errors[1].will_retry);
    EXPECT_FALSE(errors[2].will_retry);
}

TEST_F(WsReconnectTest, a_reconnect_closes_with_1000_and_comes_back) {
    serve();
    open_client({}, {.reconnect = at_once});
    for (std::size_t round = 1; round <= 5; ++round) {
        ASSERT_TRUE(client_seen.wait_for_opens(round) && seen.wait_for_opens(round));
        client->reconnect();
        const SeenClose end = ws_seen.close(round - 1);
        EXPECT_EQ(end.code, ws::close_code::normal);
        EXPECT_EQ(end.cause, CloseReason::peer_closed);
    }
    ASSERT_TRUE(client_seen.wait_for_opens(6));
}

TEST_F(WsReconnectTest, a_stop_closes_with_1000_and_may_be_followed_by_a_start) {
    serve();
    open_client({}, {.reconnect = at_once});
    for (std::size_t round = 0; round < 3; ++round) {
        ASSERT_TRUE(client_seen.wait_for_opens(round + 1) && seen.wait_for_opens(round + 1));
        EXPECT_EQ(client->start().error(), Errc::already_started);
        client->stop();
        EXPECT_EQ(client_seen.seen().closes, round + 1) << "it waits for on_close";
        EXPECT_EQ(client_seen.seen().handlers, 0u) << "and for the handler";
        EXPECT_FALSE(client->connected());
        EXPECT_EQ(ws_client_seen.close(round).sent_code, ws::close_code::normal);
        EXPECT_TRUE(ws_client_seen.close(round).clean);
        EXPECT_EQ(ws_seen.close(round).code, ws::close_code::normal);
        ASSERT_TRUE(client->start());
    }
}

TEST_F(WsReconnectTest, a_destroyed_client_aborts) {
    serve();
    open_client();
    ASSERT_TRUE(client_seen.wait_for_opens(1) && seen.wait_for_opens(1));
    client.reset();
    EXPECT_EQ(ws_client_seen.close().cause, CloseReason::aborted);
    EXPECT_EQ(ws_seen.close().code, ws::close_code::abnormal);
}

TEST_F(WsReconnectTest, a_stop_before_the_answer_is_no_failed_attempt) {
    open_client({}, {.connection = {.close_timeout = 20ms}, .reconnect = at_once});
    WsPeer peer = accept();
    EXPECT_FALSE(peer.read_head().empty());
    client->stop();
    EXPECT_TRUE(client_seen.seen().connect_errors.empty());
    EXPECT_EQ(client_seen.seen().opens, 0u);
}

TEST_F(WsReconnectTest, a_client_is_destroyed_before_the_answer) {
    open_client({}, {.reconnect = at_once});
    WsPeer peer = accept();
    EXPECT_FALSE(peer.read_head().empty());
    client.reset();
    EXPECT_NE(peer.end(), HttpEnd::timed_out);
    EXPECT_EQ(client_seen.seen().opens, 0u);
}

TEST_F(WsReconnectTest, a_client_started_before_the_engine) {
    Recorder early_seen;  // outlives the engine
    WsRecorder early_ws{early_seen};
    {
        Engine late;
        serve(echoing());
        ws::Client<WsRecording> early{
            late, {.url = "ws://localhost/", .endpoint = endpoint_of(server->address())}, std::ref(early_ws)};
        ASSERT_TRUE(early.start());
        EXPECT_FALSE(early.connected());
        EXPECT_EQ(early.send("too early"), Result::closed);
        ASSERT_TRUE(late.start());
        ASSERT_TRUE(early_seen.wait_for_opens(1));
    }
    early_seen.expect_in_order("early");
}

// From within each callback.

enum class Step : std::uint8_t { open, message, fragment, ping, pong, drain, close, refused, connect_error };

enum class Act : std::uint8_t { stop, restart, reconnect, destroy, destroy_server };

class WsStepTest : public WsReconnectTest, public testing::WithParamInterface<std::tuple<Step, Act>> {
protected:
    /// Acts once, in the callback of the step.
    void act(Step where) {
        if (where != std::get<0>(GetParam()) || std::exchange(acted_, true)) return;
        switch (std::get<1>(GetParam())) {
            case Act::stop:
                client->stop();
                break;
            case Act::restart:
                client->stop();
                static_cast<void>(client->start());  // it may not have stopped yet
                break;
            case Act::reconnect:
                client->reconnect();
                break;
            case Act::destroy:
                client.reset();
                break;
            case Act::destroy_server:
                server.reset();
                break;
        }
        done_.open();
    }

    [[nodiscard]] WsHooks acting() {
        return {.on_open =
                    [this](WebSocket& socket) {
                        socket.ping("ask");
                        socket.send("ask");
                        if (std::get<0>(GetParam()) == Step::drain) {
                            while (socket.send(std::string(100'000, 'x')) == Result::ok) continue;
                        }
                        act(Step::open);
                    },
                .on_message = [this](WebSocket&, MessageType, Bytes) { act(Step::message); },
                .on_fragment = [this](WebSocket&, MessageType, Bytes, bool) { act(Step::fragment); },
                .on_ping = [this](WebSocket&, Bytes) { act(Step::ping); },
                .on_pong = [this](WebSocket&, Bytes) { act(Step::pong); },
                .on_drain = [this](WebSocket&) { act(Step::drain); },
                .on_close = [this](WebSocket&, const ws::CloseEvent&) { act(Step::close); },
                .on_refused = [this](const http::ResponseHead&) { act(Step::refused); },
                .on_connect_error = [this](std::error_code, unsigned, bool) { act(Step::connect_error); }};
    }

    /// A server that gives every callback a reason.
    void serve_everything() {
        const bool refuses = std::get<0>(GetParam()) >= Step::refused;
        const auto judge = [refuses](const http::Request&, http::Response& response, ws::Acceptance&) {
            if (refuses) response.send_error(503, "refused");
        };
        serve({.on_open = [](WebSocket& socket) { socket.ping("ask"); },
               .on_message =
                   [](WebSocket& socket, MessageType type, Bytes data) {
                       socket.send(type, data);
                       if (std::get<0>(GetParam()) == Step::close) socket.close();
                   }},
              {.judge = judge});
    }

    Gate done_;
    bool acted_ = false;  // the client's reactor's
};

INSTANTIATE_TEST_SUITE_P(
    Net, WsStepTest,
    testing::Combine(testing::Values(Step::open, Step::message, Step::fragment, Step::ping, Step::pong, Step::drain,
                                     Step::close, Step::refused, Step::connect_error),
                     testing::Values(Act::stop, Act::restart, Act::reconnect, Act::destroy, Act::destroy_server)));

TEST_P(WsStepTest, whatever_is_done_there_happens_in_the_loop) {
    serve_everything();
    const bool streamed = std::get<0>(GetParam()) == Step::fragment;
    WsHooks hooks = acting();
    // There, so that `client` is set before the first callback comes.
    run_on(engine.reactor(0), [&] {
        open_client(std::move(hooks), {.connection = {.kernel_send_buffer_bytes = 16 * 1024,
                                                      .high_watermark_bytes = 256 * 1024,
                                                      .low_watermark_bytes = 64 * 1024},
                                       .socket = {.streamed = streamed},
                                       .reconnect = at_once});
    });
    ASSERT_TRUE(done_.wait());
    settle();
    if (client != nullptr) client->stop();
    if (server != nullptr) server->stop();
    EXPECT_EQ(client_seen.seen().opens, client_seen.seen().closes);
    EXPECT_EQ(client_seen.seen().handlers, 0u);
}

// A server's own callbacks.

class WsServerStepTest : public WsTest, public testing::WithParamInterface<Step> {};

INSTANTIATE_TEST_SUITE_P(Net, WsServerStepTest,
                         testing::Values(Step::open, Step::message, Step::ping, Step::pong, Step::close));

TEST_P(WsServerStepTest, a_server_is_destroyed_there) {
    Gate done;
    const auto act = [&](Step where, WebSocket& socket) {
        if (where != GetParam() || server == nullptr) return;
        server.reset();
        EXPECT_EQ(socket.connection().server(), nullptr);
        EXPECT_NE(socket.send("on its way"), Result::would_block);
        done.open();
    };
    serve({.on_open = [=](WebSocket& socket) { act(Step::open, socket); },
           .on_message = [=](WebSocket& socket, MessageType, Bytes) { act(Step::message, socket); },
           .on_ping = [=](WebSocket& socket, Bytes) { act(Step::ping, socket); },
           .on_pong = [=](WebSocket& socket, Bytes) { act(Step::pong, socket); },
           .on_close = [=](WebSocket& socket, const ws::CloseEvent&) { act(Step::close, socket); }});
    WsPeer bystander = connect();
    WsPeer peer = connect();
    peer.send(upgrade_request() + peer.encode(text("1")) + peer.encode(ping("2")) + peer.encode(pong("3")) +
              peer.encode(close(4000)));
    ASSERT_TRUE(done.wait());
    EXPECT_NE(peer.end(), HttpEnd::timed_out);
    EXPECT_NE(bystander.end(), HttpEnd::timed_out);
    ASSERT_TRUE(seen.wait_for_closes(1));
}

}  // namespace
}  // namespace pollux::test
