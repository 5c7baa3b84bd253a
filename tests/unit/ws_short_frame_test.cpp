// The short way of short messages that come in, beside the decoder that knows all frames.
#include "proto/ws/short_frame.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "proto/ws/frame_decoder.h"
#include "unit/ws_support.h"

namespace pollux::test {
namespace {

using ws::FrameDecoder;
using ws::Opcode;
using ws::ShortFrame;

struct Taken {
    Opcode opcode;
    std::string payload;
    std::size_t bytes;
};

/// A frame with enough behind it, in memory that ends there.
std::string followed(std::string frame) {
    frame.resize(std::max(frame.size(), ShortFrame::lookahead_bytes), '\xff');
    return frame;
}

std::optional<Taken> take(const std::string& input, std::size_t longest = ShortFrame::longest_payload_bytes) {
    std::array<std::byte, ShortFrame::room_bytes> payload;
    ShortFrame frame;
    if (!ws::take_short_frame(as_bytes(input).data(), longest, payload.data(), frame)) return std::nullopt;
    return Taken{frame.opcode, std::string{as_text(Bytes{payload}.first(frame.payload_bytes))}, frame.bytes()};
}

TEST(WsShortFrameTest, takes_every_length_it_is_for) {
    for (std::size_t size = 0; size <= ShortFrame::longest_payload_bytes; ++size) {
        const std::string message = pattern(size, size);
        const std::string input = followed(frame_header(0x82, size, true) + masked(message));
        const auto taken = take(input);
        ASSERT_TRUE(taken) << size;
        EXPECT_EQ(taken->payload, message);
        EXPECT_EQ(taken->opcode, Opcode::binary);
        EXPECT_EQ(taken->bytes, 6 + size);
    }
}

TEST(WsShortFrameTest, takes_what_the_decoder_takes_as_a_whole_message_and_nothing_else) {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            std::string input = followed({static_cast<char>(first), static_cast<char>(second), 1, 2, 3, 4});
            const auto taken = take(input);
            FrameDecoder decoder{Role::server};
            FrameDecoder::Whole whole;
            std::string unmasked = input;
            const bool is_whole = decoder.next_whole(std::as_writable_bytes(std::span{unmasked}), 125, whole);
            ASSERT_EQ(taken.has_value(), is_whole) << first << ' ' << second;
            if (!is_whole) continue;
            EXPECT_EQ(taken->opcode, whole.opcode);
            EXPECT_EQ(taken->bytes, whole.consumed);
            EXPECT_EQ(taken->payload, as_text(whole.payload));
        }
    }
}

TEST(WsShortFrameTest, leaves_what_is_longer_than_allowed) {
    const std::string input = followed(frame_header(0x81, 10, true));
    EXPECT_TRUE(take(input, 10));
    EXPECT_FALSE(take(input, 9));
    EXPECT_FALSE(take(input, 0));
}

TEST(WsShortFrameTest, knows_ascii) {
    std::array<std::byte, ShortFrame::room_bytes> payload{};
    for (std::size_t size = 0; size <= ShortFrame::longest_payload_bytes; ++size) {
        payload.fill(std::byte{0x7f});
        EXPECT_TRUE(ws::is_short_ascii(payload.data(), size)) << size;
        for (std::size_t at = 0; at < size; ++at) {
            payload[at] = std::byte{0x80};
            EXPECT_FALSE(ws::is_short_ascii(payload.data(), size)) << size << ' ' << at;
            payload[at] = std::byte{0x7f};
        }
    }
}

}  // namespace
}  // namespace pollux::test
