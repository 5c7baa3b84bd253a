// RFC 6455, 5.6, 6 and 8.1: messages, and texts that are not UTF-8.
#include <gmock/gmock.h>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using ws::MessageType;
using namespace std::string_literals;

const std::vector<std::string> good_texts{
    "",
    "ASCII \x7f",
    "\u00fc\u20ac\U0001f600",
    "\xc2\x80\xdf\xbf",                  // two bytes: the first and the last
    "\xe0\xa0\x80\xef\xbf\xbf",          // three bytes
    "\xed\x9f\xbf\xee\x80\x80",          // around the surrogates
    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",  // four bytes
    "\0NUL\0"s,
    "\xef\xbb\xbfwith a byte order mark",
};

struct BadText {
    const char* what;
    std::string text;
    std::size_t bad_after;  ///< So many bytes show that it is bad.
};

const std::vector<BadText> bad_texts{
    {"a continuation alone", "ab\x80", 3},
    {"a lead byte and no continuation", "\xc3(", 2},
    {"overlong, two bytes", "\xc0\xaf", 1},
    {"overlong NUL", "\xc0\x80", 1},
    {"overlong, three bytes", "\xe0\x80\xaf", 2},
    {"overlong, four bytes", "\xf0\x80\x80\xaf", 2},
    {"a surrogate", "\xed\xa0\x80", 2},
    {"the last surrogate", "\xed\xbf\xbf", 2},
    {"beyond U+10FFFF", "\xf4\x90\x80\x80", 2},
    {"a lead byte that never is", "\xf5\x80\x80\x80", 1},
    {"five bytes", "\xf8\x88\x80\x80\x80", 1},
    {"FE", "text \xfe", 6},
    {"FF", std::string(70, 'a') + "\xff" + std::string(70, 'a'), 71},
    {"two of three bytes, then ASCII", "\xe2\x82!", 3},
};

/// Complete, but for the last character.
const std::vector<std::string> cut_texts{"\xc3", "a\xe2\x82", "\xe2", "\xf0\x9f\x98", "\u20ac\xf0\x9f"};

class WsTextTest : public WsRoleTest {
protected:
    void expect_refused(WsPeer& peer, std::size_t index) {
        peer.expect_close(1007);
        EXPECT_EQ(record().close(index).cause, CloseReason::protocol_error);
        EXPECT_THAT(record().seen().messages, ElementsAre());
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsTextTest, both_roles, role_name);

// 6: sending and receiving.

TEST_P(WsTextTest, rfc6455_6_1_messages_are_sent_whole_and_in_order) {
    WsPeer peer = open({.on_open = [](ws::WebSocket& socket) {
        EXPECT_EQ(socket.send("text"), Result::ok);
        EXPECT_EQ(socket.send(as_bytes(std::string_view{"\xff"})), Result::ok);
        EXPECT_EQ(socket.send(""), Result::ok);
        EXPECT_EQ(socket.send(ws::PreparedMessage{"prepared"}), Result::ok);
        EXPECT_EQ(socket.send(as_bytes(pattern(0, 100'000))), Result::ok);
        EXPECT_EQ(socket.counters().messages_sent, 5u);
    }});
    EXPECT_EQ(peer.read(), text("text"));
    EXPECT_EQ(peer.read(), binary("\xff"));
    EXPECT_EQ(peer.read(), text(""));
    EXPECT_EQ(peer.read(), text("prepared"));
    EXPECT_EQ(peer.read(), binary(pattern(0, 100'000)));
}

TEST_P(WsTextTest, rfc6455_6_2_messages_are_received_whole_with_their_type) {
    WsPeer peer = open();
    peer.send(text("text"));
    peer.send(binary("text"));
    peer.send(first_part(Opcode::binary, "in "));
    peer.send(last_part("parts"));
    ASSERT_TRUE(record().wait_for_messages(3));
    EXPECT_THAT(record().seen().messages,
                ElementsAre(SeenMessage{MessageType::text, "text"}, SeenMessage{MessageType::binary, "text"},
                            SeenMessage{MessageType::binary, "in parts"}));
}

TEST_P(WsTextTest, rfc6455_6_2_messages_are_received_in_parts_if_that_is_wanted) {
    WsPeer peer = open({}, {.streamed = true});
    peer.send(text("whole"));
    peer.send(first_part(Opcode::text, "a\xe2\x82"));
    settle();
    peer.send(ping());
    peer.send(next_part(""));
    peer.send(last_part("\xac"));
    peer.send(binary(""));
    ASSERT_TRUE(record().wait_for_fragments(4));
    EXPECT_THAT(record().seen().fragments,
                ElementsAre(SeenMessage{MessageType::text, "whole"}, SeenMessage{MessageType::text, "a\xe2\x82", false},
                            SeenMessage{MessageType::text, "\xac"}, SeenMessage{MessageType::binary, ""}));
    EXPECT_THAT(record().seen().messages, ElementsAre());
}

// 8.1: UTF-8.

TEST_P(WsTextTest, rfc6455_8_1_utf8_is_taken) {
    WsPeer peer = open(echoing());
    for (const std::string& good : good_texts) {
        SCOPED_TRACE(testing::PrintToString(good));
        peer.send(text(good));
        EXPECT_EQ(peer.read(), text(good));
    }
}

TEST_P(WsTextTest, rfc6455_8_1_utf8_is_taken_when_a_part_ends_anywhere) {
    WsPeer peer = open(echoing());
    for (const std::string& good : good_texts) {
        SCOPED_TRACE(testing::PrintToString(good));
        for (std::size_t at = 0; at <= good.size(); ++at) {
            peer.send(first_part(Opcode::text, good.substr(0, at)));
            peer.send(last_part(good.substr(at)));
            EXPECT_EQ(peer.read(), text(good));
        }
    }
}

TEST_P(WsTextTest, rfc6455_8_1_utf8_is_taken_when_the_bytes_come_one_by_one) {
    WsPeer peer = open(echoing());
    const std::string good = "\u00fc\u20ac\U0001f600";
    send_bytewise(peer, peer.encode(text(good)));
    EXPECT_EQ(peer.read(), text(good));
}

TEST_P(WsTextTest, rfc6455_8_1_what_is_not_utf8_is_refused_with_1007) {
    std::size_t index = 0;
    for (const BadText& bad : bad_texts) {
        SCOPED_TRACE(bad.what);
        WsPeer peer = open();
        peer.send(text(bad.text));
        expect_refused(peer, index++);
    }
}

TEST_P(WsTextTest, rfc6455_8_1_what_cannot_become_utf8_is_refused_before_the_frame_is_complete) {
    for (const bool streamed : {false, true}) {
        std::size_t index = streamed ? bad_texts.size() : 0;
        for (const BadText& bad : bad_texts) {
            SCOPED_TRACE(bad.what);
            WsPeer peer = open({}, {.streamed = streamed});
            // The last byte of the frame never comes.
            peer.send({.payload = bad.text.substr(0, bad.bad_after), .length = bad.bad_after + 1});
            expect_refused(peer, index++);
        }
    }
}

TEST_P(WsTextTest, rfc6455_8_1_what_cannot_become_utf8_is_refused_before_the_message_is_complete) {
    std::size_t index = 0;
    for (const BadText& bad : bad_texts) {
        SCOPED_TRACE(bad.what);
        WsPeer peer = open();
        for (std::size_t at = 0; at < bad.bad_after; ++at) {
            const std::string byte = bad.text.substr(at, 1);
            ASSERT_TRUE(peer.try_send(at == 0 ? first_part(Opcode::text, byte) : next_part(byte)));
        }
        expect_refused(peer, index++);
    }
}

TEST_P(WsTextTest, rfc6455_8_1_a_text_that_ends_within_a_character_is_refused_with_1007) {
    std::size_t index = 0;
    for (const std::string& cut : cut_texts) {
        SCOPED_TRACE(testing::PrintToString(cut));
        WsPeer whole = open();
        whole.send(text(cut));
        expect_refused(whole, index++);
        WsPeer parts = open();
        parts.send(first_part(Opcode::text, cut));
        settle();
        EXPECT_TRUE(parts.try_send(last_part("")));
        expect_refused(parts, index++);
    }
}

TEST_P(WsTextTest, rfc6455_8_1_a_text_does_not_go_on_with_the_character_of_the_one_before) {
    WsPeer peer = open();
    peer.send(first_part(Opcode::binary, "\xe2\x82"));
    peer.send(last_part(""));
    ASSERT_TRUE(record().wait_for_messages(1)) << "a binary message is any bytes";
    peer.send(text("\xac"));
    peer.expect_close(1007);
}

}  // namespace
}  // namespace pollux::test
