// Compressed messages put together from frames (RFC 7692, 6): inflated with memory of their own or shared, and bounded.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "unit/ws_message_support.h"

namespace pollux::test {
namespace {

using namespace std::string_literals;
using ws::Deflater;
using ws::Inflater;
using Limits = MessageAssembler::Limits;

std::string compressed(std::string_view message) {
    Deflater deflater{{}};
    std::string out;
    deflater.compress(as_bytes(message), true, out);
    return out;
}

const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;  // RFC 7692, 7.2.3.1

enum class Memory { own, shared };

struct Way {
    Memory memory;
    bool streamed;
};

/// A server that may get compressed messages, which nobody but this test sends.
class WsMessageInflateTest : public testing::TestWithParam<Way> {
protected:
    [[nodiscard]] AssemblerSetup setup(std::size_t max_message_bytes = 1024 * 1024) {
        const bool shared = GetParam().memory == Memory::shared;
        return {.role = Role::server,
                .limits = {.max_message_bytes = max_message_bytes, .streamed = GetParam().streamed},
                .inflation = [this, shared](MessageAssembler& assembler) {
                    if (shared) {
                        assembler.inflate_with(shared_);
                    } else {
                        assembler.inflate_by_itself(15, true);
                    }
                }};
    }

    [[nodiscard]] Messages read_everyhow(const std::string& bytes, std::size_t max_message_bytes = 1024 * 1024) {
        return read_messages_everyhow(setup(max_message_bytes), bytes);
    }

    /// True if messages have a limit: those that are streamed with memory of their own take none.
    [[nodiscard]] bool limited() const { return GetParam().memory == Memory::shared || !GetParam().streamed; }

    Inflater shared_{15};
};

std::string frame(unsigned first, std::string_view payload = {}) {
    return frame_to(Role::server, first, payload);
}

TEST_P(WsMessageInflateTest, the_examples_of_the_rfc) {  // RFC 7692, 7.2.3
    EXPECT_EQ(read_everyhow(frame(0xc1, hello)), (Messages{{"text Hello"}}));
    EXPECT_EQ(read_everyhow(frame(0x41, hello.substr(0, 3)) + frame(0x80, hello.substr(3))),
              (Messages{{"text Hello"}}));
    EXPECT_EQ(read_everyhow(frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s)), (Messages{{"text Hello"}}));
    EXPECT_EQ(read_everyhow(frame(0xc2, "\x00"s)), (Messages{{"binary "}}));
}

TEST_P(WsMessageInflateTest, among_others) {
    EXPECT_EQ(read_everyhow(frame(0x81, "plain") + frame(0xc1, hello) + frame(0x02, "pl") + frame(0x80, "ain") +
                            frame(0x42, hello) + frame(0x89, "ping") + frame(0x80) + frame(0xc1, hello)),
              (Messages{{"text plain", "text Hello", "binary plain", "ping ping", "binary Hello", "text Hello"}}));
}

TEST_P(WsMessageInflateTest, texts_are_utf8_behind_it) {
    EXPECT_EQ(read_everyhow(frame(0xc1, compressed("f\xc3\xbcr"))), (Messages{{"text f\xc3\xbcr"}}));
    for (const std::string_view bad : {"\xff", "cut \xf0\x9f", "\xed\xa0\x80"}) {
        EXPECT_EQ(read_everyhow(frame(0xc1, compressed(bad))).failed, ws::close_code::invalid_data) << bad;
        EXPECT_EQ(read_everyhow(frame(0xc2, compressed(bad))), (Messages{{std::string{"binary "}.append(bad)}}));
    }
}

TEST_P(WsMessageInflateTest, what_does_not_inflate_fails) {
    for (const std::string& bad : {"\x07"s, "\xff\xff"s, ""s, hello.substr(0, 4), hello + hello.substr(0, 2)}) {
        EXPECT_EQ(read_everyhow(frame(0xc2, bad) + frame(0x81, "next")).failed, ws::close_code::invalid_data);
    }
}

TEST_P(WsMessageInflateTest, a_bomb_at_the_limit_and_one_beyond) {
    constexpr std::size_t limit = 300'000;
    const auto bomb = [](std::size_t size) { return frame(0xc2, compressed(std::string(size, 'x'))); };
    const Messages at_limit = joined_parts(read_messages(setup(limit), {bomb(limit)}));
    EXPECT_EQ(at_limit, (Messages{{"binary " + std::string(limit, 'x')}}));
    const Messages beyond = joined_parts(read_messages(setup(limit), {bomb(limit + 1)}));
    EXPECT_EQ(beyond.failed, limited() ? ws::close_code::too_big : 0);

    for (const std::size_t small : Sizes{1, 16 * 1024 - 1, 16 * 1024, 64 * 1024}) {
        EXPECT_EQ(read_messages(setup(small), {bomb(small)}).failed, 0) << small;
        EXPECT_EQ(read_messages(setup(small), {bomb(small + 1)}).failed, limited() ? ws::close_code::too_big : 0)
            << small;
    }
}

TEST_P(WsMessageInflateTest, what_does_not_shrink_has_the_same_limit) {
    const std::string noise = pattern(5, 2000);
    Deflater deflater{{.window_bits = 9, .level = 1, .mem_level = 1}};
    std::string fragments;
    for (std::size_t at = 0; at < noise.size(); at += 10) {
        std::string part;
        const bool last = at + 10 == noise.size();
        deflater.compress(as_bytes(std::string_view{noise}.substr(at, 10)), last, part);
        fragments += frame((at == 0 ? 0x42U : 0U) | (last ? 0x80U : 0U), part);
    }
    EXPECT_EQ(joined_parts(read_messages(setup(noise.size()), {fragments})), (Messages{{"binary " + noise}}))
        << "however often its sender flushes";
}

TEST_P(WsMessageInflateTest, what_is_declared_counts) {
    const std::string header = frame_header(0xc2, std::uint64_t{1} << 40, true);
    EXPECT_EQ(read_messages(setup(1000), {header}).failed, limited() ? ws::close_code::too_big : 0);
}

TEST_P(WsMessageInflateTest, last_blocks_are_bounded) {
    const std::string block = "\x03\x00"s;  // BFINAL, and nothing in it
    const auto blocks = [&](std::size_t count) {
        std::string all;
        while (count-- > 0) all += block;
        return frame(0xc2, all + '\0');
    };
    EXPECT_EQ(read_everyhow(blocks(16) + blocks(16)), (Messages{{"binary ", "binary "}})) << "each message anew";
    EXPECT_EQ(read_everyhow(blocks(17)).failed, ws::close_code::invalid_data);
}

TEST_P(WsMessageInflateTest, long_messages_in_pieces) {
    const std::string text = [] {
        std::string lines;
        for (int i = 0; lines.size() < 400'000; ++i) lines += "line " + std::to_string(i * i) + '\n';
        return lines;
    }();
    const std::string bytes = frame(0xc1, compressed(text)) + frame(0x81, "next");
    const std::string_view view = bytes;
    for (const std::size_t step : Sizes{1000, 4096, bytes.size()}) {
        MessageReader reader{setup()};
        for (std::size_t at = 0; at < view.size(); at += step) reader.feed(view.substr(at, step));
        ASSERT_EQ(joined_parts(reader.messages()), (Messages{{"text " + text, "text next"}})) << step;
    }
}

INSTANTIATE_TEST_SUITE_P(Ways, WsMessageInflateTest,
                         testing::Values(Way{Memory::own, false}, Way{Memory::own, true}, Way{Memory::shared, false},
                                         Way{Memory::shared, true}),
                         [](const testing::TestParamInfo<Way>& parameter) {
                             return std::string{parameter.param.memory == Memory::own ? "own" : "shared"}.append(
                                 parameter.param.streamed ? "_streamed" : "");
                         });

TEST(WsMessageTakeoverTest, messages_refer_to_those_before) {  // RFC 7692, 7.1.1
    const std::string again = "\xf2\x00\x11\x00\x00"s;         // 7.2.3.2
    for (const bool streamed : {false, true}) {
        for (const bool takeover : {false, true}) {
            const AssemblerSetup setup{.limits = {.streamed = streamed}, .inflation = [&](MessageAssembler& assembler) {
                                           assembler.inflate_by_itself(15, takeover);
                                       }};
            const Messages messages = read_messages_everyhow(setup, frame(0xc1, hello) + frame(0xc1, again));
            EXPECT_EQ(messages, takeover ? (Messages{{"text Hello", "text Hello"}})
                                         : (Messages{{"text Hello"}, ws::close_code::invalid_data}));
        }
    }
}

/// Connections whose messages one decompressor inflates.
class WsSharedInflaterTest : public testing::TestWithParam<bool> {
protected:
    [[nodiscard]] std::unique_ptr<MessageReader> connect() {
        return std::make_unique<MessageReader>(
            AssemblerSetup{.limits = {.max_message_bytes = 1000, .streamed = GetParam()},
                           .inflation = [this](MessageAssembler& assembler) { assembler.inflate_with(shared_); }});
    }

    Inflater shared_{15};
};

TEST_P(WsSharedInflaterTest, messages_of_two_in_turn) {
    const auto one = connect();
    const auto two = connect();
    const std::string first = compressed("the first message of all");
    const std::string second = compressed("and the other one's");
    one->feed(frame(0x41, first.substr(0, 5)));
    two->feed(frame(0x41, second.substr(0, 3)));
    one->feed(frame(0x00, first.substr(5, 2)));
    two->feed(frame(0x80, second.substr(3)));
    one->feed(frame(0x80, first.substr(7)));
    EXPECT_EQ(joined_parts(one->messages()), (Messages{{"text the first message of all"}}));
    EXPECT_EQ(joined_parts(two->messages()), (Messages{{"text and the other one's"}}));
}

TEST_P(WsSharedInflaterTest, one_that_fails_is_not_the_others_matter) {
    const std::string refers_back = "\xf2\x00\x11\x00\x00"s;
    for (const std::string& bad : {"\x07"s, hello.substr(0, 4), hello + "\x06"s, compressed(std::string(2000, 'x'))}) {
        const auto one = connect();
        const auto two = connect();
        const auto three = connect();
        two->feed(frame(0x41, hello.substr(0, 2)));
        one->feed(frame(0xc2, bad));
        EXPECT_NE(one->messages().failed, 0);
        two->feed(frame(0x80, hello.substr(2)));
        EXPECT_EQ(joined_parts(two->messages()), (Messages{{"text Hello"}}));
        three->feed(frame(0xc1, refers_back));
        EXPECT_NE(three->messages().failed, 0) << "nobody sees what another one has sent";
    }
}

TEST_P(WsSharedInflaterTest, last_blocks_are_counted_for_each) {
    const std::string blocks = [] {
        std::string all;
        for (int i = 0; i < 16; ++i) all += "\x03\x00"s;
        return all + '\0';
    }();
    const auto one = connect();
    const auto two = connect();
    one->feed(frame(0x42, blocks.substr(0, 1)));
    two->feed(frame(0xc2, blocks));
    one->feed(frame(0x80, blocks.substr(1)));
    EXPECT_EQ(joined_parts(one->messages()), (Messages{{"binary "}}));
    EXPECT_EQ(joined_parts(two->messages()), (Messages{{"binary "}}));
}

TEST_P(WsSharedInflaterTest, one_that_ends_half_way_leaves_nothing) {
    connect()->feed(frame(0x42, hello.substr(0, 4)));
    const auto next = connect();
    next->feed(frame(0xc1, hello));
    EXPECT_EQ(joined_parts(next->messages()), (Messages{{"text Hello"}}));
}

INSTANTIATE_TEST_SUITE_P(Ways, WsSharedInflaterTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& parameter) {
                             return std::string{parameter.param ? "streamed" : "whole"};
                         });

}  // namespace
}  // namespace pollux::test
