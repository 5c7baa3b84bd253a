// What may stand in a Close frame (RFC 6455, 5.5.1 and 7.4), received and sent.
#include "proto/ws/close_frame.h"

#include <string>
#include <string_view>

#include "proto/ws/utf8.h"
#include "unit/ws_support.h"

namespace pollux::test {
namespace {

using ws::CloseFrame;
using ws::ClosePayload;
using ws::is_close_code;
using ws::is_utf8;
using ws::parse_close;
namespace close_code = ws::close_code;

std::string payload_of(unsigned code, std::string_view reason = {}) {
    return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)}.append(reason);
}

TEST(WsCloseFrameTest, each_code_of_all_there_are) {
    for (unsigned code = 0; code <= 0xffff; ++code) {
        const bool registered = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
        const bool good = registered || (code >= 3000 && code <= 4999);
        ASSERT_EQ(is_close_code(static_cast<std::uint16_t>(code)), good) << code;
        CloseFrame frame;
        const std::string payload = payload_of(code, "why");
        ASSERT_EQ(parse_close(as_bytes(payload), frame), good ? 0 : close_code::protocol_error) << code;
        if (!good) continue;
        ASSERT_EQ(frame.code, code);
        ASSERT_EQ(frame.reason, "why");
    }
}

TEST(WsCloseFrameTest, an_empty_one_has_no_code) {
    CloseFrame frame{.code = 7, .reason = "left over"};
    EXPECT_EQ(parse_close({}, frame), 0);
    EXPECT_EQ(frame.code, close_code::none);
    EXPECT_EQ(frame.reason, "");
}

TEST(WsCloseFrameTest, a_single_byte_is_wrong) {
    CloseFrame frame;
    for (const std::string_view payload : {"\x03", "\x10", "x"}) {
        EXPECT_EQ(parse_close(as_bytes(payload), frame), close_code::protocol_error);
    }
}

TEST(WsCloseFrameTest, reasons_are_utf8) {
    CloseFrame frame;
    EXPECT_EQ(parse_close(as_bytes(payload_of(1000)), frame), 0);
    EXPECT_EQ(frame.reason, "");
    const std::string good = payload_of(1000, "f\xc3\xbcr \xf0\x9f\x98\x80");
    EXPECT_EQ(parse_close(as_bytes(good), frame), 0);
    EXPECT_EQ(frame.reason, std::string_view{good}.substr(2));
    EXPECT_EQ(frame.reason.data(), good.data() + 2) << "a view";
    for (const std::string_view reason : {"\xff", "cut \xc3", "cut \xf0\x9f\x98", "\xc0\x80", "\xed\xa0\x80"}) {
        EXPECT_EQ(parse_close(as_bytes(payload_of(1000, reason)), frame), close_code::invalid_data) << reason;
    }
    EXPECT_EQ(parse_close(as_bytes(payload_of(999, "\xff")), frame), close_code::protocol_error);
}

TEST(WsCloseFrameTest, what_is_sent_can_be_read) {
    for (unsigned code = 0; code <= 0xffff; ++code) {
        const ClosePayload payload{static_cast<std::uint16_t>(code), "bye"};
        CloseFrame frame;
        ASSERT_EQ(parse_close(payload.bytes(), frame), 0) << code;
        ASSERT_EQ(frame.code, payload.code()) << code;
        if (code == close_code::none) {
            ASSERT_TRUE(payload.bytes().empty());
            continue;
        }
        ASSERT_EQ(frame.reason, "bye");
        const auto same = static_cast<std::uint16_t>(code);
        ASSERT_EQ(frame.code, is_close_code(same) ? same : close_code::internal_error);
    }
}

TEST(WsCloseFrameTest, reasons_are_cut_between_characters) {
    const auto sent = [](const std::string& reason) {
        const ClosePayload payload{1000, reason};
        EXPECT_LE(payload.bytes().size(), ws::max_control_bytes);
        return std::string{as_text(payload.bytes().subspan(2))};
    };
    EXPECT_EQ(sent(""), "");
    EXPECT_EQ(sent(std::string(123, 'a')), std::string(123, 'a'));
    EXPECT_EQ(sent(std::string(124, 'a')), std::string(123, 'a'));
    for (const std::string_view character : {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
        for (std::size_t ascii = 115; ascii <= 124; ++ascii) {
            const std::string text = std::string(ascii, 'a').append(character);
            const std::string cut = sent(text + std::string(100, 'b'));
            EXPECT_TRUE(is_utf8(as_bytes(cut))) << ascii;
            EXPECT_TRUE((text + std::string(100, 'b')).starts_with(cut)) << ascii;
            EXPECT_GT(cut.size(), ws::max_control_bytes - 2 - character.size()) << ascii << ": no more than it takes";
        }
    }
    EXPECT_EQ(sent(std::string(200, '\x80')), "") << "what is no UTF-8 has no place to be cut at";
}

}  // namespace
}  // namespace pollux::test
