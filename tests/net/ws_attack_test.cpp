// Peers that mean no good: what they send costs them the connection, and us neither memory nor time.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "net/ws_support.h"
#include "proto/ws/deflate.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using ws::MessageType;

/// So small that the kernel cannot swallow much.

/// A message of zeros, as permessage-deflate makes it: a thousandth of its size.
std::string bomb(std::size_t size) {
    ws::Deflater deflater{{}};
    std::string out;
    const std::string zeros(64 * 1024, '\0');
    for (std::size_t done = 0; done < size; done += zeros.size()) {
        deflater.compress(as_bytes(zeros), done + zeros.size() >= size, out);
    }
    return out;
}

class WsAttackTest : public WsRoleTest {
protected:
    /// What our side says to a peer that goes beyond a limit.
    void expect_too_big(WsPeer& peer, std::size_t index = 0) {
        peer.expect_close(1009);
        EXPECT_EQ(record().close(index).cause, CloseReason::limit);
        EXPECT_EQ(record().seen().messages.size(), 0u);
    }

    /// Everything is as it should be with the others.
    static void expect_echo(WsPeer& peer) {
        peer.send(text("hello"));
        EXPECT_EQ(peer.read(), text("hello"));
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsAttackTest, both_roles, role_name);

// Sizes.

TEST_P(WsAttackTest, a_length_that_is_only_declared_is_refused_at_once) {
    std::size_t index = 0;
    for (const std::uint64_t length :
         {std::uint64_t{1024 * 1024 + 1}, std::uint64_t{1} << 32, std::uint64_t{INT64_MAX}}) {
        for (const Opcode opcode : {Opcode::text, Opcode::binary}) {
            WsPeer peer = open();
            peer.send({.opcode = opcode, .length = length});
            expect_too_big(peer, index++);
        }
    }
}

TEST_P(WsAttackTest, a_length_that_is_only_declared_in_a_later_part_is_refused_at_once) {
    WsPeer peer = open({}, {.max_message_bytes = 1000});
    peer.send(first_part(Opcode::binary, pattern(0, 600)));
    peer.send({.opcode = Opcode::continuation, .length = 401});
    expect_too_big(peer);
    WsPeer overflow = open();
    overflow.send(first_part(Opcode::binary, "x"));
    overflow.send({.opcode = Opcode::continuation, .length = INT64_MAX});
    expect_too_big(overflow, 1);
}

TEST_P(WsAttackTest, messages_up_to_the_limit_are_taken) {
    WsPeer peer = open(echoing(), {.max_message_bytes = 1000});
    peer.send(binary(pattern(0, 1000)));
    EXPECT_EQ(peer.read(), binary(pattern(0, 1000)));
    peer.send(first_part(Opcode::binary, pattern(0, 500)));
    peer.send(last_part(pattern(500, 500)));
    EXPECT_EQ(peer.read(), binary(pattern(0, 1000)));
    peer.send(binary(pattern(0, 1001)));
    EXPECT_EQ(peer.read_close(), 1009);
}

TEST_P(WsAttackTest, a_streamed_message_has_no_limit_and_takes_no_memory) {
    WsPeer peer = open({}, {.max_message_bytes = 1000, .streamed = true});
    peer.send({.opcode = Opcode::binary, .length = std::uint64_t{1} << 40});
    for (int i = 0; i < 64; ++i) peer.send(pattern(0, 64 * 1024));
    ASSERT_TRUE(record().wait_until([](const WsSeen& now) { return now.streamed().size() == 64 * 64 * 1024; }));
}

TEST_P(WsAttackTest, empty_fragments_without_end_are_refused) {
    for (const bool streamed : {false, true}) {
        SCOPED_TRACE(streamed);
        WsPeer peer = open({}, {.max_fragments = 100, .streamed = streamed});
        std::string flood = peer.encode(first_part(Opcode::text, ""));
        for (int i = 0; i < 99; ++i) flood += peer.encode(next_part(""));
        peer.send(flood);
        peer.send(ping("still"));
        EXPECT_EQ(peer.read(), pong("still"));
        peer.send(next_part(""));
        expect_too_big(peer, streamed ? 1 : 0);
    }
}

TEST_P(WsAttackTest, a_flood_of_fragments_in_one_piece_is_refused) {
    WsPeer peer = open();
    std::string flood = peer.encode(first_part(Opcode::text, ""));
    for (int i = 0; i < 20'000; ++i) flood += peer.encode(next_part(""));
    peer.try_send(flood);
    EXPECT_EQ(peer.read_close(), 1009);
}

TEST_P(WsAttackTest, a_compressed_bomb_is_refused_while_it_inflates) {
    const std::string small = bomb(64 * 1024 * 1024);
    ASSERT_LT(small.size(), 512u * 1024);
    std::size_t index = 0;
    for (const ws::DeflateMemory memory : {ws::DeflateMemory::shared, ws::DeflateMemory::per_connection}) {
        const ws::Options options{.deflate = {.memory = memory}};
        WsPeer whole = open_deflating({}, options);
        whole.try_send({.payload = small, .rsv = 4});
        expect_too_big(whole, index++);
        WsPeer parts = open_deflating({}, options);
        parts.try_send(parts.encode({.payload = small.substr(0, 1000), .fin = false, .rsv = 4}) +
                       parts.encode(next_part(small.substr(1000, 20'000))) +
                       parts.encode(last_part(small.substr(21'000))));
        expect_too_big(parts, index++);
    }
}

TEST_P(WsAttackTest, a_compressed_bomb_that_is_streamed_comes_in_pieces) {
    constexpr std::size_t size = 16 * 1024 * 1024;
    std::size_t received = 0;
    std::size_t largest = 0;
    WsPeer peer = open_deflating({.on_fragment =
                                      [&](ws::WebSocket&, MessageType, Bytes part, bool) {
                                          received += part.size();
                                          largest = std::max(largest, part.size());
                                      }},
                                 {.streamed = true, .deflate = {.memory = ws::DeflateMemory::per_connection}});
    peer.send({.opcode = Opcode::binary, .payload = bomb(size), .rsv = 4});
    peer.shake_hands_and_close();
    EXPECT_TRUE(record().close().clean);
    EXPECT_EQ(received, size);
    EXPECT_LE(largest, 64u * 1024);
}

// Control frames.

TEST_P(WsAttackTest, a_flood_of_pongs_is_not_answered) {
    const std::size_t count = scaled(20'000);
    std::size_t pongs = 0;
    WsHooks hooks = echoing();
    hooks.on_pong = [&](ws::WebSocket& socket, Bytes) {
        ++pongs;
        EXPECT_EQ(socket.bytes_pending(), 0u);
    };
    WsPeer peer = open(hooks);
    std::string flood;
    for (std::size_t i = 0; i < count; ++i) flood += peer.encode(pong("pong"));
    peer.send(flood);
    expect_echo(peer);
    EXPECT_EQ(pongs, count);
}

TEST_P(WsAttackTest, pings_of_a_peer_that_does_not_read_are_answered_as_far_as_there_is_room) {
    constexpr std::size_t watermark = 64 * 1024;
    const std::size_t count = 40'000;
    std::atomic<std::size_t> most = 0;
    WsPeer peer = open(
        {.on_ping = [&](ws::WebSocket& socket, Bytes) { most = std::max(most.load(), socket.bytes_pending()); }}, {},
        {.kernel_send_buffer_bytes = small_buffer,
         .high_watermark_bytes = watermark,
         .low_watermark_bytes = watermark / 4,
         .hold_receive_while_pending = false});
    // What it gets is taken only when all pings are sent.
    const auto payload = [](std::size_t number) { return std::to_string(number) + std::string(100, ' '); };
    for (std::size_t i = 0; i < count; ++i) peer.send(ping(payload(i)));
    ASSERT_TRUE(record().wait_for_pings(count));
    EXPECT_LE(most, watermark + 1024) << "bounded";
    std::size_t pongs = 0;
    for (std::optional<WsFrame> frame; (frame = peer.read()); ++pongs) {
        ASSERT_EQ(frame->opcode, Opcode::pong);
        if (frame->payload == payload(count - 1)) break;
    }
    EXPECT_LT(pongs, count) << "not all of them";
    EXPECT_GT(pongs, 0u);
    peer.shake_hands_and_close();
}

TEST_P(WsAttackTest, pings_are_held_back_with_everything_else_if_that_is_wanted) {
    const std::size_t count = scaled(50'000);
    WsPeer peer = open({}, {}, {.kernel_send_buffer_bytes = small_buffer, .hold_receive_while_pending = true});
    std::thread flood{[&] {
        for (std::size_t i = 0; i < count; ++i) peer.socket().send(peer.encode(ping(std::to_string(i))));
    }};
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(peer.read(), pong(std::to_string(i)));
    flood.join();
}

TEST_P(WsAttackTest, who_never_reads_while_pings_are_due_is_given_up) {
    std::size_t pending = 0;
    WsPeer peer =
        open({.on_open =
                  [](ws::WebSocket& socket) {
                      while (socket.send(as_bytes(pattern(0, 64 * 1024))) == Result::ok) continue;
                  },
              .on_close = [&](ws::WebSocket& socket, const ws::CloseEvent&) { pending = socket.bytes_pending(); }},
             {.ping_interval = 20ms}, {.kernel_send_buffer_bytes = small_buffer});
    const SeenClose ended = record().close();
    EXPECT_EQ(ended.cause, CloseReason::ping_timeout);
    EXPECT_EQ(ended.code, 1006);
    EXPECT_LE(pending, 2u * 1024 * 1024);
}

// Ends.

TEST_P(WsAttackTest, a_reset_in_the_middle_of_a_frame_is_told) {
    WsPeer peer = open();
    peer.send({.payload = "half", .length = 100});
    settle();
    peer.socket().reset();
    const SeenClose ended = record().close();
    EXPECT_EQ(ended.code, 1006);
    EXPECT_EQ(ended.cause, CloseReason::peer_reset);
    EXPECT_FALSE(ended.clean);
}

TEST_P(WsAttackTest, a_half_close_in_the_middle_of_a_message_ends_it) {
    WsPeer peer = open(echoing());
    peer.send(text("whole"));
    peer.send(first_part(Opcode::text, "half"));
    peer.finish_sending();
    EXPECT_EQ(peer.read(), text("whole")) << "what was asked before is answered";
    EXPECT_TRUE(peer.is_closed());
    const SeenClose ended = record().close();
    EXPECT_EQ(ended.code, 1006);
    EXPECT_EQ(ended.cause, CloseReason::peer_closed);
    EXPECT_THAT(record().seen().messages, ElementsAre(SeenMessage{MessageType::text, "whole"}));
}

/// After every byte; after fewer where a sanitizer makes everything ten times slower.
constexpr std::size_t step = sanitized ? 7 : 1;

/// How a peer leaves.
using LeaveAs = void (*)(WsPeer&);
const std::vector<LeaveAs> ways_to_leave{[](WsPeer& peer) { peer.socket().close(); },
                                         [](WsPeer& peer) { peer.socket().reset(); },
                                         [](WsPeer& peer) {
                                             peer.finish_sending();
                                             static_cast<void>(peer.end());
                                         }};

TEST_P(WsAttackTest, a_peer_may_leave_after_every_byte_of_its_frames) {
    std::size_t index = 0;
    std::string frames;
    for (const WsFrame& frame :
         {text("text"), first_part(Opcode::binary, "part"), ping("ping"), last_part("end"), close(1000)}) {
        frames += encode(frame, other(ours));
    }
    for (const LeaveAs leave : ways_to_leave) {
        for (std::size_t at = 0; at <= frames.size(); at += step) {
            SCOPED_TRACE(at);
            WsPeer peer = open(echoing());
            peer.send(std::string_view{frames}.substr(0, at));
            leave(peer);
            peer.socket().close();
            const SeenClose ended = record().close(index++);
            ASSERT_TRUE(ended.code == 1000 || ended.code == 1006) << ended.code;
            ASSERT_TRUE(ended.cause == CloseReason::peer_closed || ended.cause == CloseReason::peer_reset);
        }
    }
}

class WsHandshakeAttackTest : public WsWireTest {};

INSTANTIATE_TEST_SUITE_P(Net, WsHandshakeAttackTest, every_wire, wire_name);

TEST_P(WsHandshakeAttackTest, a_client_may_leave_after_every_byte_of_its_request) {
    serve(echoing());
    const std::string request = upgrade_request();
    for (const LeaveAs leave : ways_to_leave) {
        for (std::size_t at = 0; at <= request.size(); at += step) {
            WsPeer peer = connect();
            peer.send(std::string_view{request}.substr(0, at));
            leave(peer);
        }
    }
    WsPeer peer = join();
    peer.send(text("hello"));
    EXPECT_EQ(peer.read(), text("hello")) << "the server is as it was";
    peer.shake_hands_and_close();
    EXPECT_TRUE(seen.wait_until([](const Recorder::Seen& now) { return now.opens == now.closes && now.opens > 0; }));
}

TEST_P(WsHandshakeAttackTest, a_server_may_leave_after_every_byte_of_its_answer) {
    open_client(echoing(), {.reconnect = {.enabled = true, .delay = 1ms, .growth = 1, .jitter = 0}});
    for (const LeaveAs leave : ways_to_leave) {
        for (std::size_t at = 0; at <= 200; at += 7) {
            WsPeer peer = accept();
            const std::string all = switching_answer(peer.read_head());
            peer.send(std::string_view{all}.substr(0, at));
            leave(peer);
        }
    }
    WsPeer peer = accept_upgraded();
    peer.send(text("hello"));
    EXPECT_EQ(peer.read(), text("hello")) << "it comes again";
}

// Stops.

TEST_P(WsHandshakeAttackTest, a_server_that_stops_says_1001_to_all) {
    constexpr std::size_t count = 8;
    serve(echoing());
    std::vector<WsPeer> peers;
    for (std::size_t i = 0; i < count; ++i) peers.push_back(join());
    WsPeer unfinished = connect();
    unfinished.send("GET / HTTP/1.1\r\n");
    peers[0].send(first_part(Opcode::text, "half"));
    ASSERT_TRUE(seen.wait_for_opens(count));
    settle();
    std::thread stopping{[this] { server->stop(); }};
    for (WsPeer& peer : peers) EXPECT_EQ(peer.read(), close(1001));
    for (WsPeer& peer : peers) {
        peer.send(close(1001));
        peer.leave();
    }
    EXPECT_NE(unfinished.end(), HttpEnd::timed_out);
    unfinished.socket().close();
    stopping.join();
    for (std::size_t i = 0; i < count; ++i) {
        const SeenClose ended = ws_seen.close(i);
        EXPECT_EQ(ended.cause, CloseReason::shutdown);
        EXPECT_EQ(ended.code, 1001);
        EXPECT_EQ(ended.sent_code, 1001);
        EXPECT_TRUE(ended.clean);
    }
}

TEST_P(WsHandshakeAttackTest, a_server_that_stops_does_not_wait_for_ever) {
    serve(echoing(), {.socket = {.close_timeout = 50ms}}, {.connection = {.close_timeout = 50ms}});
    std::vector<WsPeer> peers;
    for (std::size_t i = 0; i < 4; ++i) peers.push_back(join());
    ASSERT_TRUE(seen.wait_for_opens(4));
    server->stop();
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(ws_seen.close(i).cause, CloseReason::shutdown);
        EXPECT_EQ(ws_seen.close(i).code, 1006);
    }
    for (WsPeer& peer : peers) EXPECT_EQ(peer.read_close(), 1001);
}

TEST_P(WsHandshakeAttackTest, a_client_that_stops_says_1000) {
    open_client();
    WsPeer peer = accept_upgraded();
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    std::thread stopping{[this] { client->stop(); }};
    EXPECT_EQ(peer.read_close(), 1000);
    peer.send(close(1000));
    peer.leave();
    stopping.join();
    EXPECT_TRUE(ws_client_seen.close().clean);
}

}  // namespace
}  // namespace pollux::test
