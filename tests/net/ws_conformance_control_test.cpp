// RFC 6455, 5.5 and 7: control frames and the closing of either role.
#include <gmock/gmock.h>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using ws::MessageType;

class WsControlTest : public WsRoleTest {
protected:
    /// What our side says to bytes that break the protocol, and what its handler is told.
    void expect_refused(WsPeer& peer, std::uint16_t code, std::size_t index = 0) {
        peer.expect_close(code);
        const SeenClose ended = record().close(index);
        EXPECT_EQ(ended.cause, CloseReason::protocol_error);
        EXPECT_EQ(ended.sent_code, code);
        EXPECT_FALSE(ended.clean);
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsControlTest, both_roles, role_name);

// 5.5: control frames.

TEST_P(WsControlTest, rfc6455_5_5_a_control_frame_in_parts_is_refused_with_1002) {
    std::size_t index = 0;
    for (const Opcode opcode : {Opcode::close, Opcode::ping, Opcode::pong}) {
        WsPeer peer = open();
        peer.send(first_part(opcode, ""));
        expect_refused(peer, 1002, index++);
    }
}

TEST_P(WsControlTest, rfc6455_5_5_a_control_frame_beyond_125_bytes_is_refused_with_1002) {
    std::size_t index = 0;
    for (const Opcode opcode : {Opcode::close, Opcode::ping, Opcode::pong}) {
        for (const std::uint64_t length : {std::uint64_t{126}, std::uint64_t{65'536}}) {
            WsPeer peer = open();
            peer.send({.opcode = opcode, .length = length});
            expect_refused(peer, 1002, index++);
        }
    }
}

// 5.5.1: Close.

TEST_P(WsControlTest, rfc6455_5_5_1_close_is_answered_with_its_code) {
    struct Case {
        std::uint16_t code;
        std::string reason;
    };
    const std::vector<Case> cases{{1005, ""},          {1000, ""},      {1001, "bye"}, {1000, std::string(123, 'r')},
                                  {4999, "\u00fcber"}, {3000, "\0\x7f"}};
    std::size_t index = 0;
    for (const auto& [code, reason] : cases) {
        SCOPED_TRACE(code);
        WsPeer peer = open();
        peer.send(close(code, reason));
        EXPECT_EQ(peer.read(), close(code));
        peer.leave();
        const SeenClose ended = record().close(index++);
        EXPECT_EQ(ended.code, code);
        EXPECT_EQ(ended.reason, reason);
        EXPECT_EQ(ended.sent_code, code);
        EXPECT_EQ(ended.cause, CloseReason::peer_closed);
        EXPECT_TRUE(ended.clean);
    }
}

TEST_P(WsControlTest, rfc6455_5_5_1_close_with_one_byte_is_refused_with_1002) {
    WsPeer peer = open();
    peer.send({.opcode = Opcode::close, .payload = "\x03"});
    expect_refused(peer, 1002);
}

TEST_P(WsControlTest, rfc6455_5_5_1_a_reason_that_is_not_utf8_is_refused_with_1007) {
    std::size_t index = 0;
    for (const char* reason : {"\xff", "cut \xe2\x82", "\xed\xa0\x80"}) {
        WsPeer peer = open();
        peer.send(close(1000, reason));
        expect_refused(peer, 1007, index++);
    }
}

TEST_P(WsControlTest, rfc6455_5_5_1_nothing_is_read_after_close) {
    WsPeer peer = open(echoing());
    peer.send(peer.encode(text("before")) + peer.encode(close(1000)) + peer.encode(text("after")) +
              peer.encode({.payload = "wrong", .rsv = 7}) + peer.encode(ping("after")));
    EXPECT_EQ(peer.read(), text("before"));
    peer.shake_hands_and_close();
    EXPECT_THAT(record().seen().messages, ElementsAre(SeenMessage{MessageType::text, "before"}));
    EXPECT_THAT(record().seen().pings, ElementsAre());
    EXPECT_EQ(record().close().code, 1000);
}

TEST_P(WsControlTest, rfc6455_5_5_1_nothing_is_sent_after_close) {
    WsPeer peer = open({.on_open = [](ws::WebSocket& socket) {
        EXPECT_EQ(socket.send("before"), Result::ok);
        EXPECT_TRUE(socket.is_open());
        socket.close(1001, "bye");
        EXPECT_FALSE(socket.is_open());
        EXPECT_EQ(socket.send("after"), Result::closed);
        EXPECT_EQ(socket.send(ws::PreparedMessage{"after"}), Result::closed);
        EXPECT_EQ(socket.send_fragment(MessageType::text, {}, true), Result::closed);
        EXPECT_EQ(socket.ping("after"), Result::closed);
        EXPECT_EQ(socket.pong("after"), Result::closed);
        socket.close(1000, "again");
    }});
    EXPECT_EQ(peer.read(), text("before"));
    EXPECT_EQ(peer.read(), close(1001, "bye"));
    peer.send(ping("unanswered"));
    peer.send(text("undelivered"));
    peer.send(close(1001));
    peer.leave();
    const SeenClose ended = record().close();
    EXPECT_EQ(ended.cause, CloseReason::local_close);
    EXPECT_EQ(ended.code, 1001);
    EXPECT_EQ(ended.sent_code, 1001);
    EXPECT_TRUE(ended.clean);
    EXPECT_THAT(record().seen().messages, ElementsAre());
}

TEST_P(WsControlTest, rfc6455_5_5_1_close_frames_that_cross_are_a_clean_end) {
    WsPeer peer = open({.on_message = [](ws::WebSocket& socket, MessageType, Bytes) { socket.close(4000, "ours"); }});
    peer.send(peer.encode(text("close")) + peer.encode(close(4001, "theirs")));
    EXPECT_EQ(peer.read(), close(4000, "ours"));
    peer.leave();
    const SeenClose ended = record().close();
    EXPECT_EQ(ended.code, 4001);
    EXPECT_EQ(ended.reason, "theirs");
    EXPECT_EQ(ended.sent_code, 4000);
    EXPECT_TRUE(ended.clean);
}

// 5.5.2, 5.5.3: Ping and Pong.

TEST_P(WsControlTest, rfc6455_5_5_2_a_ping_is_answered_with_its_payload) {
    WsPeer peer = open();
    for (const std::string& payload :
         {std::string{}, std::string{"ping"}, std::string{"\0\xff\x80", 3}, pattern(0, 125)}) {
        peer.send(ping(payload));
        EXPECT_EQ(peer.read(), pong(payload));
    }
    EXPECT_EQ(record().seen().pings.size(), 4u);
}

TEST_P(WsControlTest, rfc6455_5_5_2_a_ping_that_is_cut_anywhere_is_answered) {
    WsPeer peer = open();
    const std::string bytes = peer.encode(ping("hello"));
    for (std::size_t at = 1; at < bytes.size(); ++at) {
        peer.send(std::string_view{bytes}.substr(0, at));
        settle();
        peer.send(std::string_view{bytes}.substr(at));
        EXPECT_EQ(peer.read(), pong("hello"));
    }
}

TEST_P(WsControlTest, rfc6455_5_5_2_a_ping_is_the_handlers_to_answer_if_it_wants_so) {
    WsPeer peer =
        open({.on_ping = [](ws::WebSocket& socket, Bytes) { socket.pong("own"); }}, {.automatic_pong = false});
    peer.send(ping("theirs"));
    EXPECT_EQ(peer.read(), pong("own"));
    peer.shake_hands_and_close();
}

TEST_P(WsControlTest, rfc6455_5_5_3_a_pong_nobody_asked_for_is_not_answered) {
    WsPeer peer = open();
    peer.send(pong("unasked"));
    peer.send(pong(""));
    peer.shake_hands_and_close();
    EXPECT_THAT(record().seen().pongs, ElementsAre("unasked", ""));
}

TEST_P(WsControlTest, rfc6455_5_5_3_pings_and_pongs_of_ours_are_well_formed) {
    WsPeer peer = open({.on_open = [](ws::WebSocket& socket) {
        EXPECT_EQ(socket.ping(), Result::ok);
        EXPECT_EQ(socket.ping(pattern(0, 125)), Result::ok);
        EXPECT_EQ(socket.pong("unasked"), Result::ok);
        EXPECT_EQ(socket.ping(pattern(0, 126)), Result::too_large);
        EXPECT_EQ(socket.pong(pattern(0, 126)), Result::too_large);
    }});
    EXPECT_EQ(peer.read(), ping());
    EXPECT_EQ(peer.read(), ping(pattern(0, 125)));
    EXPECT_EQ(peer.read(), pong("unasked"));
    peer.shake_hands_and_close();
}

// 7.1: the closing handshake.

TEST_P(WsControlTest, rfc6455_7_1_1_the_server_is_the_first_to_close_the_connection) {
    WsPeer peer = open({}, {.close_timeout = 60s});
    peer.send(close(1000));
    EXPECT_EQ(peer.read_close(), 1000);
    if (ours == Role::server) {
        EXPECT_TRUE(peer.is_closed()) << "without waiting for us";
    } else {
        settle();
        EXPECT_EQ(client_seen.seen().closes, 0u) << "it waits for the server";
        peer.finish_sending();
        EXPECT_TRUE(peer.is_closed());
    }
    peer.socket().close();
    EXPECT_TRUE(record().close().clean);
}

TEST_P(WsControlTest, rfc6455_7_1_1_a_peer_that_does_not_end_the_connection_is_not_waited_for) {
    WsPeer peer = open({}, {.close_timeout = 50ms}, {.close_timeout = 50ms});
    peer.send(close(1000));
    EXPECT_EQ(peer.read_close(), 1000);
    EXPECT_TRUE(record().close().clean);
}

TEST_P(WsControlTest, rfc6455_7_1_2_a_close_that_is_not_answered_ends_all_the_same) {
    WsPeer peer = open({.on_open = [](ws::WebSocket& socket) { socket.close(1000); }}, {.close_timeout = 50ms});
    EXPECT_EQ(peer.read_close(), 1000);
    const SeenClose ended = record().close();
    EXPECT_EQ(ended.code, 1006);
    EXPECT_EQ(ended.sent_code, 1000);
    EXPECT_EQ(ended.cause, CloseReason::local_close);
    EXPECT_FALSE(ended.clean);
}

TEST_P(WsControlTest, rfc6455_7_1_3_close_goes_out_behind_what_was_sent) {
    constexpr std::size_t size = 600'000;
    WsPeer peer = open({.on_open = [](ws::WebSocket& socket) {
        EXPECT_EQ(socket.send(as_bytes(pattern(0, size))), Result::ok);
        socket.close(1000);
    }});
    EXPECT_EQ(peer.read(), binary(pattern(0, size)));
    EXPECT_EQ(peer.read_close(), 1000);
}

TEST_P(WsControlTest, rfc6455_7_1_5_no_close_frame_is_1006_and_no_code_is_1005) {
    WsPeer without = open();
    without.socket().close();
    EXPECT_EQ(record().close(0).code, 1006);
    EXPECT_EQ(record().close(0).cause, CloseReason::peer_closed);
    EXPECT_EQ(record().close(0).sent_code, 0);
    WsPeer empty = open();
    empty.shake_hands_and_close(1005);
    EXPECT_EQ(record().close(1).code, 1005);
    EXPECT_TRUE(record().close(1).clean);
}

TEST_P(WsControlTest, rfc6455_7_1_6_the_reason_is_told_and_cut_between_characters) {
    const std::string long_reason = std::string(122, 'r').append("\u00fc");
    WsPeer peer = open({.on_open = [&](ws::WebSocket& socket) { socket.close(1000, long_reason); }});
    EXPECT_EQ(peer.read(), close(1000, std::string(122, 'r')));
}

TEST_P(WsControlTest, rfc6455_7_1_7_what_is_wrong_is_told_once_and_nothing_after_it_is_looked_at) {
    WsPeer peer = open();
    peer.send(peer.encode({.payload = "wrong", .rsv = 1}) + peer.encode(text("right")) +
              peer.encode({.opcode = Opcode::ping, .fin = false}) + peer.encode(close(1000)));
    expect_refused(peer, 1002);
    EXPECT_THAT(record().seen().messages, ElementsAre());
}

TEST_P(WsControlTest, rfc6455_7_2_1_a_connection_that_is_aborted_has_no_close_frame) {
    WsPeer peer = open({.on_message = [](ws::WebSocket& socket, MessageType, Bytes) { socket.abort(); }});
    peer.send(text("abort"));
    EXPECT_EQ(peer.read(), std::nullopt);
    const SeenClose ended = record().close();
    EXPECT_EQ(ended.code, 1006);
    EXPECT_EQ(ended.sent_code, 0);
    EXPECT_EQ(ended.cause, CloseReason::aborted);
}

TEST_P(WsControlTest, rfc6455_7_3_close_without_a_code_is_an_empty_frame) {
    WsPeer peer = open({.on_open = [](ws::WebSocket& socket) { socket.close(1005, "unsaid"); }});
    EXPECT_EQ(peer.read(), close(1005));
    peer.send(close(1005));
    peer.leave();
    EXPECT_EQ(record().close().sent_code, 1005);
}

// 7.4: codes.

TEST_P(WsControlTest, rfc6455_7_4_codes_that_may_be_in_a_frame_are_answered) {
    const std::vector<std::uint16_t> codes{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                           1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    std::size_t index = 0;
    for (const std::uint16_t code : codes) {
        SCOPED_TRACE(code);
        WsPeer peer = open();
        peer.shake_hands_and_close(code);
        EXPECT_EQ(record().close(index++).code, code);
    }
}

TEST_P(WsControlTest, rfc6455_7_4_codes_that_may_not_be_in_a_frame_are_refused_with_1002) {
    const std::vector<std::uint16_t> codes{0,    1,    999,  1004, 1005, 1006,   1015,  1016,
                                           1100, 1999, 2000, 2999, 5000, 32'768, 65'535};
    std::size_t index = 0;
    for (const std::uint16_t code : codes) {
        SCOPED_TRACE(code);
        WsPeer peer = open();
        peer.send({.opcode = Opcode::close, .payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)}});
        expect_refused(peer, 1002, index++);
    }
}

TEST_P(WsControlTest, rfc6455_7_4_codes_that_may_not_be_sent_are_sent_as_1011) {
    const std::vector<std::uint16_t> codes{0, 999, 1004, 1006, 1015, 1016, 2999, 5000};
    for (const std::uint16_t code : codes) {
        SCOPED_TRACE(code);
        WsPeer peer = open({.on_open = [&](ws::WebSocket& socket) { socket.close(code); }});
        EXPECT_EQ(peer.read_close(), 1011);
    }
}

}  // namespace
}  // namespace pollux::test
