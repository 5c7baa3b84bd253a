// Pings, pongs, and peers that are silent.
#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <thread>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using ws::MessageType;
using ws::WebSocket;

class WsLivenessTest : public WsRoleTest {
protected:
    [[nodiscard]] Recorder& connections() { return record().connections(); }
};

INSTANTIATE_TEST_SUITE_P(Net, WsLivenessTest, both_roles, role_name);

TEST_P(WsLivenessTest, pings_are_answered_before_the_handler_hears_of_them) {
    WsPeer peer = open(
        {.on_ping = [](WebSocket& socket, Bytes payload) { EXPECT_EQ(socket.send(as_text(payload)), Result::ok); }});
    const std::string longest(125, 'x');
    peer.send(ping("one"));
    peer.send(ping(longest));
    peer.send(ping());
    EXPECT_EQ(peer.read(), pong("one"));
    EXPECT_EQ(peer.read(), text("one"));
    EXPECT_EQ(peer.read(), pong(longest));
    EXPECT_EQ(peer.read(), text(longest));
    EXPECT_EQ(peer.read(), pong());
    EXPECT_EQ(peer.read(), text(""));
    EXPECT_THAT(record().seen().pings, ElementsAre("one", longest, ""));
    peer.shake_hands_and_close();
}

TEST_P(WsLivenessTest, without_automatic_pongs_the_handler_answers) {
    WsPeer peer = open({.on_ping =
                            [](WebSocket& socket, Bytes payload) {
                                if (as_text(payload) != "ignore") {
                                    EXPECT_EQ(socket.pong(payload), Result::ok);
                                }
                            }},
                       {.automatic_pong = false});
    peer.send(ping("ignore"));
    peer.send(ping("answer"));
    EXPECT_EQ(peer.read(), pong("answer"));
    peer.shake_hands_and_close();
}

TEST_P(WsLivenessTest, pongs_are_told_asked_for_or_not) {
    WsPeer peer = open({.on_pong = [](WebSocket& socket, Bytes) { EXPECT_EQ(socket.pong("unasked"), Result::ok); }});
    EXPECT_EQ(ws::ping(engine, connections().id(), as_bytes("a ping")), Result::ok);
    EXPECT_EQ(peer.read(), ping("a ping"));
    peer.send(pong("a pong"));
    EXPECT_EQ(peer.read(), pong("unasked"));
    EXPECT_THAT(record().seen().pongs, ElementsAre("a pong"));
    EXPECT_EQ(ws::ping(engine, connections().id(), as_bytes(std::string(126, 'x'))), Result::too_large);
    EXPECT_EQ(ws::ping(engine, connections().id(), as_bytes(std::string(125, 'x'))), Result::ok);
    EXPECT_EQ(peer.read(), ping(std::string(125, 'x')));
    peer.shake_hands_and_close();
}

TEST_P(WsLivenessTest, a_silent_peer_is_pinged_and_lives_as_long_as_anything_comes) {
    WsPeer peer = open({}, {.ping_interval = 10ms, .max_missed_pongs = 1000});
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(peer.read(), ping());
        peer.send(pong());
        ASSERT_EQ(peer.read(), ping());
        peer.send(text("a sign of life"));
    }
    EXPECT_TRUE(record().wait_for_messages(3));
    EXPECT_EQ(connections().seen().closes, 0u);
}

TEST_P(WsLivenessTest, a_dead_peer_is_given_up_after_the_pings_that_it_may_miss) {
    for (const unsigned missed : {0u, 1u, 3u}) {
        SCOPED_TRACE(missed);
        const std::size_t before = connections().seen().closes;
        WsPeer peer = open({}, {.ping_interval = 10ms, .max_missed_pongs = missed});
        const SeenClose end = record().close(before);
        EXPECT_EQ(end.cause, CloseReason::ping_timeout);
        EXPECT_EQ(end.code, ws::close_code::abnormal);
        EXPECT_EQ(end.sent_code, 0);
        EXPECT_FALSE(end.clean);
        // A reset may take what was not read before it.
        unsigned pings = 0;
        while (peer.read() == ping()) ++pings;
        EXPECT_LE(pings, missed + 1);
    }
}

TEST_P(WsLivenessTest, an_answer_begins_the_count_anew) {
    // So many that the answer is in time on a machine that is held up, too.
    WsPeer peer = open({}, {.ping_interval = 5ms, .max_missed_pongs = 100});
    for (int round = 0; round < 2; ++round) {
        for (int missed = 0; missed < 60; ++missed) ASSERT_EQ(peer.read(), ping());
        peer.send(pong());
    }
    EXPECT_EQ(record().connections().seen().closes, 0u);
}

TEST_P(WsLivenessTest, without_an_interval_nothing_is_pinged) {
    WsPeer peer = open({}, {.ping_interval = 0ms, .idle_timeout = 50ms});
    EXPECT_EQ(peer.read(), close(ws::close_code::normal, "idle")) << "and no ping before";
}

TEST_P(WsLivenessTest, pings_are_no_messages_for_the_idle_timeout) {
    WsPeer peer = open({}, {.ping_interval = 5ms, .max_missed_pongs = 1000, .idle_timeout = 60ms});
    auto frame = peer.read();
    ASSERT_EQ(frame, ping());
    // What is asked last may come too late to be answered.
    for (; frame == ping() || frame == pong("asked"); frame = peer.read()) {
        if (frame != ping()) continue;
        peer.send(pong());
        peer.send(ping("asked"));
    }
    EXPECT_EQ(frame, close(ws::close_code::normal, "idle"));
    peer.send(close(ws::close_code::normal));
    if (ours == Role::client) peer.finish_sending();
    EXPECT_TRUE(peer.is_closed());
    peer.socket().close();
    const SeenClose end = record().close();
    EXPECT_EQ(end.cause, CloseReason::idle_timeout);
    EXPECT_EQ(end.sent_code, ws::close_code::normal);
    EXPECT_TRUE(end.clean);
}

TEST_P(WsLivenessTest, messages_put_the_idle_timeout_off) {
    WsPeer peer = open(echoing(), {.idle_timeout = 100ms});
    const auto busy_until = Clock::now() + 250ms;
    auto last_message = Clock::now();
    std::optional<WsFrame> frame = text("still here");
    while (Clock::now() < busy_until && frame == text("still here")) {
        const auto before = Clock::now();
        peer.try_send(text("still here"));
        frame = peer.read();
        if (frame == text("still here")) last_message = before;
    }
    if (frame == text("still here")) frame = peer.read();
    EXPECT_EQ(frame, close(ws::close_code::normal, "idle"));
    EXPECT_GE(Clock::now() - last_message, 100ms);
}

TEST_P(WsLivenessTest, a_paused_socket_gives_nobody_up) {
    WsPeer peer = open({.on_message = [](WebSocket& socket, MessageType, Bytes) { socket.pause_receiving(); }},
                       {.ping_interval = 10ms, .max_missed_pongs = 0});
    peer.send(text("pause"));
    ASSERT_TRUE(record().wait_for_messages(1));
    // A timer of its own on the same reactor shows that the time has passed there.
    Gate passed;
    std::optional<Timer> timer;
    run_on(engine.reactor(0), [&] {
        timer.emplace(engine.reactor(0), [&](Timer&) { passed.open(); });
        timer->after(60ms);
    });
    ASSERT_TRUE(passed.wait());
    EXPECT_EQ(connections().seen().closes, 0u);
    run_on(engine.reactor(0), [&] { timer.reset(); });
}

TEST_P(WsLivenessTest, after_the_pause_it_counts_again) {
    std::optional<Timer> timer;
    WsPeer peer = open({.on_message =
                            [&](WebSocket& socket, MessageType, Bytes) {
                                socket.pause_receiving();
                                timer.emplace(socket.reactor(), [&socket](Timer&) { socket.resume_receiving(); });
                                timer->after(50ms);
                            },
                        .on_close = [&](WebSocket&, const ws::CloseEvent&) { timer.reset(); }},
                       {.ping_interval = 10ms, .max_missed_pongs = 0});
    peer.send(text("pause"));
    while (peer.read() == ping()) {
    }
    EXPECT_EQ(record().close().cause, CloseReason::ping_timeout);
}

TEST_P(WsLivenessTest, a_peer_that_does_not_read_is_given_up_while_pings_are_due) {
    WsPeer peer = open(
        {.on_open = [](WebSocket& socket) { EXPECT_EQ(socket.send(as_bytes(pattern(0, 8'000'000))), Result::ok); }},
        {.ping_interval = 10ms}, {.kernel_send_buffer_bytes = 16 * 1024});
    EXPECT_EQ(record().close().cause, CloseReason::ping_timeout);
}

TEST_P(WsLivenessTest, a_peer_that_reads_slowly_is_alive) {
    WsPeer peer = open(
        {.on_open = [](WebSocket& socket) { EXPECT_EQ(socket.send(as_bytes(pattern(0, 4'000'000))), Result::ok); }},
        {.ping_interval = 50ms, .max_missed_pongs = 5},
        {.kernel_send_buffer_bytes = 16 * 1024, .hold_receive_while_pending = true});
    // For longer than it would be waited for; what it could say is not received meanwhile.
    for (int step = 0; step < 60; ++step) {
        ASSERT_EQ(peer.socket().receive(60'000).size(), 60'000u);
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_EQ(connections().seen().closes, 0u);
}

}  // namespace
}  // namespace pollux::test
