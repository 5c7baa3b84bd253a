// Messages that are delivered as they come in.
#include <gmock/gmock.h>

#include <string>

#include "net/ws_support.h"
#include "proto/ws/deflate.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using ws::MessageType;
using ws::WebSocket;

constexpr std::string_view deflate_extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
constexpr std::string_view deflate_alone =
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";

std::string compressed_text(std::string_view message) {
    ws::Deflater deflater{{}};
    std::string out;
    deflater.compress(as_bytes(message), true, out);
    return out;
}

class WsStreamTest : public WsRoleTest {
protected:
    /// A WebSocket that streams, and compresses with this memory if it is told of any.
    [[nodiscard]] WsPeer open_streamed(WsHooks hooks = {}, std::optional<ws::DeflateMemory> memory = {}) {
        ws::Options options{.max_message_bytes = 300'000, .streamed = true};
        if (!memory) return open_as(ours, std::move(hooks), options);
        options.deflate = {.enabled = true, .memory = *memory};
        const bool shared = memory == ws::DeflateMemory::shared;
        return open_as(ours, std::move(hooks), options, {}, shared ? deflate_alone : deflate_extension);
    }

    [[nodiscard]] bool wait_for_streamed(std::size_t bytes, std::size_t messages) {
        return record().wait_until([=](const WsSeen& all) {
            std::size_t ends = 0;
            for (const SeenMessage& fragment : all.fragments) ends += fragment.last ? 1 : 0;
            return ends >= messages && all.streamed().size() >= bytes;
        });
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsStreamTest, both_roles, role_name);

TEST_P(WsStreamTest, parts_come_in_the_place_of_messages) {
    WsPeer peer = open_streamed();
    peer.send(text("whole"));
    ASSERT_TRUE(record().wait_for_fragments(1));
    peer.send(first_part(Opcode::binary, "one"));
    ASSERT_TRUE(record().wait_for_fragments(2));
    peer.send(ping("between"));
    peer.send(next_part("two"));
    ASSERT_TRUE(record().wait_for_fragments(3));
    peer.send(last_part(""));
    peer.send(text(""));
    ASSERT_TRUE(record().wait_for_fragments(5));
    const WsSeen all = record().seen();
    EXPECT_THAT(
        all.fragments,
        ElementsAre(SeenMessage{MessageType::text, "whole", true}, SeenMessage{MessageType::binary, "one", false},
                    SeenMessage{MessageType::binary, "two", false}, SeenMessage{MessageType::binary, "", true},
                    SeenMessage{MessageType::text, "", true}));
    EXPECT_THAT(all.pings, ElementsAre("between"));
    EXPECT_TRUE(all.messages.empty());
    EXPECT_EQ(peer.read(), pong("between"));
    peer.shake_hands_and_close();
}

TEST_P(WsStreamTest, a_frame_that_is_not_there_yet_is_delivered_as_far_as_it_is) {
    WsPeer peer = open_streamed();
    const std::string frame = peer.encode(binary(pattern(0, 10'000)));
    peer.send(std::string_view{frame}.substr(0, 5000));
    ASSERT_TRUE(wait_for_streamed(4000, 0));
    EXPECT_FALSE(record().seen().fragments.back().last);
    peer.send(std::string_view{frame}.substr(5000));
    ASSERT_TRUE(wait_for_streamed(10'000, 1));
    EXPECT_EQ(record().seen().streamed(), pattern(0, 10'000));
    peer.shake_hands_and_close();
}

TEST_P(WsStreamTest, the_limit_on_messages_does_not_hold) {
    WsPeer peer = open_streamed();
    peer.send(binary(pattern(0, 1'000'000)));
    ASSERT_TRUE(wait_for_streamed(1'000'000, 1));
    EXPECT_TRUE(record().seen().streamed() == pattern(0, 1'000'000));
    peer.shake_hands_and_close();
}

TEST_P(WsStreamTest, a_text_is_checked_across_its_parts) {
    WsPeer peer = open_streamed();
    peer.send(first_part(Opcode::text, "\xe2\x82"));
    ASSERT_TRUE(record().wait_for_fragments(1));
    peer.send(last_part("\xac"));
    ASSERT_TRUE(record().wait_for_fragments(2));
    EXPECT_EQ(record().seen().streamed(), "\xe2\x82\xac");
    peer.send(first_part(Opcode::text, "\xe2\x82"));
    peer.send(next_part("x"));
    EXPECT_EQ(peer.read_close(), ws::close_code::invalid_data);
}

TEST_P(WsStreamTest, a_message_is_counted_when_it_is_complete) {
    std::vector<std::uint64_t> counted;
    WsPeer peer = open_streamed({.on_fragment = [&](WebSocket& socket, MessageType, Bytes, bool last) {
        counted.push_back(socket.counters().messages_received);
        if (last) {
            EXPECT_EQ(socket.send("counted"), Result::ok);
        }
    }});
    peer.send(first_part(Opcode::text, "1"));
    peer.send(next_part("2"));
    peer.send(last_part("3"));
    EXPECT_EQ(peer.read(), text("counted"));
    peer.send(text("4"));
    EXPECT_EQ(peer.read(), text("counted"));
    EXPECT_THAT(counted, ElementsAre(0u, 0u, 1u, 2u));
    peer.shake_hands_and_close();
}

TEST_P(WsStreamTest, what_inflates_to_much_comes_in_pieces_each_of_which_may_pause) {
    const std::string message(1'000'000, 'x');
    WsPeer peer =
        open_streamed({.on_fragment =
                           [](WebSocket& socket, MessageType, Bytes part, bool) {
                               EXPECT_LE(part.size(), 64u * 1024u);
                               socket.pause_receiving();
                               EXPECT_EQ(socket.reactor().post([&socket] { socket.resume_receiving(); }), Result::ok);
                           }},
                      ws::DeflateMemory::per_connection);
    const WsFrame frame{.opcode = Opcode::text, .payload = compressed_text(message), .rsv = 4};
    peer.send(peer.encode(frame) + peer.encode(ping("behind")));
    ASSERT_TRUE(wait_for_streamed(message.size(), 1));
    EXPECT_TRUE(record().seen().streamed() == message);
    EXPECT_EQ(peer.read(), pong("behind"));
    settle();  // the last task is behind its resume
    peer.shake_hands_and_close();
}

TEST_P(WsStreamTest, the_end_of_the_stream_waits_for_what_is_still_to_be_inflated) {
    const std::string message(1'000'000, 'x');
    WsPeer peer =
        open_streamed({.on_fragment =
                           [](WebSocket& socket, MessageType, Bytes, bool last) {
                               if (last) return;
                               socket.pause_receiving();
                               EXPECT_EQ(socket.reactor().post([&socket] { socket.resume_receiving(); }), Result::ok);
                           }},
                      ws::DeflateMemory::per_connection);
    peer.send(WsFrame{.opcode = Opcode::text, .payload = compressed_text(message), .rsv = 4});
    peer.finish_sending();
    EXPECT_EQ(record().close().cause, CloseReason::peer_closed);
    EXPECT_TRUE(record().seen().streamed() == message);
    EXPECT_TRUE(record().seen().fragments.back().last);
}

TEST_P(WsStreamTest, with_shared_memory_a_compressed_message_comes_as_one_part) {
    const std::string message(200'000, 'x');
    WsPeer peer = open_streamed({}, ws::DeflateMemory::shared);
    const std::string payload = compressed_text(message);
    peer.send(WsFrame{.opcode = Opcode::text, .payload = payload.substr(0, 10), .fin = false, .rsv = 4});
    peer.send(last_part(payload.substr(10)));
    ASSERT_TRUE(wait_for_streamed(message.size(), 1));
    EXPECT_THAT(record().seen().fragments, ElementsAre(SeenMessage{MessageType::text, message, true}));
    peer.shake_hands_and_close();
}

TEST_P(WsStreamTest, with_shared_memory_a_compressed_message_is_bounded) {
    WsPeer peer = open_streamed({}, ws::DeflateMemory::shared);
    peer.send(WsFrame{.opcode = Opcode::text, .payload = compressed_text(std::string(300'001, 'x')), .rsv = 4});
    EXPECT_EQ(peer.read_close(), ws::close_code::too_big);
}

TEST_P(WsStreamTest, a_compressed_text_is_checked_too) {
    for (const auto memory : {ws::DeflateMemory::shared, ws::DeflateMemory::per_connection}) {
        WsPeer peer = open_streamed({}, memory);
        peer.send(WsFrame{.opcode = Opcode::text, .payload = compressed_text("caf\xc3"), .rsv = 4});
        EXPECT_EQ(peer.read_close(), ws::close_code::invalid_data);
    }
}

}  // namespace
}  // namespace pollux::test
