// Sending on a WebSocket: messages of every size, refusals and what becomes of them, pings, and what is framed once.
#include <gmock/gmock.h>

#include <charconv>
#include <string>
#include <vector>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using ws::MessageType;
using ws::WebSocket;

/// Where the header grows, where a message no longer goes into the cork, and where a client's is masked in steps.
std::vector<std::size_t> sizes() {
    std::vector<std::size_t> all;
    for (std::size_t size = 0; size <= 300; ++size) all.push_back(size);
    for (std::size_t size = 301; size <= 70'000; size += 1999) all.push_back(size);
    for (const std::size_t edge : {4 * kibibyte, 16 * kibibyte, 32 * kibibyte, 64 * kibibyte, 128 * kibibyte}) {
        for (std::size_t size = edge - 15; size <= edge + 3; ++size) all.push_back(size);
    }
    for (const std::size_t size : {mebibyte - 1, mebibyte, 3 * mebibyte + 1}) all.push_back(size);
    return all;
}

std::size_t number_in(Bytes text) {
    std::size_t number = 0;
    const std::string_view digits = as_text(text);
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

/// A message that tells its number, and where it is in the pattern.
std::string numbered(std::size_t number, std::size_t size) {
    return std::to_string(number) + ":" + pattern(number, size);
}

// Over every wire, both ends ours.

using WsSendWireTest = WsWireTest;
INSTANTIATE_TEST_SUITE_P(Net, WsSendWireTest, every_wire, wire_name);

TEST_P(WsSendWireTest, messages_of_every_size_come_back_as_they_were) {
    const std::vector<std::size_t> all = sizes();
    serve(echoing(), {.socket = {.max_message_bytes = 4 * mebibyte}});
    std::size_t next = 0;  // the reactor's
    const auto send_next = [&](WebSocket& socket) {
        if (next == all.size()) return socket.close();
        const MessageType type = next % 2 == 0 ? MessageType::text : MessageType::binary;
        const std::string text(all[next], 'x');
        const Result result =
            type == MessageType::text ? socket.send(text) : socket.send(as_bytes(pattern(next, all[next])));
        EXPECT_EQ(result, Result::ok) << all[next];
    };
    const auto check = [&](WebSocket& socket, MessageType type, Bytes data) {
        EXPECT_EQ(type, next % 2 == 0 ? MessageType::text : MessageType::binary);
        ASSERT_EQ(data.size(), all[next]);
        if (type == MessageType::text) {
            EXPECT_EQ(as_text(data), std::string(all[next], 'x'));
        } else {
            EXPECT_TRUE(matches_pattern(as_text(data), next)) << all[next];
        }
        ++next;
        send_next(socket);
    };
    open_client({.on_open = send_next, .on_message = check}, {.socket = {.max_message_bytes = 4 * mebibyte}});
    EXPECT_EQ(ws_client_seen.close().cause, CloseReason::local_close);
    EXPECT_EQ(next, all.size());
}

TEST_P(WsSendWireTest, a_peer_that_reads_slowly_gets_everything_once_and_in_order) {
    constexpr std::size_t total = 300;
    std::size_t sent = 0;  // the reactor's
    Recorder refused;
    const auto send_on = [&](WebSocket& socket) {
        while (sent < total) {
            // Some go into the cork, others past it.
            const Result result = socket.send(as_bytes(numbered(sent, sent % 3 == 0 ? 100 : 20'000)));
            if (result == Result::would_block) {
                EXPECT_GE(socket.bytes_pending(), 64 * kibibyte);
                refused.mark();
                return;
            }
            ASSERT_EQ(result, Result::ok);
            ++sent;
        }
    };
    serve({.on_open = send_on, .on_drain = send_on}, {},
          {.connection = {.kernel_send_buffer_bytes = 16 * kibibyte,
                          .high_watermark_bytes = 64 * kibibyte,
                          .low_watermark_bytes = 16 * kibibyte}});
    WsPeer peer = join({}, small_buffer);
    for (std::size_t number = 0; number < total; ++number) {
        // Until there is no room left, and once more half way.
        if (number % (total / 2) == 0) {
            ASSERT_TRUE(refused.wait_for_marks(1 + number / (total / 2)));
        }
        const auto frame = peer.read();
        ASSERT_TRUE(frame) << number;
        ASSERT_EQ(*frame, binary(numbered(number, number % 3 == 0 ? 100 : 20'000)));
    }
    peer.shake_hands_and_close();
    EXPECT_EQ(ws_seen.close().cause, CloseReason::peer_closed);
    EXPECT_GE(seen.seen().drains, 2u);
}

// In both roles.

class WsSendTest : public WsRoleTest {
protected:
    /// With so little room in the kernel, what is pending stays so until the peer reads.
    static ConnectionOptions narrow() {
        return {.kernel_send_buffer_bytes = 16 * kibibyte,
                .high_watermark_bytes = 64 * kibibyte,
                .low_watermark_bytes = 16 * kibibyte,
                .max_pending_bytes = 256 * kibibyte,
                .hold_receive_while_pending = false};
    }

    /// Sends until it is refused; how many were accepted.
    static std::size_t fill(WebSocket& socket) {
        const std::string message = pattern(0, 10'000);
        std::size_t accepted = 0;
        Result result = Result::ok;
        while ((result = socket.send(as_bytes(message))) == Result::ok) ++accepted;
        EXPECT_EQ(result, Result::would_block);
        return accepted;
    }

    static void expect_filling(WsPeer& peer, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(peer.read(), binary(pattern(0, 10'000)));
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsSendTest, both_roles, role_name);

TEST_P(WsSendTest, a_message_is_one_frame_of_its_type) {
    WsPeer peer = open({.on_message = [](WebSocket& socket, MessageType type, Bytes data) {
        EXPECT_EQ(socket.send(type, as_bytes(pattern(0, number_in(data)))), Result::ok);
    }});
    for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 100'000u}) {
        SCOPED_TRACE(size);
        peer.send(text(std::to_string(size)));
        ASSERT_EQ(peer.read(), text(pattern(0, size)));
        peer.send(binary(std::to_string(size)));
        ASSERT_EQ(peer.read(), binary(pattern(0, size)));
    }
    peer.shake_hands_and_close();
}

TEST_P(WsSendTest, what_callbacks_send_keeps_its_order) {
    WsPeer peer = open({.on_message = [](WebSocket& socket, MessageType, Bytes) {
        for (std::size_t i = 0; i < 20; ++i) {
            EXPECT_EQ(socket.send(std::to_string(i)), Result::ok);
            EXPECT_EQ(socket.ping(std::to_string(i)), Result::ok);
            EXPECT_EQ(socket.send(as_bytes(pattern(i, 10'000 * (i % 5)))), Result::ok);
        }
    }});
    peer.send(text("go"));
    for (std::size_t i = 0; i < 20; ++i) {
        ASSERT_EQ(peer.read(), text(std::to_string(i)));
        ASSERT_EQ(peer.read(), ping(std::to_string(i)));
        ASSERT_EQ(peer.read(), binary(pattern(i, 10'000 * (i % 5))));
    }
    peer.shake_hands_and_close();
}

TEST_P(WsSendTest, a_refused_message_was_not_sent_at_all_and_a_drain_follows) {
    std::size_t accepted = 0;  // the reactor's until the peer has read
    WsPeer peer = open({.on_message =
                            [&](WebSocket& socket, MessageType, Bytes) {
                                accepted = fill(socket);
                                EXPECT_EQ(socket.send("refused"), Result::would_block);
                                EXPECT_GE(socket.bytes_pending(), 64 * kibibyte);
                                EXPECT_LE(socket.bytes_pending(), 256 * kibibyte);
                                EXPECT_TRUE(socket.is_open());
                            },
                        .on_drain =
                            [](WebSocket& socket) {
                                EXPECT_LE(socket.bytes_pending(), 16 * kibibyte);
                                EXPECT_EQ(socket.send("drained"), Result::ok);
                            }},
                       {}, narrow());
    peer.send(text("go"));
    settle();
    run_on(engine.reactor(0), [&] { EXPECT_GT(accepted, 0u); });
    expect_filling(peer, accepted);
    EXPECT_EQ(peer.read(), text("drained"));
    EXPECT_EQ(record().connections().seen().drains, 1u);
    peer.shake_hands_and_close();
}

TEST_P(WsSendTest, what_can_never_be_accepted_is_too_large) {
    WsPeer peer = open(
        {.on_message =
             [](WebSocket& socket, MessageType, Bytes) {
                 const std::string message(256 * kibibyte + 1, 'x');
                 EXPECT_EQ(socket.send(message), Result::too_large);
                 EXPECT_EQ(socket.send(ws::PreparedMessage{message}), Result::too_large);
                 EXPECT_EQ(socket.send_fragment(MessageType::text, as_bytes(message), false), Result::too_large);
                 EXPECT_EQ(socket.ping(std::string(126, 'x')), Result::too_large);
                 EXPECT_EQ(socket.pong(std::string(126, 'x')), Result::too_large);
                 EXPECT_EQ(socket.send(std::string(255 * kibibyte, 'x')), Result::ok);
             }},
        {}, {.high_watermark_bytes = 64 * kibibyte, .low_watermark_bytes = 0, .max_pending_bytes = 256 * kibibyte});
    peer.send(text("go"));
    EXPECT_EQ(peer.read(), text(std::string(255 * kibibyte, 'x')));
    peer.shake_hands_and_close();
}

TEST_P(WsSendTest, pings_pongs_and_closes_pass_the_watermark) {
    std::size_t accepted = 0;
    WsPeer peer = open({.on_message =
                            [&](WebSocket& socket, MessageType, Bytes) {
                                accepted = fill(socket);
                                EXPECT_EQ(socket.ping("a ping"), Result::ok);
                                EXPECT_EQ(socket.pong("a pong"), Result::ok);
                                socket.close(ws::close_code::going_away, "and a close");
                                EXPECT_EQ(socket.ping(), Result::closed);
                                EXPECT_EQ(socket.pong(), Result::closed);
                            }},
                       {}, narrow());
    peer.send(text("go"));
    settle();
    run_on(engine.reactor(0), [&] { EXPECT_GT(accepted, 0u); });
    expect_filling(peer, accepted);
    EXPECT_EQ(peer.read(), ping("a ping"));
    EXPECT_EQ(peer.read(), pong("a pong"));
    EXPECT_EQ(peer.read(), close(ws::close_code::going_away, "and a close"));
    peer.send(close(ws::close_code::going_away));
    if (ours == Role::client) peer.finish_sending();
    EXPECT_TRUE(peer.is_closed());
}

TEST_P(WsSendTest, pings_are_refused_when_there_is_more_waiting_than_may_ever_be) {
    std::size_t pings = 0;
    std::size_t accepted = 0;
    WsPeer peer = open({.on_message =
                            [&](WebSocket& socket, MessageType, Bytes) {
                                accepted = fill(socket);
                                Result result = Result::ok;
                                while ((result = socket.ping(std::string(125, 'x'))) == Result::ok) ++pings;
                                EXPECT_EQ(result, Result::would_block);
                                EXPECT_LE(socket.bytes_pending(), 256 * kibibyte);
                                EXPECT_TRUE(socket.is_open());
                            }},
                       {}, narrow());
    peer.send(text("go"));
    settle();
    run_on(engine.reactor(0), [&] { EXPECT_GT(pings, 0u); });
    expect_filling(peer, accepted);
    for (std::size_t i = 0; i < pings; ++i) ASSERT_EQ(peer.read(), ping(std::string(125, 'x')));
    peer.shake_hands_and_close();
}

TEST_P(WsSendTest, nothing_is_accepted_once_it_closes) {
    const auto expect_closed = [](WebSocket& socket) {
        EXPECT_FALSE(socket.is_open());
        EXPECT_EQ(socket.send("text"), Result::closed);
        EXPECT_EQ(socket.send(as_bytes("binary")), Result::closed);
        EXPECT_EQ(socket.send(ws::PreparedMessage{"prepared"}), Result::closed);
        EXPECT_EQ(socket.send_fragment(MessageType::text, as_bytes("part"), false), Result::closed);
        EXPECT_EQ(socket.ping(), Result::closed);
        EXPECT_EQ(socket.pong(), Result::closed);
    };
    WsPeer peer = open({.on_message =
                            [=](WebSocket& socket, MessageType, Bytes) {
                                socket.close();
                                expect_closed(socket);
                            },
                        .on_close = [=](WebSocket& socket, const ws::CloseEvent&) { expect_closed(socket); }});
    peer.send(text("go"));
    EXPECT_EQ(peer.read_close(), ws::close_code::normal);
    peer.send(close(ws::close_code::normal));
    if (ours == Role::client) peer.finish_sending();
    EXPECT_TRUE(peer.is_closed());
}

TEST_P(WsSendTest, prepared_messages_are_sent_as_others_are) {
    const ws::PreparedMessage small{"small"};
    const ws::PreparedMessage large{MessageType::binary, as_bytes(pattern(0, 70'000))};
    EXPECT_EQ(small.type(), MessageType::text);
    EXPECT_EQ(as_text(small.data()), "small");
    EXPECT_EQ(as_text(small.frame()), encode(text("small"), Role::server));
    EXPECT_EQ(as_text(large.frame()), encode(binary(pattern(0, 70'000)), Role::server));
    EXPECT_EQ(as_text(ws::PreparedMessage{""}.frame()), encode(text(""), Role::server));
    WsPeer peer = open({.on_message = [&](WebSocket& socket, MessageType, Bytes) {
        EXPECT_EQ(socket.send(small), Result::ok);
        EXPECT_EQ(socket.send(large), Result::ok);
        EXPECT_EQ(socket.send("other"), Result::ok);
        EXPECT_EQ(socket.send(small), Result::ok);
    }});
    peer.send(text("go"));
    EXPECT_EQ(peer.read(), text("small"));
    EXPECT_EQ(peer.read(), binary(pattern(0, 70'000)));
    EXPECT_EQ(peer.read(), text("other"));
    EXPECT_EQ(peer.read(), text("small"));
    peer.shake_hands_and_close();
}

TEST_P(WsSendTest, messages_are_counted_when_they_are_complete) {
    std::vector<ws::Counters> counted;  // the reactor's, until it is closed
    WsPeer peer =
        open({.on_message =
                  [&](WebSocket& socket, MessageType type, Bytes) {
                      if (type == MessageType::binary) {
                          EXPECT_EQ(socket.send("one"), Result::ok);
                          EXPECT_EQ(socket.send(ws::PreparedMessage{"two"}), Result::ok);
                          EXPECT_EQ(socket.send_fragment(type, as_bytes("th"), false), Result::ok);
                          EXPECT_EQ(socket.counters().messages_sent, 2u);
                          EXPECT_EQ(socket.send_fragment(type, as_bytes("ree"), true), Result::ok);
                          EXPECT_EQ(socket.ping(), Result::ok);
                      }
                      counted.push_back(socket.counters());
                  },
              .on_close = [&](WebSocket& socket, const ws::CloseEvent&) { counted.push_back(socket.counters()); }});
    peer.send(first_part(Opcode::text, "part"));
    peer.send(ping("1"));
    peer.send(ping("2"));
    peer.send(last_part("rest"));
    peer.send(pong("unasked"));
    peer.send(binary("go"));
    for (int i = 0; i < 7; ++i) ASSERT_TRUE(peer.read());
    peer.shake_hands_and_close();
    ASSERT_TRUE(record().connections().wait_for_closes(1));
    ASSERT_EQ(counted.size(), 3u);
    EXPECT_EQ(counted[0].messages_received, 1u);
    EXPECT_EQ(counted[0].pings_received, 2u);
    EXPECT_EQ(counted[0].pongs_received, 0u);
    EXPECT_EQ(counted[2].messages_received, 2u);
    EXPECT_EQ(counted[2].messages_sent, 3u);
    EXPECT_EQ(counted[2].pings_received, 2u);
    EXPECT_EQ(counted[2].pongs_received, 1u);
}

TEST_P(WsSendTest, bytes_that_are_pending_are_told) {
    WsPeer peer = open({.on_message =
                            [](WebSocket& socket, MessageType, Bytes) {
                                fill(socket);
                                EXPECT_EQ(socket.bytes_pending(), socket.connection().bytes_pending());
                            },
                        .on_drain = [](WebSocket& socket) { socket.ping(); }},
                       {}, narrow());
    peer.send(text("go"));
    while (peer.read().value_or(ping()).opcode != Opcode::ping) {
    }
    EXPECT_TRUE(eventually([&] {
        std::size_t pending = 1;
        run_on(engine.reactor(0), [&] {
            Connection* const connection = engine.reactor(0).find(record().connections().id());
            if (connection != nullptr) pending = connection->bytes_pending();
        });
        return pending == 0;
    }));
    peer.shake_hands_and_close();
}

}  // namespace
}  // namespace pollux::test
