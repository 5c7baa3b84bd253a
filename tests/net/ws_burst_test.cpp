// Many short messages at once: they are taken and answered past the ways of all others, and must not differ by that.
#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using ws::MessageType;
using ws::WebSocket;

/// So many that some are behind each other in the receive buffer, however they arrive.
constexpr std::size_t many = 400;

/// What may be pending above the watermark: the last message, and what TLS adds to records.
constexpr std::size_t longest_excess = 256;

class WsBurstTest : public WsWireTest {
protected:
    static std::string name(std::size_t number) { return "message " + std::to_string(number); }

    /// Texts with their numbers, framed by the peer.
    static std::string burst(const WsPeer& peer, std::size_t from, std::size_t to) {
        std::string bytes;
        for (std::size_t i = from; i < to; ++i) bytes += peer.encode(text(name(i)));
        return bytes;
    }

    static void expect_texts(WsPeer& peer, std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) ASSERT_EQ(peer.read(), text(name(i))) << i;
    }

    /// Sends in answer to each message until no more is accepted, which has to be at the watermark.
    void send_until_refused(std::size_t watermark) {
        std::size_t refused = 0;  // the reactor's
        serve({.on_message =
                   [&](WebSocket& socket, MessageType type, Bytes data) {
                       while (socket.send(type, data) == Result::ok) continue;
                       ++refused;
                       EXPECT_GE(socket.bytes_pending(), watermark);
                       EXPECT_LT(socket.bytes_pending(), watermark + longest_excess);
                   }},
              {},
              {.connection = {.kernel_send_buffer_bytes = 4096,
                              .high_watermark_bytes = watermark,
                              .low_watermark_bytes = 1024,
                              .hold_receive_while_pending = false}});
        WsPeer peer = join({}, 4096);
        peer.send(burst(peer, 0, 3));
        ASSERT_TRUE(ws_seen.wait_for_messages(3));
        settle();
        EXPECT_EQ(refused, 3U);
        peer.socket().reset();
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsBurstTest, every_wire, wire_name);

TEST_P(WsBurstTest, every_length_and_type_comes_back_in_order) {
    serve(echoing());
    WsPeer peer = join();
    std::string bytes;
    std::vector<WsFrame> frames;
    for (std::size_t size = 0; size <= 140; ++size) {
        frames.push_back(binary(pattern(size, size)));
        frames.push_back(text(std::string(size, 'x')));
        frames.push_back(text(std::string(size / 2, 'y') + "\xc3\xa4\xe2\x82\xac"));
    }
    for (const WsFrame& frame : frames) bytes += peer.encode(frame);
    peer.send(bytes);
    for (const WsFrame& frame : frames) ASSERT_EQ(peer.read(), frame);
    peer.shake_hands_and_close();
}

TEST_P(WsBurstTest, others_between_them_are_seen_in_their_place) {
    serve(echoing());
    WsPeer peer = join();
    peer.send(burst(peer, 0, many) + peer.encode(ping("between")) + burst(peer, many, 2 * many) +
              peer.encode(first_part(Opcode::text, "in ")) + peer.encode(last_part("parts")) +
              burst(peer, 2 * many, 3 * many));
    expect_texts(peer, 0, many);
    EXPECT_EQ(peer.read(), pong("between"));
    expect_texts(peer, many, 2 * many);
    EXPECT_EQ(peer.read(), text("in parts"));
    expect_texts(peer, 2 * many, 3 * many);
    peer.shake_hands_and_close();
}

TEST_P(WsBurstTest, a_text_that_is_not_utf8_ends_it_behind_those_before) {
    serve(echoing());
    WsPeer peer = join();
    peer.send(burst(peer, 0, many) + peer.encode(text("\xc0\xaf")) + burst(peer, many, 2 * many));
    expect_texts(peer, 0, many);
    peer.expect_close(1007);
    EXPECT_EQ(ws_seen.close().cause, CloseReason::protocol_error);
    EXPECT_EQ(ws_seen.seen().messages.size(), many);
}

TEST_P(WsBurstTest, what_is_longer_than_allowed_ends_it_however_short_it_is) {
    serve(echoing(), {.socket = {.max_message_bytes = 20}});
    WsPeer peer = join();
    peer.send(burst(peer, 0, many) + peer.encode(text(std::string(21, 'x'))) + burst(peer, 0, many));
    expect_texts(peer, 0, many);
    peer.expect_close(1009);
    EXPECT_EQ(ws_seen.seen().messages.size(), many);
}

TEST_P(WsBurstTest, a_pause_holds_back_what_follows) {
    std::size_t received = 0;     // the reactor's
    WebSocket* paused = nullptr;  // likewise
    serve({.on_message = [&](WebSocket& socket, MessageType type, Bytes data) {
        socket.send(type, data);
        if (++received != many / 2) return;
        socket.pause_receiving();
        paused = &socket;
    }});
    WsPeer peer = join();
    peer.send(burst(peer, 0, many));
    expect_texts(peer, 0, many / 2);
    settle();
    EXPECT_EQ(ws_seen.seen().messages.size(), many / 2);
    run_on(engine.reactor(0), [&] { paused->resume_receiving(); });
    expect_texts(peer, many / 2, many);
    peer.shake_hands_and_close();
}

TEST_P(WsBurstTest, nothing_is_delivered_behind_a_close) {
    std::size_t received = 0;  // the reactor's
    serve({.on_message = [&](WebSocket& socket, MessageType type, Bytes data) {
        EXPECT_EQ(socket.send(type, data), Result::ok);
        if (++received < many / 2) return;
        socket.close(4000);
        EXPECT_EQ(socket.send(type, data), Result::closed);
    }});
    WsPeer peer = join();
    peer.send(burst(peer, 0, many));
    expect_texts(peer, 0, many / 2);
    EXPECT_EQ(peer.read_close(), 4000);
    peer.send(close(4000));
    peer.leave();
    EXPECT_EQ(ws_seen.seen().messages.size(), many / 2);
}

TEST_P(WsBurstTest, nothing_is_delivered_behind_an_abort) {
    std::size_t received = 0;  // the reactor's
    serve({.on_message = [&](WebSocket& socket, MessageType type, Bytes data) {
        if (++received < many / 2) return;
        socket.abort();
        EXPECT_EQ(socket.send(type, data), Result::closed);
    }});
    WsPeer peer = join();
    peer.send(burst(peer, 0, many));
    EXPECT_EQ(ws_seen.close().cause, CloseReason::aborted);
    EXPECT_EQ(ws_seen.seen().messages.size(), many / 2);
}

TEST_P(WsBurstTest, a_message_stays_as_it_is_while_others_are_sent) {
    serve({.on_message = [](WebSocket& socket, MessageType type, Bytes data) {
        socket.send("before it, and longer than it");
        socket.send(type, data);
        socket.send(std::string(1000, 'z'));
        socket.send(type, data);
    }});
    WsPeer peer = join();
    peer.send(burst(peer, 0, many));
    for (std::size_t i = 0; i < many; ++i) {
        ASSERT_EQ(peer.read(), text("before it, and longer than it"));
        ASSERT_EQ(peer.read(), text(name(i)));
        ASSERT_EQ(peer.read(), text(std::string(1000, 'z')));
        ASSERT_EQ(peer.read(), text(name(i)));
    }
    peer.shake_hands_and_close();
}

TEST_P(WsBurstTest, what_a_callback_sends_elsewhere_goes_there) {
    ConnectionId other;  // the reactor's
    serve({.on_open = [&](WebSocket& socket) { other = other ? other : socket.id(); },
           .on_message =
               [&](WebSocket& socket, MessageType type, Bytes data) {
                   ws::find(socket.reactor(), other)->send(type, data);
                   socket.send(type, data);
               }});
    WsPeer listening = join();
    WsPeer talking = join();
    talking.send(burst(talking, 0, many));
    expect_texts(talking, 0, many);
    expect_texts(listening, 0, many);
    talking.shake_hands_and_close();
    listening.shake_hands_and_close();
}

TEST_P(WsBurstTest, fragments_begun_in_between_keep_the_others_behind_them) {
    std::size_t received = 0;  // the reactor's
    serve({.on_message = [&](WebSocket& socket, MessageType type, Bytes data) {
        if (received == 1) {
            EXPECT_EQ(socket.send_fragment(MessageType::text, as_bytes("in "), false), Result::ok);
        }
        EXPECT_EQ(socket.send(type, data), Result::ok);
        if (++received == many) {
            EXPECT_EQ(socket.send_fragment(MessageType::text, as_bytes("parts"), true), Result::ok);
        }
    }});
    WsPeer peer = join();
    peer.send(burst(peer, 0, many));
    expect_texts(peer, 0, 1);
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "in "));
    EXPECT_EQ(peer.read(), last_part("parts"));
    expect_texts(peer, 1, many);
    peer.shake_hands_and_close();
}

TEST_P(WsBurstTest, counters_are_right_in_the_middle) {
    std::size_t received = 0;  // the reactor's
    serve({.on_message = [&](WebSocket& socket, MessageType type, Bytes data) {
        socket.send(type, data);
        ++received;
        EXPECT_EQ(socket.counters().messages_received, received);
        EXPECT_EQ(socket.counters().messages_sent, received);
        EXPECT_EQ(socket.connection().counters().messages_sent, received + 1) << "and the answer to the upgrade";
    }});
    WsPeer peer = join();
    peer.send(burst(peer, 0, many));
    expect_texts(peer, 0, many);
    peer.shake_hands_and_close();
}

TEST_P(WsBurstTest, a_low_watermark_refuses_as_ever) {
    send_until_refused(4 * kibibyte);
}

TEST_P(WsBurstTest, a_watermark_of_several_records_refuses_as_ever) {
    send_until_refused(40 * kibibyte);
}

}  // namespace
}  // namespace pollux::test
