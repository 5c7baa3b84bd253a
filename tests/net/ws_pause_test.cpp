// Receiving that is held back: nothing comes meanwhile, and everything after, in its order.
#include <gmock/gmock.h>

#include <string>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using ws::MessageType;
using ws::WebSocket;

class WsPauseTest : public WsRoleTest {
protected:
    /// Pauses at each message that says so.
    static void pause_if_told(WebSocket& socket, Bytes data) {
        if (as_text(data) == "pause") socket.pause_receiving();
    }

    static WsHooks pausing() {
        return {.on_message = [](WebSocket& socket, MessageType, Bytes data) { pause_if_told(socket, data); }};
    }

    /// Runs `work` with the last WebSocket, which must be open.
    void with_socket(const std::function<void(WebSocket&)>& work) {
        run_on(engine.reactor(0), [&] {
            ASSERT_NE(socket_, nullptr);
            work(*socket_);
        });
    }

    [[nodiscard]] WsPeer open_known(WsHooks hooks, ws::Options options = {}) {
        hooks.on_open = [this](WebSocket& socket) { socket_ = &socket; };
        hooks.on_close = [this](WebSocket&, const ws::CloseEvent&) { socket_ = nullptr; };
        return open(std::move(hooks), options);
    }

    void resume() {
        with_socket([](WebSocket& socket) { socket.resume_receiving(); });
    }

    [[nodiscard]] std::vector<std::string> messages() {
        std::vector<std::string> all;
        for (const SeenMessage& message : record().seen().messages) all.push_back(message.data);
        return all;
    }

private:
    WebSocket* socket_ = nullptr;  // the reactor's
};

INSTANTIATE_TEST_SUITE_P(Net, WsPauseTest, both_roles, role_name);

TEST_P(WsPauseTest, within_a_burst_the_rest_waits_and_keeps_its_order) {
    WsPeer peer = open_known(pausing());
    std::string burst = peer.encode(text("1")) + peer.encode(text("pause"));
    burst += peer.encode(text("2")) + peer.encode(ping("3")) + peer.encode(first_part(Opcode::text, "4"));
    burst += peer.encode(pong("5")) + peer.encode(last_part("6")) + peer.encode(text("pause")) + peer.encode(text("7"));
    peer.send(burst);
    ASSERT_TRUE(record().wait_for_messages(2));
    settle();
    EXPECT_THAT(messages(), ElementsAre("1", "pause"));
    EXPECT_THAT(record().seen().pings, IsEmpty()) << "pings wait, too";
    peer.send(text("8"));
    settle();
    resume();
    ASSERT_TRUE(record().wait_for_messages(5));
    settle();
    EXPECT_THAT(messages(), ElementsAre("1", "pause", "2", "46", "pause"));
    EXPECT_THAT(record().seen().pings, ElementsAre("3"));
    EXPECT_THAT(record().seen().pongs, ElementsAre("5"));
    EXPECT_EQ(peer.read(), pong("3"));
    resume();
    ASSERT_TRUE(record().wait_for_messages(7));
    EXPECT_THAT(messages(), ElementsAre("1", "pause", "2", "46", "pause", "7", "8"));
    peer.shake_hands_and_close();
}

TEST_P(WsPauseTest, a_pause_and_a_resume_in_one_callback_change_nothing) {
    WsPeer peer = open({.on_message = [](WebSocket& socket, MessageType type, Bytes data) {
        socket.pause_receiving();
        socket.pause_receiving();
        socket.resume_receiving();
        socket.resume_receiving();
        EXPECT_EQ(socket.send(type, data), Result::ok);
    }});
    std::string burst;
    for (int i = 0; i < 100; ++i) burst += peer.encode(text(std::to_string(i)));
    peer.send(burst);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(peer.read(), text(std::to_string(i)));
    peer.shake_hands_and_close();
}

TEST_P(WsPauseTest, a_resume_calls_no_handler_before_it_returns) {
    WsPeer peer = open_known(pausing());
    peer.send(peer.encode(text("pause")) + peer.encode(text("waits")));
    ASSERT_TRUE(record().wait_for_messages(1));
    with_socket([&](WebSocket& socket) {
        socket.resume_receiving();
        EXPECT_EQ(record().seen().messages.size(), 1u);
    });
    EXPECT_TRUE(record().wait_for_messages(2));
    peer.shake_hands_and_close();
}

TEST_P(WsPauseTest, one_that_is_paused_again_at_once_gets_nothing) {
    WsPeer peer = open_known(pausing());
    peer.send(peer.encode(text("pause")) + peer.encode(text("waits")));
    ASSERT_TRUE(record().wait_for_messages(1));
    for (int i = 0; i < 3; ++i) {
        with_socket([&](WebSocket& socket) {
            socket.resume_receiving();
            socket.pause_receiving();
        });
        settle();
        EXPECT_THAT(messages(), ElementsAre("pause"));
    }
    resume();
    EXPECT_TRUE(record().wait_for_messages(2));
    peer.shake_hands_and_close();
}

TEST_P(WsPauseTest, every_message_may_pause) {
    const std::size_t count = scaled(300);
    WsPeer peer = open({.on_message = [](WebSocket& socket, MessageType type, Bytes data) {
        socket.pause_receiving();
        EXPECT_EQ(socket.send(type, data), Result::ok);
        EXPECT_EQ(socket.reactor().post([&socket] { socket.resume_receiving(); }), Result::ok);
    }});
    std::string burst;
    for (std::size_t i = 0; i < count; ++i) burst += peer.encode(binary(pattern(i, i)));
    peer.send(burst);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(peer.read(), binary(pattern(i, i)));
    settle();  // the last task is behind its resume
    peer.shake_hands_and_close();
}

TEST_P(WsPauseTest, a_pause_in_on_open_holds_what_came_with_the_handshake) {
    WebSocket* paused = nullptr;  // the reactor's
    const WsHooks hooks{.on_open = [&](WebSocket& socket) {
        paused = &socket;
        socket.pause_receiving();
    }};
    std::optional<WsPeer> peer;
    if (ours == Role::server) {
        serve(hooks);
        peer.emplace(connect());
        peer->send(upgrade_request() + peer->encode(text("1")) + peer->encode(text("2")));
        EXPECT_EQ(peer->read_answer().status, 101u);
    } else {
        open_client(hooks);
        peer.emplace(accept());
        const std::string request = peer->read_head();
        peer->send(switching_answer(request) + peer->encode(text("1")) + peer->encode(text("2")));
    }
    ASSERT_TRUE(record().connections().wait_for_opens(1));
    peer->send(text("3"));
    settle();
    EXPECT_THAT(messages(), IsEmpty());
    run_on(engine.reactor(0), [&] { paused->resume_receiving(); });
    ASSERT_TRUE(record().wait_for_messages(3));
    EXPECT_THAT(messages(), ElementsAre("1", "2", "3"));
    peer->shake_hands_and_close();
}

TEST_P(WsPauseTest, the_peers_close_waits_behind_the_messages) {
    WsPeer peer = open_known(pausing());
    peer.send(peer.encode(text("pause")) + peer.encode(text("last")) + peer.encode(close(4000)));
    ASSERT_TRUE(record().wait_for_messages(1));
    settle();
    EXPECT_EQ(record().connections().seen().closes, 0u);
    resume();
    EXPECT_EQ(peer.read_close(), 4000);
    EXPECT_THAT(messages(), ElementsAre("pause", "last"));
}

TEST_P(WsPauseTest, the_peers_close_and_the_end_wait_behind_the_messages) {
    WsPeer peer = open_known(pausing(), {.close_timeout = 1h});
    peer.send(peer.encode(text("pause")) + peer.encode(text("last")) + peer.encode(close(4000)));
    peer.finish_sending();
    ASSERT_TRUE(record().wait_for_messages(1));
    settle();
    EXPECT_EQ(record().connections().seen().closes, 0u);
    resume();
    EXPECT_EQ(peer.read_close(), 4000);
    EXPECT_TRUE(peer.is_closed());
    peer.socket().close();
    EXPECT_EQ(record().close().code, 4000);
    EXPECT_THAT(messages(), ElementsAre("pause", "last"));
}

TEST_P(WsPauseTest, the_end_of_the_stream_comes_after_what_was_before_it) {
    WsPeer peer = open_known(pausing());
    peer.send(peer.encode(text("pause")) + peer.encode(text("2")) + peer.encode(text("pause")) +
              peer.encode(text("4")));
    peer.finish_sending();
    ASSERT_TRUE(record().wait_for_messages(1));
    settle();
    EXPECT_EQ(record().connections().seen().closes, 0u);
    resume();
    ASSERT_TRUE(record().wait_for_messages(3));
    settle();
    EXPECT_EQ(record().connections().seen().closes, 0u);
    resume();
    EXPECT_EQ(record().close().cause, CloseReason::peer_closed);
    EXPECT_THAT(messages(), ElementsAre("pause", "2", "pause", "4"));
}

TEST_P(WsPauseTest, a_close_of_ours_ends_the_pause) {
    WsPeer peer = open_known(pausing(), {.close_timeout = 1h});
    peer.send(peer.encode(text("pause")) + peer.encode(text("never delivered")));
    ASSERT_TRUE(record().wait_for_messages(1));
    with_socket([](WebSocket& socket) { socket.close(4000); });
    EXPECT_EQ(peer.read_close(), 4000);
    peer.send(close(4001));
    if (ours == Role::client) peer.finish_sending();
    EXPECT_TRUE(peer.is_closed());
    peer.socket().close();
    EXPECT_EQ(record().close().code, 4001);
    EXPECT_THAT(messages(), ElementsAre("pause"));
}

TEST_P(WsPauseTest, a_peer_that_goes_on_is_held_back_by_flow_control) {
    WsPeer peer = open_known(pausing());
    peer.send(text("pause"));
    ASSERT_TRUE(record().wait_for_messages(1));
    const std::string message = peer.encode(binary(pattern(0, 60'000)));
    std::size_t sent = 0;
    std::size_t taken = message.size();
    while (taken == message.size() && sent < 5000) {
        taken = peer.socket().send_some(message);
        if (taken == message.size()) ++sent;
    }
    ASSERT_LT(taken, message.size()) << "300 MB were taken by somebody who reads nothing";
    EXPECT_EQ(record().seen().messages.size(), 1u);
    resume();
    peer.send(std::string_view{message}.substr(taken));
    ASSERT_TRUE(record().wait_for_messages(sent + 2));
    for (const SeenMessage& one : record().seen().messages) {
        EXPECT_TRUE(one.data == "pause" || one.data == pattern(0, 60'000));
    }
    peer.shake_hands_and_close();
}

}  // namespace
}  // namespace pollux::test
