// RFC 7692, 5 to 7: permessage-deflate, how it is agreed on and what frames look like with it, in both roles.
#include <gmock/gmock.h>

#include "net/ws_support.h"
#include "proto/ws/deflate.h"

namespace pollux::test {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::Not;
using testing::SizeIs;
using ws::DeflateMemory;
using ws::MessageType;
using namespace std::string_literals;

const ws::Options own_memory{.deflate = {.memory = DeflateMemory::per_connection, .min_bytes = 1}};

// The examples of RFC 7692, 7.2.3: all of them mean "Hello".

const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
const std::string hello_again = "\xf2\x00\x11\x00\x00"s;  // refers to the message before
const std::string hello_stored = "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s;
const std::string hello_last_block = "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s;
const std::string hello_two_blocks = "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s;

WsFrame compressed(std::string_view bytes, Opcode opcode = Opcode::text) {
    return {.opcode = opcode, .payload = std::string{bytes}, .rsv = 4};
}

/// What a message was before it was compressed, with a window of that size.
std::string inflated(std::string_view bytes, unsigned window_bits = 15) {
    ws::Inflater inflater{window_bits};
    std::string out(1024 * 1024, '\0');
    std::string all{bytes};
    all += as_text(ws::Inflater::tail());
    Bytes in = as_bytes(all);
    inflater.begin_message();
    const ws::Inflater::Step step = inflater.inflate(in, {reinterpret_cast<std::byte*>(out.data()), out.size()});
    return step.bad ? "not deflate" : out.substr(0, step.produced);
}

std::string extension_line(std::string_view value) {
    return std::string{"Sec-WebSocket-Extensions: "}.append(value).append("\r\n");
}

// 5, 7.1: the offer and the answer.

class WsDeflateOfferTest : public WsTest {
protected:
    /// What a server of ours answers to an offer; empty if it declines.
    [[nodiscard]] std::string answer_to(std::string_view offer) const {
        const Answer answer = connect().upgrade("/", extension_line(offer));
        EXPECT_EQ(answer.status, 101u) << "declining is not refusing";
        EXPECT_LE(answer.count("Sec-WebSocket-Extensions"), 1u);
        return answer.field("Sec-WebSocket-Extensions").value_or("");
    }

    /// True if a client of ours takes an answer to its offer.
    [[nodiscard]] bool takes(std::string_view answer, const ws::Options& options) {
        const std::size_t opens = client_seen.seen().opens;
        const std::size_t errors = client_seen.seen().connect_errors.size();
        open_client({}, {.socket = options});
        WsPeer peer = accept_upgraded(extension_line(answer));
        EXPECT_TRUE(client_seen.wait_until(
            [&](const Recorder::Seen& now) { return now.opens + now.connect_errors.size() > opens + errors; }));
        return client_seen.seen().opens > opens;
    }
};

TEST_F(WsDeflateOfferTest, rfc7692_7_1_the_server_answers_what_it_agrees_to) {
    ws::Options options = own_memory;
    options.deflate.enabled = true;
    serve({}, {.socket = options});
    struct Case {
        const char* offer;
        const char* answer;
    };
    const std::vector<Case> cases{
        {"permessage-deflate", "permessage-deflate"},
        {"permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"},
        {"permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"},
        {"permessage-deflate;server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"},
        {"permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=10"},
        {"permessage-deflate ; server_max_window_bits = 15", "permessage-deflate; server_max_window_bits=15"},
        {"permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8"},
        {"permessage-deflate; client_max_window_bits", "permessage-deflate"},
        {"permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9"},
        // 5.1, 7: fallbacks, the best first.
        {"permessage-deflate; unknown, permessage-deflate; server_no_context_takeover",
         "permessage-deflate; server_no_context_takeover"},
        {"permessage-deflate; server_max_window_bits=9, permessage-deflate",
         "permessage-deflate; server_max_window_bits=9"},
        {"unknown; a=b, permessage-deflate", "permessage-deflate"},
    };
    for (const auto& [offer, answer] : cases) EXPECT_EQ(answer_to(offer), answer) << offer;
}

TEST_F(WsDeflateOfferTest, rfc7692_7_the_server_declines_offers_that_are_wrong) {
    ws::Options options = own_memory;
    options.deflate.enabled = true;
    serve({}, {.socket = options});
    for (const char* parameters :
         {"unknown", "unknown=1", "server_no_context_takeover=1", "client_no_context_takeover=true",
          "server_no_context_takeover; server_no_context_takeover",
          "client_no_context_takeover; client_no_context_takeover", "server_max_window_bits",
          "server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=08",
          "server_max_window_bits=0", "server_max_window_bits=1x", "server_max_window_bits=100",
          "server_max_window_bits=10; server_max_window_bits=10", "client_max_window_bits=7",
          "client_max_window_bits=16", "client_max_window_bits=010", "client_max_window_bits; client_max_window_bits",
          "server_max_window_bits=10; unknown"}) {
        EXPECT_EQ(answer_to(std::string{"permessage-deflate; "} + parameters), "") << parameters;
    }
}

TEST_F(WsDeflateOfferTest, rfc7692_7_1_the_server_demands_what_it_needs_itself) {
    ws::Options options = own_memory;
    options.deflate = {.enabled = true,
                       .memory = DeflateMemory::per_connection,
                       .server_no_context_takeover = true,
                       .client_no_context_takeover = true,
                       .server_max_window_bits = 11,
                       .client_max_window_bits = 10};
    serve({}, {.socket = options});
    const std::string always =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11";
    EXPECT_EQ(answer_to("permessage-deflate"), always)
        << "7.1.2.2: the client did not say that it can limit its window";
    EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits"), always + "; client_max_window_bits=10");
    EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=9"), always + "; client_max_window_bits=9");
}

TEST_F(WsDeflateOfferTest, rfc7692_5_a_server_that_does_not_want_it_declines) {
    serve();
    EXPECT_EQ(answer_to("permessage-deflate"), "");
}

TEST_F(WsDeflateOfferTest, rfc7692_7_1_the_client_takes_answers_that_are_right) {
    ws::Options options = own_memory;
    options.deflate.enabled = true;
    for (const char* answer :
         {"permessage-deflate", "permessage-deflate; server_no_context_takeover",
          "permessage-deflate; client_no_context_takeover", "permessage-deflate; server_max_window_bits=9",
          "permessage-deflate; client_max_window_bits=\"12\"", "permessage-deflate; client_max_window_bits=8", ""}) {
        EXPECT_TRUE(takes(answer, options)) << answer;
    }
}

TEST_F(WsDeflateOfferTest, rfc7692_7_1_the_client_fails_over_answers_that_are_wrong) {
    ws::Options options = own_memory;
    options.deflate.enabled = true;
    for (const char* answer :
         {"permessage-deflate; unknown", "permessage-deflate; server_no_context_takeover=1",
          "permessage-deflate; server_max_window_bits", "permessage-deflate; client_max_window_bits",
          "permessage-deflate; server_max_window_bits=16", "permessage-deflate; client_max_window_bits=7",
          "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
          "permessage-deflate, permessage-deflate", "permessage-deflate, unknown", "x-webkit-deflate-frame"}) {
        EXPECT_FALSE(takes(answer, options)) << answer;
    }
    options.deflate.server_no_context_takeover = true;
    EXPECT_FALSE(takes("permessage-deflate", options)) << "7.1.1.1: what was demanded has to be confirmed";
    EXPECT_TRUE(takes("permessage-deflate; server_no_context_takeover", options));
    options.deflate.server_no_context_takeover = false;
    options.deflate.server_max_window_bits = 10;
    EXPECT_FALSE(takes("permessage-deflate", options)) << "7.1.2.1";
    EXPECT_FALSE(takes("permessage-deflate; server_max_window_bits=11", options));
    EXPECT_TRUE(takes("permessage-deflate; server_max_window_bits=9", options));
}

// 6, 7.2: messages.

class WsDeflateMessageTest : public WsRoleTest {
protected:
    /// The parameter that bounds the window that our side compresses with.
    [[nodiscard]] std::string our_window(unsigned bits) const {
        return std::string{ours == Role::server ? "; server" : "; client"} + "_max_window_bits=" + std::to_string(bits);
    }

    /// With no context takeover on our side.
    [[nodiscard]] std::string our_no_takeover() const {
        return std::string{ours == Role::server ? "; server" : "; client"} + "_no_context_takeover";
    }
    [[nodiscard]] std::string their_no_takeover() const {
        return std::string{ours == Role::server ? "; client" : "; server"} + "_no_context_takeover";
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsDeflateMessageTest, both_roles, role_name);

TEST_P(WsDeflateMessageTest, rfc7692_7_2_3_the_examples_are_read_with_either_memory) {
    for (const DeflateMemory memory : {DeflateMemory::per_connection, DeflateMemory::shared}) {
        ws::Options options = own_memory;
        options.deflate.memory = memory;
        WsPeer peer = open_deflating({.on_message =
                                          [](ws::WebSocket& socket, MessageType type, Bytes data) {
                                              EXPECT_TRUE(socket.deflates());
                                              EXPECT_EQ(type, MessageType::text);
                                              EXPECT_EQ(as_text(data), "Hello");
                                          }},
                                     options);
        const std::size_t before = record().seen().messages.size();
        peer.send(compressed(hello));
        peer.send({.payload = hello.substr(0, 3), .fin = false, .rsv = 4});  // 7.2.3.1: in two frames
        peer.send(last_part(hello.substr(3)));
        peer.send(compressed(hello_stored));
        peer.send(compressed(hello_last_block));
        peer.send(compressed(hello_two_blocks));
        peer.send(text("Hello"));  // 6: messages that are not compressed are always allowed
        peer.shake_hands_and_close();
        EXPECT_TRUE(record().close(memory == DeflateMemory::shared ? 1 : 0).clean);
        EXPECT_EQ(record().seen().messages.size(), before + 6);
    }
}

TEST_P(WsDeflateMessageTest, rfc7692_7_2_3_the_examples_are_read_when_they_are_cut_anywhere) {
    WsPeer peer = open_deflating(echoing(), {});
    for (const std::string& example : {hello, hello_stored, hello_last_block, hello_two_blocks}) {
        for (std::size_t at = 0; at <= example.size(); ++at) {
            peer.send({.payload = example.substr(0, at), .fin = false, .rsv = 4});
            peer.send(ping());
            peer.send(last_part(example.substr(at)));
            EXPECT_EQ(peer.read(), pong());
            ASSERT_EQ(peer.read(), text("Hello"));
        }
        send_bytewise(peer, peer.encode(compressed(example)));
        EXPECT_EQ(peer.read(), text("Hello"));
    }
}

TEST_P(WsDeflateMessageTest, rfc7692_7_2_3_2_messages_may_refer_to_those_before) {
    WsPeer peer = open_deflating({}, own_memory, "");
    peer.send(compressed(hello));
    peer.send(text("not in the window"));
    peer.send(compressed(hello_again));
    peer.send(compressed(hello_again, Opcode::binary));
    ASSERT_TRUE(record().wait_for_messages(4));
    EXPECT_THAT(
        record().seen().messages,
        ElementsAre(SeenMessage{MessageType::text, "Hello"}, SeenMessage{MessageType::text, "not in the window"},
                    SeenMessage{MessageType::text, "Hello"}, SeenMessage{MessageType::binary, "Hello"}));
}

TEST_P(WsDeflateMessageTest, rfc7692_7_1_1_a_reference_across_messages_that_was_ruled_out_is_refused_with_1007) {
    std::size_t index = 0;
    for (const DeflateMemory memory : {DeflateMemory::per_connection, DeflateMemory::shared}) {
        ws::Options options = own_memory;
        options.deflate.memory = memory;
        WsPeer peer = open_deflating({}, options);
        peer.send(compressed(hello));
        peer.send(compressed(hello_again));
        peer.expect_close(1007);
        EXPECT_EQ(record().close(index++).cause, CloseReason::protocol_error);
    }
}

TEST_P(WsDeflateMessageTest, rfc7692_7_2_3_6_an_empty_message_is_one_byte) {
    WsPeer peer = open_deflating({}, own_memory);
    peer.send(compressed(std::string_view{"\0", 1}));
    ASSERT_TRUE(record().wait_for_messages(1));
    EXPECT_THAT(record().seen().messages, ElementsAre(SeenMessage{MessageType::text, ""}));
}

TEST_P(WsDeflateMessageTest, rfc7692_6_rsv1_is_for_the_first_frame_of_a_message_alone) {
    const std::vector<std::vector<WsFrame>> cases{
        {first_part(Opcode::text, "a"), {.opcode = Opcode::continuation, .rsv = 4}},
        {{.payload = hello.substr(0, 3), .fin = false, .rsv = 4}, {.opcode = Opcode::continuation, .rsv = 4}},
        {{.opcode = Opcode::ping, .rsv = 4}},
        {{.opcode = Opcode::pong, .rsv = 4}},
        {{.opcode = Opcode::close, .rsv = 4}},
        {{.payload = hello, .rsv = 6}},
        {{.payload = hello, .rsv = 5}},
    };
    for (std::size_t i = 0; i < cases.size(); ++i) {
        SCOPED_TRACE(i);
        WsPeer peer = open_deflating({}, own_memory);
        std::string bytes;
        for (const WsFrame& frame : cases[i]) bytes += peer.encode(frame);
        peer.send(bytes);
        peer.expect_close(1002);
        EXPECT_EQ(record().close(i).cause, CloseReason::protocol_error);
    }
}

TEST_P(WsDeflateMessageTest, rfc7692_7_2_2_what_does_not_inflate_is_refused_with_1007) {
    const std::vector<std::string> wrong{
        "\x06",                                  // a block of the reserved type
        "\x00\x05\x00\x00\x00Hello"s,            // a stored block whose length does not match
        "\xff\xff\xff\xff", hello.substr(0, 4),  // cut off within a block
    };
    std::size_t index = 0;
    for (const std::string& bytes : wrong) {
        for (const bool streamed : {false, true}) {
            SCOPED_TRACE(testing::PrintToString(bytes));
            ws::Options options = own_memory;
            options.streamed = streamed;
            WsPeer peer = open_deflating({}, options);
            peer.send(compressed(bytes, Opcode::binary));
            peer.expect_close(1007);
            EXPECT_EQ(record().close(index++).cause, CloseReason::protocol_error);
        }
    }
    EXPECT_THAT(record().seen().messages, ElementsAre());
}

TEST_P(WsDeflateMessageTest, rfc7692_6_2_a_text_is_utf8_when_it_is_inflated) {
    ws::Deflater deflater{{}};
    std::string bytes;
    deflater.compress(as_bytes(std::string_view{"text \xff"}), true, bytes);
    WsPeer peer = open_deflating({}, own_memory);
    peer.send(compressed(bytes));
    peer.expect_close(1007);
    EXPECT_THAT(record().seen().messages, ElementsAre());
}

// 6.1, 7.2.1: what our side sends.

TEST_P(WsDeflateMessageTest, rfc7692_7_2_1_what_is_sent_inflates) {
    const std::string large = std::string(100'000, 'x') + pattern(0, 100'000) + std::string(100'000, 'x');
    const auto send_large = [&](ws::WebSocket& socket) { EXPECT_EQ(socket.send(as_bytes(large)), Result::ok); };
    WsPeer peer = open_deflating({.on_open = send_large}, own_memory);
    const std::optional<WsFrame> frame = peer.read();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->rsv, 4u);
    EXPECT_EQ(inflated(frame->payload), large);
    EXPECT_THAT(frame->payload, Not(EndsWith("\0\0\xff\xff"s))) << "7.2.1: left out";
}

TEST_P(WsDeflateMessageTest, rfc7692_7_1_1_messages_do_not_refer_to_those_before_if_that_was_ruled_out) {
    const std::string message = pattern(0, 500) + std::string(500, 'x');
    const auto send_thrice = [&](ws::WebSocket& socket) {
        for (int i = 0; i < 3; ++i) EXPECT_EQ(socket.send(as_bytes(message)), Result::ok);
    };
    WsPeer alone = open_deflating({.on_open = send_thrice}, own_memory, our_no_takeover());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(inflated(alone.read()->payload), message);
    WsPeer together = open_deflating({.on_open = send_thrice}, own_memory, their_no_takeover());
    EXPECT_EQ(inflated(together.read()->payload), message);
    EXPECT_THAT(together.read()->payload, SizeIs(testing::Lt(100u))) << "refers to the one before";
}

TEST_P(WsDeflateMessageTest, rfc7692_7_1_2_what_is_sent_needs_no_larger_window_than_was_agreed_on) {
    // It repeats itself at a distance that only a larger window has.
    const std::string message = pattern(0, 1000) + pattern(0, 1000) + std::string(300, 'x');
    const auto send_message = [&](ws::WebSocket& socket) { EXPECT_EQ(socket.send(as_bytes(message)), Result::ok); };
    WsPeer peer = open_deflating({.on_open = send_message}, own_memory, our_window(9));
    const std::optional<WsFrame> frame = peer.read();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->rsv, 4u);
    EXPECT_EQ(inflated(frame->payload, 9), message);
    WsPeer wide = open_deflating({.on_open = send_message}, own_memory, "");
    EXPECT_LT(wide.read()->payload.size(), frame->payload.size() - 500) << "with a larger window";
}

TEST_P(WsDeflateMessageTest, rfc7692_7_1_2_with_a_window_of_256_bytes_nothing_is_compressed) {
    const auto send_message = [](ws::WebSocket& socket) {
        EXPECT_EQ(socket.send(std::string_view{std::string(1000, 'x')}), Result::ok);
    };
    WsPeer peer = open_deflating({.on_open = send_message}, own_memory, our_window(8));
    EXPECT_EQ(peer.read(), text(std::string(1000, 'x'))) << "zlib has no such window";
}

TEST_P(WsDeflateMessageTest, rfc7692_6_1_control_frames_are_not_compressed) {
    const std::string payload(125, 'x');
    WsPeer peer = open_deflating({.on_open = [&](ws::WebSocket& socket) { socket.ping(payload); }}, own_memory);
    EXPECT_EQ(peer.read(), ping(payload));
    peer.send(ping(payload));
    EXPECT_EQ(peer.read(), pong(payload));
    peer.shake_hands_and_close();
}

TEST_P(WsDeflateMessageTest, rfc7692_6_1_a_message_in_parts_says_so_in_its_first_frame) {
    const std::string part(1000, 'x');
    WsPeer peer = open_deflating({.on_open =
                                      [&](ws::WebSocket& socket) {
                                          const Bytes bytes = as_bytes(part);
                                          EXPECT_EQ(socket.send_fragment(MessageType::text, bytes, false), Result::ok);
                                          EXPECT_EQ(socket.send_fragment(MessageType::text, bytes, false), Result::ok);
                                          EXPECT_EQ(socket.send_fragment(MessageType::text, {}, true), Result::ok);
                                      }},
                                 own_memory);
    std::string bytes;
    for (unsigned i = 0; i < 3; ++i) {
        const std::optional<WsFrame> frame = peer.read();
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame->opcode, i == 0 ? Opcode::text : Opcode::continuation);
        EXPECT_EQ(frame->rsv, i == 0 ? 4u : 0u);
        EXPECT_EQ(frame->fin, i == 2);
        bytes += frame->payload;
    }
    EXPECT_EQ(inflated(bytes), part + part);
}

}  // namespace
}  // namespace pollux::test
