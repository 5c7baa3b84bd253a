// Messages put together from frames: the same however their bytes are cut, and within their limits. What is compressed
// is in ws_message_inflate_test.cpp.
#include "proto/ws/message_assembler.h"

#include <string>
#include <string_view>

#include "unit/ws_message_support.h"

namespace pollux::test {
namespace {

using Limits = MessageAssembler::Limits;

class WsMessageAssemblerTest : public testing::TestWithParam<Role> {
protected:
    [[nodiscard]] std::string frame(unsigned first, std::string_view payload = {}) const {
        return frame_to(GetParam(), first, payload);
    }

    [[nodiscard]] Messages read(Cut pieces, const Limits& limits = {}) const {
        return read_messages({GetParam(), limits}, pieces);
    }

    /// The same however it is cut.
    [[nodiscard]] Messages read_everyhow(const std::string& bytes, const Limits& limits = {}) const {
        return read_messages_everyhow({GetParam(), limits}, bytes);
    }
};

TEST_P(WsMessageAssemblerTest, whole_messages) {
    EXPECT_EQ(read_everyhow(frame(0x81, "Hello") + frame(0x82, "\xff") + frame(0x81)),
              (Messages{{"text Hello", "binary \xff", "text "}}));
}

TEST_P(WsMessageAssemblerTest, fragments_are_put_together) {  // RFC 6455, 5.4
    EXPECT_EQ(read_everyhow(frame(0x01, "Hel") + frame(0x00, "lo, ") + frame(0x80, "you") + frame(0x82, "b")),
              (Messages{{"text Hello, you", "binary b"}}));
    EXPECT_EQ(read_everyhow(frame(0x02) + frame(0x00) + frame(0x80)), (Messages{{"binary "}})) << "empty ones";
    EXPECT_EQ(read_everyhow(frame(0x01, "a") + frame(0x00) + frame(0x80)), (Messages{{"text a"}}));
    EXPECT_EQ(read_everyhow(frame(0x01) + frame(0x80, "b")), (Messages{{"text b"}}));
}

TEST_P(WsMessageAssemblerTest, control_frames_between_fragments_are_not_mixed_in) {  // RFC 6455, 5.4 and 5.5
    EXPECT_EQ(read_everyhow(frame(0x01, "ab") + frame(0x89, "ping") + frame(0x00, "cd") + frame(0x8a, "pong") +
                            frame(0x80, "ef") + frame(0x88, "\x03\xe8")),
              (Messages{{"ping ping", "pong pong", "text abcdef", "close \x03\xe8"}}));
}

TEST_P(WsMessageAssemblerTest, frames_that_cannot_be_end_it) {
    for (const std::string& bad : {frame(0x80, "x"), frame(0x83), frame(0xc1, "x"), frame(0x09), frame(0x8b)}) {
        const Messages messages = read_everyhow(frame(0x81, "a") + bad + frame(0x81, "b"));
        EXPECT_EQ(messages, (Messages{{"text a"}, ws::close_code::protocol_error}));
    }
    EXPECT_EQ(read_everyhow(frame(0x01, "a") + frame(0x81, "b")), (Messages{{}, ws::close_code::protocol_error}));
}

TEST_P(WsMessageAssemblerTest, texts_are_utf8_over_all_fragments) {  // RFC 6455, 5.6 and 8.1
    const std::string character = "\xf0\x9f\x98\x80";
    for (std::size_t cut = 0; cut <= character.size(); ++cut) {
        const std::string fragments =
            frame(0x01, "a" + character.substr(0, cut)) + frame(0x89) + frame(0x80, character.substr(cut));
        EXPECT_EQ(read_everyhow(fragments), (Messages{{"ping ", "text a" + character}}));
    }
    for (const std::string& bad :
         {frame(0x81, "\xff"), frame(0x81, "a\xc3"), frame(0x01, "\xc3") + frame(0x80, "a"),
          frame(0x01, "\xf0\x9f") + frame(0x80), frame(0x01, "\xed\xa0") + frame(0x80, "\x80")}) {
        EXPECT_EQ(read_everyhow(bad), (Messages{{}, ws::close_code::invalid_data}));
    }
    EXPECT_EQ(read_everyhow(frame(0x02, "\xff") + frame(0x80, "\xc3")), (Messages{{"binary \xff\xc3"}}));
    EXPECT_EQ(read_everyhow(frame(0x02, "\xc3") + frame(0x80) + frame(0x81, "a")),
              (Messages{{"binary \xc3", "text a"}}))
        << "nothing is left of the message before";
}

TEST_P(WsMessageAssemblerTest, texts_that_cannot_be_right_any_more_fail_at_once) {
    const std::string promise = frame_header(0x01, 1000, GetParam() == Role::server);
    EXPECT_EQ(read({promise, GetParam() == Role::server ? masked("\xff") : "\xff"}),
              (Messages{{}, ws::close_code::invalid_data}));
}

TEST_P(WsMessageAssemblerTest, messages_have_a_limit) {
    const Limits limits{.max_message_bytes = 8};
    const Messages too_big{{}, ws::close_code::too_big};
    EXPECT_EQ(read_everyhow(frame(0x82, "12345678"), limits), (Messages{{"binary 12345678"}}));
    EXPECT_EQ(read_everyhow(frame(0x82, "123456789"), limits), too_big);
    EXPECT_EQ(read_everyhow(frame(0x02, "1234") + frame(0x80, "5678"), limits), (Messages{{"binary 12345678"}}));
    EXPECT_EQ(read_everyhow(frame(0x02, "12345678") + frame(0x00) + frame(0x80, "9"), limits), too_big);
    const std::string full = frame(0x82, "12345678");
    EXPECT_EQ(read_everyhow(full + frame(0x89, "control frame") + full, limits),
              (Messages{{"binary 12345678", "ping control frame", "binary 12345678"}}))
        << "each for itself";
}

TEST_P(WsMessageAssemblerTest, a_length_that_is_declared_counts_and_takes_nothing) {
    const bool has_mask = GetParam() == Role::server;
    const Messages too_big{{}, ws::close_code::too_big};
    for (const std::uint64_t length : {std::uint64_t{9}, std::uint64_t{1} << 32, (std::uint64_t{1} << 63) - 1}) {
        EXPECT_EQ(read({frame_header(0x82, length, has_mask)}, {.max_message_bytes = 8}), too_big) << length;
        EXPECT_EQ(read({frame(0x02, "1"), frame_header(0x80, length, has_mask)}, {.max_message_bytes = 8}), too_big);
    }
    EXPECT_EQ(read({frame_header(0x82, 1000, has_mask)}, {.max_message_bytes = 1000}), Messages{});
}

TEST_P(WsMessageAssemblerTest, fragments_are_counted) {
    for (const bool streamed : {false, true}) {
        const Limits limits{.max_fragments = 3, .streamed = streamed};
        std::string three = frame(0x02) + frame(0x89) + frame(0x00) + frame(0x89) + frame(0x80);
        EXPECT_EQ(read_everyhow(three + three, limits).failed, 0) << "each message for itself";
        const std::string four = frame(0x02) + frame(0x00) + frame(0x00) + frame(0x00);
        EXPECT_EQ(read_everyhow(four, limits).failed, ws::close_code::too_big) << "empty ones, too";
    }
}

TEST_P(WsMessageAssemblerTest, streamed_parts_come_as_they_are) {
    const Limits limits{.max_message_bytes = 2, .streamed = true};
    EXPECT_EQ(read({frame(0x01, "Hello") + frame(0x80, " you") + frame(0x82, "b")}, limits),
              (Messages{{"text-part Hello", "text-end  you", "binary-end b"}}))
        << "and have no limit";
    EXPECT_EQ(read({frame(0x01) + frame(0x00) + frame(0x80)}, limits), (Messages{{"text-end "}}));
    const std::string long_one = frame(0x82, pattern(0, 300));
    EXPECT_EQ(
        read({std::string_view{long_one}.substr(0, 100), std::string_view{long_one}.substr(100)}, limits).seen.size(),
        2u);
}

TEST_P(WsMessageAssemblerTest, streamed_parts_are_the_message_however_they_are_cut) {
    const Limits limits{.streamed = true};
    const std::string bytes = frame(0x01, "a\xc3") + frame(0x89, "p") + frame(0x80, "\xbc!") + frame(0x82, "bin");
    for_each_cut(bytes, [&](Cut pieces) {
        const Messages joined = joined_parts(read(pieces, limits));
        ASSERT_EQ(joined, (Messages{{"ping p", "text a\xc3\xbc!", "binary bin"}}));
    });
    EXPECT_EQ(read_everyhow(frame(0x01, "\xc3") + frame(0x80), limits).failed, ws::close_code::invalid_data);
}

TEST_P(WsMessageAssemblerTest, whole_messages_are_shown_where_they_lie) {
    BufferPool pool;
    MessageAssembler assembler{GetParam(), {}, pool};
    for (const std::size_t size : Sizes{3, 200, 70'000}) {
        std::string bytes = frame(0x82, pattern(0, size));
        const auto event = assembler.next(std::as_writable_bytes(std::span{bytes}));
        ASSERT_EQ(event.kind, MessageAssembler::Event::Kind::message);
        EXPECT_EQ(as_text(event.data).data(), bytes.data() + bytes.size() - size);
        EXPECT_EQ(as_text(event.data), pattern(0, size));
    }
    EXPECT_LT(pool.take()->capacity(), 100u) << "no buffer was needed";
}

TEST_P(WsMessageAssemblerTest, the_buffer_goes_back_with_the_next_call) {
    BufferPool pool;
    MessageAssembler assembler{GetParam(), {}, pool};
    const auto next = [&](std::string bytes) { return assembler.next(std::as_writable_bytes(std::span{bytes})).kind; };
    using Kind = MessageAssembler::Event::Kind;
    EXPECT_EQ(next(frame(0x02, pattern(0, 1000))), Kind::more);
    EXPECT_EQ(next(frame(0x80)), Kind::message);
    EXPECT_LT(pool.take()->capacity(), 1000u) << "it is shown";
    EXPECT_EQ(next({}), Kind::more);
    EXPECT_GE(pool.take()->capacity(), 1000u);
}

TEST_P(WsMessageAssemblerTest, what_failed_stays_so) {
    BufferPool pool;
    MessageAssembler assembler{GetParam(), {}, pool};
    for (std::string bytes : {frame(0x81, "\xff"), frame(0x81, "good"), std::string{}}) {
        const auto event = assembler.next(std::as_writable_bytes(std::span{bytes}));
        EXPECT_EQ(event.kind, MessageAssembler::Event::Kind::failed);
        EXPECT_EQ(event.code, ws::close_code::invalid_data);
        EXPECT_STRNE(event.why, "");
    }
}

INSTANTIATE_TEST_SUITE_P(Roles, WsMessageAssemblerTest, testing::ValuesIn(both_roles), role_name);

}  // namespace
}  // namespace pollux::test
