// Messages that are sent in fragments, and what waits behind them.
#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using ws::MessageType;
using ws::WebSocket;

/// The handler is told what to do by what the raw peer sends.
class WsFragmentTest : public WsRoleTest {
protected:
    static Result send_part(WebSocket& socket, std::string_view part, bool last = false) {
        return socket.send_fragment(MessageType::text, as_bytes(part), last);
    }

    /// "begin" and "end" are parts that it sends; on anything else it does `work`.
    static WsHooks parts_around(std::function<void(WebSocket&)> work) {
        return {.on_message = [work = std::move(work)](WebSocket& socket, MessageType, Bytes data) {
            const std::string_view command = as_text(data);
            if (command == "begin" || command == "end") {
                EXPECT_EQ(send_part(socket, command, command == "end"), Result::ok);
            } else {
                work(socket);
            }
        }};
    }

    /// Sends by id, however full the mailbox is.
    Result insist_to_send(ConnectionId id, std::string_view message) {
        Result result = Result::would_block;
        while ((result = ws::send(engine, id, message)) == Result::would_block) std::this_thread::yield();
        return result;
    }

    /// Between the parts, nothing but pings may come.
    static void expect_rest_of_message(WsPeer& peer) { EXPECT_EQ(peer.read(), last_part("end")); }
};

INSTANTIATE_TEST_SUITE_P(Net, WsFragmentTest, both_roles, role_name);

TEST_P(WsFragmentTest, parts_are_frames_of_one_message) {
    WsPeer peer = open({.on_message = [](WebSocket& socket, MessageType, Bytes) {
        EXPECT_EQ(socket.send_fragment(MessageType::binary, as_bytes("one"), false), Result::ok);
        // The type counts for the first one.
        EXPECT_EQ(socket.send_fragment(MessageType::text, as_bytes(pattern(0, 70'000)), false), Result::ok);
        EXPECT_EQ(socket.send_fragment(MessageType::text, {}, false), Result::ok);
        EXPECT_EQ(socket.send_fragment(MessageType::text, {}, true), Result::ok);
        EXPECT_EQ(socket.send_fragment(MessageType::text, as_bytes("all of it"), true), Result::ok);
        EXPECT_EQ(socket.send_fragment(MessageType::text, {}, true), Result::ok);
    }});
    peer.send(text("go"));
    EXPECT_EQ(peer.read(), first_part(Opcode::binary, "one"));
    EXPECT_EQ(peer.read(), next_part(pattern(0, 70'000)));
    EXPECT_EQ(peer.read(), next_part(""));
    EXPECT_EQ(peer.read(), last_part(""));
    EXPECT_EQ(peer.read(), text("all of it"));
    EXPECT_EQ(peer.read(), text(""));
    peer.shake_hands_and_close();
}

TEST_P(WsFragmentTest, messages_of_the_handler_wait_behind_the_last_part) {
    WsPeer peer = open(parts_around([](WebSocket& socket) {
        EXPECT_EQ(socket.send("small"), Result::ok);
        EXPECT_EQ(socket.send(as_bytes(pattern(0, 70'000))), Result::ok);
        EXPECT_EQ(socket.send(ws::PreparedMessage{"prepared"}), Result::ok);
        EXPECT_EQ(socket.send(""), Result::ok);
        EXPECT_EQ(socket.ping("passes"), Result::ok);
        EXPECT_EQ(socket.pong("too"), Result::ok);
    }));
    for (int round = 0; round < 2; ++round) {
        peer.send(text("begin"));
        peer.send(text("meanwhile"));
        peer.send(ping("asked"));
        EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
        EXPECT_EQ(peer.read(), ping("passes"));
        EXPECT_EQ(peer.read(), pong("too"));
        EXPECT_EQ(peer.read(), pong("asked"));
        peer.send(text("end"));
        expect_rest_of_message(peer);
        EXPECT_EQ(peer.read(), text("small"));
        EXPECT_EQ(peer.read(), binary(pattern(0, 70'000)));
        EXPECT_EQ(peer.read(), text("prepared"));
        EXPECT_EQ(peer.read(), text(""));
    }
    peer.shake_hands_and_close();
}

TEST_P(WsFragmentTest, messages_of_other_threads_wait_behind_the_last_part) {
    constexpr std::size_t threads = 3;
    const std::size_t count = scaled(300);
    WsPeer peer = open(parts_around([](WebSocket&) {}));
    peer.send(text("begin"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
    const ConnectionId id = record().connections().id();
    std::vector<std::thread> senders;
    for (std::size_t thread = 0; thread < threads; ++thread) {
        senders.emplace_back([&, thread] {
            for (std::size_t i = 0; i < count; ++i) {
                const std::string message = std::to_string(thread) + ":" + std::to_string(i);
                EXPECT_EQ(insist_to_send(id, message), Result::ok);
                if (thread == 0 && i == count / 2) peer.send(text("end"));
            }
        });
    }
    expect_rest_of_message(peer);
    std::vector<std::size_t> next(threads);
    for (std::size_t i = 0; i < threads * count; ++i) {
        const auto frame = peer.read();
        ASSERT_TRUE(frame);
        const auto thread = static_cast<std::size_t>(frame->payload.at(0) - '0');
        ASSERT_EQ(*frame, text(std::to_string(thread) + ":" + std::to_string(next.at(thread)++)));
    }
    for (std::thread& sender : senders) sender.join();
    peer.shake_hands_and_close();
}

TEST_P(WsFragmentTest, a_part_that_is_refused_was_not_sent_at_all) {
    constexpr std::size_t total = 60;
    std::size_t sent = 0;  // the reactor's
    Recorder refused;
    const auto send_on = [&](WebSocket& socket) {
        while (sent < total) {
            const bool last = sent + 1 == total;
            const Result result = socket.send_fragment(MessageType::binary, as_bytes(pattern(sent, 20'000)), last);
            if (result != Result::ok) {
                ASSERT_EQ(result, Result::would_block);
                refused.mark();
                return;
            }
            ++sent;
        }
    };
    WsPeer peer =
        open({.on_message = [=](WebSocket& socket, MessageType, Bytes) { send_on(socket); }, .on_drain = send_on}, {},
             {.kernel_send_buffer_bytes = 16 * kibibyte,
              .high_watermark_bytes = 64 * kibibyte,
              .low_watermark_bytes = 16 * kibibyte});
    peer.send(text("go"));
    ASSERT_TRUE(refused.wait_for_marks(1));
    for (std::size_t part = 0; part < total; ++part) {
        const WsFrame expected = part == 0           ? first_part(Opcode::binary, pattern(part, 20'000))
                                 : part + 1 == total ? last_part(pattern(part, 20'000))
                                                     : next_part(pattern(part, 20'000));
        ASSERT_EQ(peer.read(), expected) << part;
    }
    peer.shake_hands_and_close();
    ASSERT_TRUE(record().connections().wait_for_closes(1));
}

TEST_P(WsFragmentTest, what_waits_behind_parts_is_bounded_and_a_drain_follows) {
    std::size_t held = 0;  // the reactor's until the last part is out
    WsHooks hooks = parts_around([&](WebSocket& socket) {
        Result result = Result::ok;
        while ((result = socket.send(std::string(kibibyte, 'h'))) == Result::ok) ++held;
        EXPECT_EQ(result, Result::would_block);
        EXPECT_EQ(socket.send(std::string(65 * kibibyte, 'h')), Result::too_large);
    });
    hooks.on_drain = [](WebSocket& socket) { EXPECT_EQ(socket.send("drained"), Result::ok); };
    WsPeer peer = open(std::move(hooks), {},
                       {.high_watermark_bytes = 32 * kibibyte,
                        .low_watermark_bytes = 8 * kibibyte,
                        .max_pending_bytes = 64 * kibibyte});
    peer.send(text("begin"));
    peer.send(text("meanwhile"));
    peer.send(text("end"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
    expect_rest_of_message(peer);
    EXPECT_GT(held, 50u);
    EXPECT_LE(held, 64u);
    for (std::size_t i = 0; i < held; ++i) ASSERT_EQ(peer.read(), text(std::string(kibibyte, 'h')));
    EXPECT_EQ(peer.read(), text("drained"));
    peer.shake_hands_and_close();
}

TEST_P(WsFragmentTest, what_other_threads_have_waiting_is_bounded_too) {
    WsPeer peer = open(parts_around([](WebSocket&) {}), {},
                       {.high_watermark_bytes = 32 * kibibyte,
                        .low_watermark_bytes = 8 * kibibyte,
                        .max_pending_bytes = 64 * kibibyte});
    peer.send(text("begin"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
    const ConnectionId id = record().connections().id();
    const std::string message(kibibyte, 'h');
    Result result = Result::ok;
    for (int i = 0; i < 10'000 && result != Result::closed; ++i) result = insist_to_send(id, message);
    EXPECT_EQ(result, Result::closed);
    EXPECT_EQ(record().close().cause, CloseReason::slow_consumer);
}

/// Neither what waits behind the parts nor the parts end the connection, once they were accepted.
TEST_P(WsFragmentTest, what_was_accepted_fits_when_the_last_part_is_out) {
    std::size_t held = 0;  // the reactor's until the last part is out
    bool ends = false;     // likewise
    const auto end = [&](WebSocket& socket) {
        EXPECT_LE(socket.bytes_pending(), 500 * kibibyte);
        if (ends && send_part(socket, "end", true) == Result::ok) ends = false;
    };
    WsHooks hooks = parts_around([&](WebSocket& socket) {
        while (socket.send(std::string(kibibyte, 'h')) == Result::ok) ++held;
        while (send_part(socket, std::string(kibibyte, 'p')) == Result::ok) continue;
        ends = true;
    });
    hooks.on_drain = end;
    WsPeer peer = open(std::move(hooks), {},
                       {.kernel_send_buffer_bytes = 16 * kibibyte,
                        .high_watermark_bytes = 512 * kibibyte,
                        .low_watermark_bytes = 500 * kibibyte,
                        .max_pending_bytes = 1024 * kibibyte,
                        .hold_receive_while_pending = false});
    peer.send(text("begin"));
    peer.send(text("meanwhile"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
    std::optional<WsFrame> frame;
    while ((frame = peer.read()) && !frame->fin) ASSERT_EQ(*frame, next_part(std::string(kibibyte, 'p')));
    ASSERT_EQ(frame, last_part("end")) << "the connection ended";
    EXPECT_GT(held, 100u);
    for (std::size_t i = 0; i < held; ++i) ASSERT_EQ(peer.read(), text(std::string(kibibyte, 'h')));
    peer.shake_hands_and_close();
}

TEST_P(WsFragmentTest, a_close_comes_in_the_middle_and_what_waits_is_dropped) {
    WsPeer peer = open(parts_around([](WebSocket& socket) {
        EXPECT_EQ(socket.send("held"), Result::ok);
        socket.close(4000, "enough");
        EXPECT_EQ(send_part(socket, "end", true), Result::closed);
    }));
    peer.send(text("begin"));
    peer.send(text("close"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
    EXPECT_EQ(peer.read(), close(4000, "enough"));
    peer.send(close(4000));
    if (ours == Role::client) peer.finish_sending();
    EXPECT_TRUE(peer.is_closed());
}

TEST_P(WsFragmentTest, a_close_of_the_peer_in_the_middle_is_answered) {
    WsPeer peer = open(parts_around([](WebSocket& socket) { EXPECT_EQ(socket.send("held"), Result::ok); }));
    peer.send(text("begin"));
    peer.send(text("hold"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
    peer.shake_hands_and_close(4001);
    EXPECT_EQ(record().close().cause, CloseReason::peer_closed);
}

// A server's, with broadcasts.

class WsFragmentBroadcastTest : public WsFragmentTest {};

INSTANTIATE_TEST_SUITE_P(Net, WsFragmentBroadcastTest, testing::Values(Role::server), role_name);

TEST_P(WsFragmentBroadcastTest, broadcasts_wait_behind_the_last_part) {
    WsPeer peer = open(parts_around([](WebSocket& socket) { EXPECT_EQ(socket.send("held"), Result::ok); }));
    WsPeer other = join();
    ASSERT_TRUE(seen.wait_for_opens(2));
    ASSERT_EQ(server->broadcast("before"), Result::ok);
    EXPECT_EQ(peer.read(), text("before"));
    peer.send(text("begin"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
    ASSERT_EQ(server->broadcast("to all"), Result::ok);
    EXPECT_EQ(other.read(), text("before"));
    EXPECT_EQ(other.read(), text("to all")) << "others do not wait";
    peer.send(text("hold"));
    peer.send(ping("between"));
    EXPECT_EQ(peer.read(), pong("between"));
    peer.send(text("end"));
    expect_rest_of_message(peer);
    const auto first = peer.read();
    const auto second = peer.read();
    EXPECT_TRUE((first == text("to all") && second == text("held")) ||
                (first == text("held") && second == text("to all")));
    peer.shake_hands_and_close();
    other.shake_hands_and_close();
}

TEST_P(WsFragmentBroadcastTest, a_close_in_the_middle_drops_broadcasts_that_wait) {
    WsPeer peer = open(parts_around([](WebSocket& socket) { socket.close(); }));
    peer.send(text("begin"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
    ASSERT_EQ(server->broadcast("never seen"), Result::ok);
    settle();
    peer.send(text("close"));
    EXPECT_EQ(peer.read(), close(ws::close_code::normal));
    ASSERT_EQ(server->broadcast("nor this"), Result::ok);
    peer.send(close(ws::close_code::normal));
    EXPECT_TRUE(peer.is_closed());
}

TEST_P(WsFragmentBroadcastTest, receiving_goes_on_while_broadcasts_wait) {
    WsPeer peer = open(parts_around([](WebSocket&) {}), {}, {.low_watermark_bytes = kibibyte});
    peer.send(text("begin"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "begin"));
    // More than what holds receiving back when it is the peer that does not read.
    const std::string message = pattern(0, 100 * kibibyte);
    ASSERT_EQ(server->broadcast(as_bytes(message)), Result::ok);
    settle();
    peer.send(text("some message"));
    settle();
    peer.send(text("end"));
    expect_rest_of_message(peer);
    EXPECT_EQ(peer.read(), binary(message));
    peer.shake_hands_and_close();
}

TEST_P(WsFragmentBroadcastTest, broadcasts_of_a_thread_never_come_into_the_middle) {
    const std::size_t rounds = scaled(200);
    WsPeer peer =
        open({.on_message =
                  [](WebSocket& socket, MessageType, Bytes) {
                      EXPECT_EQ(send_part(socket, "begin"), Result::ok);
                      EXPECT_EQ(send_part(socket, "end", true), Result::ok);
                      EXPECT_EQ(send_part(socket, "begin"), Result::ok);
                  },
              .on_ping = [](WebSocket& socket, Bytes) { EXPECT_EQ(send_part(socket, "end", true), Result::ok); }},
             {.automatic_pong = false});
    std::atomic<bool> go_on{true};
    std::atomic<std::size_t> accepted{0};
    std::atomic<std::size_t> ticks{0};
    std::thread announcer{[&] {
        while (go_on) {
            // So that the peer keeps up.
            if (accepted - ticks < 1000 && server->broadcast("tick") == Result::ok) ++accepted;
            std::this_thread::sleep_for(20us);
        }
    }};
    const auto read_message = [&] {
        std::optional<WsFrame> frame;
        while ((frame = peer.read()) == text("tick")) ++ticks;
        EXPECT_EQ(frame, first_part(Opcode::text, "begin"));
        EXPECT_EQ(peer.read(), last_part("end"));
    };
    for (std::size_t round = 0; round < rounds && !HasFailure(); ++round) {
        peer.send(text("go"));
        read_message();
        peer.send(ping());
        read_message();
    }
    go_on = false;
    announcer.join();
    while (ticks < accepted && peer.read() == text("tick")) ++ticks;
    EXPECT_EQ(ticks, accepted);
    peer.shake_hands_and_close();
}

}  // namespace
}  // namespace pollux::test
