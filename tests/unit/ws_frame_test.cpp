// The headers of frames that are sent (RFC 6455, 5.2).
#include "proto/ws/frame.h"

#include <array>
#include <string>

#include "unit/ws_support.h"

namespace pollux::test {
namespace {

using ws::frame_header_bytes;
using ws::max_frame_header_bytes;
using ws::write_frame_header;

/// What is written, without the mask, for which the caller cares.
std::string written(std::uint8_t first, std::size_t payload, Role sender) {
    std::array<std::byte, max_frame_header_bytes + 1> bytes;
    bytes.fill(std::byte{0xee});
    const std::byte* const end = write_frame_header(bytes.data(), first, payload, sender);
    EXPECT_EQ(*end, std::byte{0xee}) << "nothing is written behind it";
    return std::string{as_text({bytes.data(), static_cast<std::size_t>(end - bytes.data())})};
}

TEST(WsFrameTest, lengths_are_in_their_shortest_form) {
    using namespace std::string_literals;
    const auto of_server = [](std::size_t payload) { return written(0x82, payload, Role::server); };
    EXPECT_EQ(of_server(0), "\x82\x00"s);
    EXPECT_EQ(of_server(1), "\x82\x01"s);
    EXPECT_EQ(of_server(125), "\x82\x7d"s);
    EXPECT_EQ(of_server(126), "\x82\x7e\x00\x7e"s);
    EXPECT_EQ(of_server(127), "\x82\x7e\x00\x7f"s);
    EXPECT_EQ(of_server(256), "\x82\x7e\x01\x00"s);
    EXPECT_EQ(of_server(65535), "\x82\x7e\xff\xff"s);
    EXPECT_EQ(of_server(65536), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
    EXPECT_EQ(of_server(0x0102030405060708), "\x82\x7f\x01\x02\x03\x04\x05\x06\x07\x08"s);
}

TEST(WsFrameTest, clients_announce_their_mask) {
    using namespace std::string_literals;
    EXPECT_EQ(written(0x81, 5, Role::client), "\x81\x85"s);
    EXPECT_EQ(written(0x81, 126, Role::client), "\x81\xfe\x00\x7e"s);
    EXPECT_EQ(written(0x81, 65536, Role::client), "\x81\xff\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST(WsFrameTest, headers_have_the_size_that_is_announced) {
    for (const std::size_t payload : Sizes{0, 1, 125, 126, 127, 65535, 65536, 1 << 30}) {
        for (const Role sender : both_roles) {
            const std::size_t mask = sender == Role::client ? 4 : 0;
            EXPECT_EQ(frame_header_bytes(payload, sender), written(0x82, payload, sender).size() + mask) << payload;
            EXPECT_LE(frame_header_bytes(payload, sender), max_frame_header_bytes);
        }
    }
}

TEST(WsFrameTest, the_first_byte_is_the_callers) {
    for (unsigned first = 0; first < 256; ++first) {
        EXPECT_EQ(written(static_cast<std::uint8_t>(first), 3, Role::server), frame_header(first, 3, false));
    }
}

}  // namespace
}  // namespace pollux::test
