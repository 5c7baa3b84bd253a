// RFC 6455, 5.1 to 5.4 and 5.6 to 5.8: frames of either role, right and wrong ones.
#include <gmock/gmock.h>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using ws::MessageType;
using namespace std::string_literals;

/// Frames, and what the last of them is good for.
struct FrameCase {
    const char* what;
    std::vector<WsFrame> frames;
};

/// A number as an opcode, also one that is reserved.
constexpr Opcode opcode(unsigned number) {
    return static_cast<Opcode>(number);
}

class WsFrameTest : public WsRoleTest {
protected:
    /// Each case on a connection of its own ends with this code.
    void expect_refused(const std::vector<FrameCase>& cases, std::uint16_t code, const ws::Options& options = {}) {
        std::size_t closed = 0;
        for (const FrameCase& each : cases) {
            SCOPED_TRACE(each.what);
            WsPeer peer = open({}, options);
            std::string bytes;
            for (const WsFrame& frame : each.frames) bytes += peer.encode(frame);
            peer.send(bytes);
            peer.expect_close(code);
            const SeenClose ended = record().close(closed++);
            EXPECT_EQ(ended.cause, code == 1009 ? CloseReason::limit : CloseReason::protocol_error);
            EXPECT_EQ(ended.sent_code, code);
            EXPECT_EQ(ended.code, 1006) << "no Close frame came";
            EXPECT_FALSE(ended.clean);
        }
        EXPECT_THAT(record().seen().messages, ElementsAre()) << "nothing of a broken message is delivered";
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsFrameTest, both_roles, role_name);

// 5.1, 5.3: masking.

TEST_P(WsFrameTest, rfc6455_5_1_a_mask_where_none_may_be_or_none_where_one_must_be_is_refused_with_1002) {
    const bool wrong = ours == Role::client;
    expect_refused({{"text", {{.payload = "wrong", .masked = wrong}}},
                    {"nothing in it", {{.masked = wrong}}},
                    {"ping", {{.opcode = Opcode::ping, .masked = wrong}}},
                    {"close", {{.opcode = Opcode::close, .masked = wrong}}},
                    {"the second part", {first_part(Opcode::text, "a"), {.opcode = opcode(0), .masked = wrong}}},
                    {"the header alone", {{.masked = wrong, .length = 1 << 20}}}},
                   1002);
}

TEST_P(WsFrameTest, rfc6455_5_3_any_key_unmasks_at_every_length_and_offset) {
    WsPeer peer = open(echoing());
    for (const std::string& key :
         {std::string{"\0\0\0\0", 4}, std::string{"\xff\xff\xff\xff"}, std::string{"\x01\0\0\x80", 4}}) {
        for (std::size_t size = 0; size < 140; size += 1 + size / 20) {
            SCOPED_TRACE(size);
            WsFrame frame = binary(pattern(size, size));
            frame.key = key;
            peer.send(frame);
            EXPECT_EQ(peer.read(), frame);
        }
    }
    peer.shake_hands_and_close();
}

TEST_P(WsFrameTest, rfc6455_5_3_a_frame_that_is_cut_anywhere_unmasks) {
    WsPeer peer = open(echoing());
    const WsFrame frame = binary(pattern(0, 150));
    const std::string bytes = peer.encode(frame);
    for (std::size_t at = 1; at < bytes.size(); ++at) {
        SCOPED_TRACE(at);
        peer.send(std::string_view{bytes}.substr(0, at));
        turn_all(engine, 2);
        peer.send(std::string_view{bytes}.substr(at));
        ASSERT_EQ(peer.read(), frame);
    }
}

// 5.2: the base framing.

TEST_P(WsFrameTest, rfc6455_5_2_reserved_bits_are_refused_with_1002) {
    std::vector<FrameCase> cases;
    for (unsigned rsv = 1; rsv < 8; ++rsv) {
        cases.push_back({"text", {{.payload = "text", .rsv = rsv}}});
        cases.push_back({"a part", {first_part(Opcode::text, "a"), {.opcode = opcode(0), .rsv = rsv}}});
        cases.push_back({"ping", {{.opcode = Opcode::ping, .rsv = rsv}}});
        cases.push_back({"close", {{.opcode = Opcode::close, .rsv = rsv}}});
    }
    expect_refused(cases, 1002);
}

TEST_P(WsFrameTest, rfc6455_5_2_reserved_opcodes_are_refused_with_1002) {
    std::vector<FrameCase> cases;
    for (const unsigned number : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
        cases.push_back({"alone", {{.opcode = opcode(number), .payload = "data"}}});
        cases.push_back({"to be continued", {{.opcode = opcode(number), .fin = false}}});
        cases.push_back({"within a message", {first_part(Opcode::text, "a"), {.opcode = opcode(number)}}});
    }
    expect_refused(cases, 1002);
}

TEST_P(WsFrameTest, rfc6455_5_2_a_length_not_in_its_shortest_form_is_refused_with_1002) {
    const std::string longest(125, 'x');
    expect_refused({{"0 in 2 bytes", {{.length_bytes = 2}}},
                    {"125 in 2 bytes", {{.payload = longest, .length_bytes = 2}}},
                    {"0 in 8 bytes", {{.length_bytes = 8}}},
                    {"125 in 8 bytes", {{.payload = longest, .length_bytes = 8}}},
                    {"126 in 8 bytes", {{.length = 126, .length_bytes = 8}}},
                    {"65535 in 8 bytes", {{.length = 65535, .length_bytes = 8}}},
                    {"a ping", {{.opcode = Opcode::ping, .length_bytes = 2}}},
                    {"a close", {{.opcode = Opcode::close, .length_bytes = 8}}},
                    {"a part", {first_part(Opcode::binary, ""), {.opcode = opcode(0), .length_bytes = 2}}}},
                   1002);
}

TEST_P(WsFrameTest, rfc6455_5_2_a_length_with_its_top_bit_set_is_refused_with_1002) {
    expect_refused({{"only that", {{.length = std::uint64_t{1} << 63}}}, {"all bits", {{.length = UINT64_MAX}}}}, 1002);
}

TEST_P(WsFrameTest, rfc6455_5_2_every_form_of_length_is_taken_and_sent) {
    WsPeer peer = open(echoing());
    for (const std::size_t size :
         {0u, 1u, 124u, 125u, 126u, 127u, 128u, 32'767u, 65'535u, 65'536u, 65'537u, 200'000u}) {
        SCOPED_TRACE(size);
        const WsFrame frame = binary(pattern(size, size));
        peer.send(frame);
        ASSERT_EQ(peer.read(), frame);
    }
}

TEST_P(WsFrameTest, rfc6455_5_2_a_header_that_comes_bytewise_is_put_together) {
    WsPeer peer = open(echoing());
    const std::vector<WsFrame> frames{text("text"), binary(pattern(0, 126)), ping("ping"), text("")};
    for (const WsFrame& frame : frames) send_bytewise(peer, peer.encode(frame));
    const WsFrame large = binary(pattern(7, 65'536));
    const std::string bytes = peer.encode(large);
    send_bytewise(peer, std::string_view{bytes}.substr(0, 15));
    peer.send(std::string_view{bytes}.substr(15));
    EXPECT_EQ(peer.read(), frames[0]);
    EXPECT_EQ(peer.read(), frames[1]);
    EXPECT_EQ(peer.read(), pong("ping"));
    EXPECT_EQ(peer.read(), frames[3]);
    EXPECT_EQ(peer.read(), large);
}

TEST_P(WsFrameTest, rfc6455_5_2_many_frames_in_one_piece_are_taken_one_by_one) {
    WsPeer peer = open(echoing());
    std::string all;
    for (unsigned i = 0; i < 1000; ++i) all += peer.encode(text(std::to_string(i)));
    peer.send(all);
    for (unsigned i = 0; i < 1000; ++i) ASSERT_EQ(peer.read(), text(std::to_string(i)));
    EXPECT_EQ(record().seen().messages.size(), 1000u);
}

// 5.4: fragmentation.

TEST_P(WsFrameTest, rfc6455_5_4_parts_out_of_order_are_refused_with_1002) {
    expect_refused(
        {{"a continuation of nothing", {last_part("a")}},
         {"a first part of nothing", {next_part("a")}},
         {"a text within a text", {first_part(Opcode::text, "a"), text("b")}},
         {"a binary within a text", {first_part(Opcode::text, "a"), binary("b")}},
         {"a first part within a binary", {first_part(Opcode::binary, "a"), first_part(Opcode::binary, "b")}},
         {"after a pong", {first_part(Opcode::text, "a"), pong(), text("b")}}},
        1002);
}

TEST_P(WsFrameTest, rfc6455_5_4_a_continuation_of_a_message_that_is_over_is_refused_with_1002) {
    WsPeer peer = open();
    peer.send(first_part(Opcode::text, "a"));
    peer.send(last_part("b"));
    peer.send(last_part("c"));
    peer.expect_close(1002);
    EXPECT_THAT(record().seen().messages, ElementsAre(SeenMessage{MessageType::text, "ab"}));
}

TEST_P(WsFrameTest, rfc6455_5_4_parts_are_put_together) {
    WsPeer peer = open();
    const auto deliver = [&](const std::vector<WsFrame>& frames) {
        for (const WsFrame& frame : frames) peer.send(frame);
    };
    deliver({first_part(Opcode::text, "a"), last_part("b")});
    deliver({first_part(Opcode::binary, ""), next_part(""), next_part("c"), next_part(""), last_part("")});
    deliver({first_part(Opcode::text, ""), last_part("")});
    deliver({first_part(Opcode::binary, pattern(0, 70'000)), last_part(pattern(70'000, 70'000))});
    deliver({text("whole")});
    ASSERT_TRUE(record().wait_for_messages(5));
    EXPECT_THAT(record().seen().messages,
                ElementsAre(SeenMessage{MessageType::text, "ab"}, SeenMessage{MessageType::binary, "c"},
                            SeenMessage{MessageType::text, ""}, SeenMessage{MessageType::binary, pattern(0, 140'000)},
                            SeenMessage{MessageType::text, "whole"}));
}

TEST_P(WsFrameTest, rfc6455_5_4_control_frames_come_between_parts) {
    WsPeer peer = open(echoing());
    peer.send(first_part(Opcode::text, "a"));
    peer.send(ping("between"));
    EXPECT_EQ(peer.read(), pong("between")) << "answered before the message is complete";
    peer.send(next_part("b"));
    peer.send(pong("unasked"));
    peer.send(ping(""));
    peer.send(last_part("c"));
    EXPECT_EQ(peer.read(), pong(""));
    EXPECT_EQ(peer.read(), text("abc")) << "nothing of the control frames is in it";
    EXPECT_THAT(record().seen().pings, ElementsAre("between", ""));
    EXPECT_THAT(record().seen().pongs, ElementsAre("unasked"));
}

TEST_P(WsFrameTest, rfc6455_5_4_a_close_between_parts_ends_the_message_undelivered) {
    WsPeer peer = open();
    peer.send(first_part(Opcode::text, "a"));
    peer.shake_hands_and_close(1001);
    EXPECT_TRUE(record().close().clean);
    EXPECT_THAT(record().seen().messages, ElementsAre());
}

TEST_P(WsFrameTest, rfc6455_5_4_what_is_sent_in_parts_is_well_formed) {
    WsPeer peer = open({.on_open = [](ws::WebSocket& socket) {
        EXPECT_EQ(socket.send_fragment(MessageType::text, as_bytes(std::string_view{"a"}), false), Result::ok);
        EXPECT_EQ(socket.ping("ping"), Result::ok);
        EXPECT_EQ(socket.send("waits"), Result::ok);
        EXPECT_EQ(socket.send_fragment(MessageType::binary, as_bytes(std::string_view{"b"}), false), Result::ok);
        EXPECT_EQ(socket.send_fragment(MessageType::binary, {}, true), Result::ok);
        EXPECT_EQ(socket.send_fragment(MessageType::binary, as_bytes(std::string_view{"alone"}), true), Result::ok);
    }});
    EXPECT_EQ(peer.read(), first_part(Opcode::text, "a"));
    EXPECT_EQ(peer.read(), ping("ping")) << "control frames may come between";
    EXPECT_EQ(peer.read(), next_part("b"));
    EXPECT_EQ(peer.read(), last_part(""));
    EXPECT_EQ(peer.read(), text("waits")) << "other messages may not";
    EXPECT_EQ(peer.read(), binary("alone"));
}

// 5.6 to 5.8.

TEST_P(WsFrameTest, rfc6455_5_6_a_binary_message_is_any_bytes_and_a_text_says_what_it_is) {
    WsPeer peer = open();
    const std::string bytes{"\0\xff\xc0\x80\r\n\x81\x7f", 8};
    peer.send(binary(bytes));
    peer.send(text(std::string_view{"\0", 1}));
    ASSERT_TRUE(record().wait_for_messages(2));
    EXPECT_THAT(record().seen().messages, ElementsAre(SeenMessage{MessageType::binary, bytes},
                                                      SeenMessage{MessageType::text, std::string(1, '\0')}));
}

TEST_P(WsFrameTest, rfc6455_5_7_the_examples_are_read_and_written) {
    struct Example {
        WsFrame frame;
        std::string from_server;
        std::string from_client;  ///< Where the RFC has one.
    };
    const std::string short_data = pattern(0, 256);
    const std::string large = pattern(0, 65'536);
    const std::vector<Example> examples{
        {text("Hello"), "\x81\x05Hello"s, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s},
        {first_part(Opcode::text, "Hel"), "\x01\x03Hel"s, {}},
        {last_part("lo"), "\x80\x02lo"s, {}},
        {ping("Hello"), "\x89\x05Hello"s, {}},
        {pong("Hello"), "\x8a\x05Hello"s, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s},
        {binary(short_data), "\x82\x7e\x01\x00"s + short_data, {}},
        {binary(large), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s + large, {}},
    };
    WsPeer peer = open(echoing());
    for (const Example& example : examples) {
        const std::string& literal = ours == Role::server ? example.from_client : example.from_server;
        const std::string encoded = peer.encode(example.frame);
        EXPECT_TRUE(literal.empty() || encoded == literal) << testing::PrintToString(encoded);
        peer.send(encoded);
    }
    EXPECT_EQ(peer.read(), text("Hello"));
    EXPECT_EQ(peer.read(), text("Hello")) << "of two parts";
    EXPECT_EQ(peer.read(), pong("Hello"));
    EXPECT_EQ(peer.read(), binary(short_data));
    EXPECT_EQ(peer.read(), binary(large));
    EXPECT_THAT(record().seen().pongs, ElementsAre("Hello"));
}

TEST_P(WsFrameTest, rfc6455_5_8_an_extension_bit_is_refused_before_its_payload_comes) {
    expect_refused({{"RSV1 without permessage-deflate", {{.rsv = 4, .length = 1 << 20}}}}, 1002);
}

}  // namespace
}  // namespace pollux::test
