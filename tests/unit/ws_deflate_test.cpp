// The codec of permessage-deflate (RFC 7692, 7.2): there and back with every setting, and what others may send.
#include "proto/ws/deflate.h"

#include <zlib.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/ws_support.h"

namespace pollux::test {
namespace {

using namespace std::string_literals;
using ws::Deflater;
using ws::DeflateSettings;
using ws::Inflater;

/// What comes of inflating all of it, a piece of `room` bytes at a time.
struct Inflated {
    std::string text{};
    bool bad = false;

    friend bool operator==(const Inflated&, const Inflated&) = default;
};

void PrintTo(const Inflated& inflated, std::ostream* out) {
    *out << testing::PrintToString(inflated.text) << (inflated.bad ? " bad" : "");
}

bool append_inflated(Inflater& inflater, Bytes in, std::size_t room, Inflated& out) {
    std::string piece(room, '\0');
    Inflater::Step step{.full = true};
    while (!in.empty() || step.full) {
        step = inflater.inflate(in, std::as_writable_bytes(std::span{piece}));
        EXPECT_LE(step.produced, room);
        out.text.append(piece, 0, step.produced);
        out.bad = step.bad;
        if (step.bad) return false;
    }
    return true;
}

Inflated inflate_message(Inflater& inflater, std::string_view message, std::size_t room = 1000) {
    inflater.begin_message();
    Inflated out;
    if (append_inflated(inflater, as_bytes(message), room, out) &&
        append_inflated(inflater, Inflater::tail(), room, out)) {
        out.bad = !inflater.complete();
    }
    return out;
}

std::string compress_message(Deflater& deflater, std::string_view message) {
    std::string out;
    deflater.compress(as_bytes(message), true, out);
    return out;
}

std::string words(std::size_t size) {
    std::string text;
    for (unsigned i = 0; text.size() < size; ++i) text += "message " + std::to_string(i % 97) + ", ";
    text.resize(size);
    return text;
}

/// What zlib makes of it if it may say that it is the last: raw, up to a block with BFINAL.
std::string last_block(std::string_view text) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(text.size() + 100, '\0');
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return out.substr(0, stream.total_out);
}

TEST(WsDeflateTest, the_examples_of_the_rfc) {  // RFC 7692, 7.2.3
    Inflater inflater{15};
    const Inflated hello{"Hello"};
    EXPECT_EQ(inflate_message(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"s), hello) << "7.2.3.1";
    EXPECT_EQ(inflate_message(inflater, "\xf2\x00\x11\x00\x00"s), hello) << "7.2.3.2: from the message before";
    inflater.reset();
    EXPECT_TRUE(inflate_message(inflater, "\xf2\x00\x11\x00\x00"s).bad) << "which is not there any more";
    inflater.reset();
    EXPECT_EQ(inflate_message(inflater, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s), hello) << "7.2.3.3: stored";
    EXPECT_EQ(inflate_message(inflater, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), hello) << "7.2.3.4: BFINAL";
    EXPECT_EQ(inflate_message(inflater, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s), hello)
        << "7.2.3.5: two blocks";
    EXPECT_EQ(inflate_message(inflater, "\x00"s), Inflated{}) << "7.2.3.6: nothing";
}

TEST(WsDeflateTest, there_and_back_with_every_setting) {
    const std::vector<std::string> messages{
        "", "a", words(100), std::string(5000, 'x'), words(9000), pattern(1, 3000), "", words(100)};
    for (unsigned bits = 9; bits <= 15; ++bits) {
        for (const int level : {1, 6, 9}) {
            for (const unsigned mem_level : {1U, 9U}) {
                for (const bool takeover : {true, false}) {
                    Deflater deflater{{bits, level, mem_level}};
                    Inflater inflater{bits};
                    for (const std::string& message : messages) {
                        const std::string compressed = compress_message(deflater, message);
                        ASSERT_FALSE(compressed.empty()) << "RFC 7692, 7.2.3.6";
                        ASSERT_LE(compressed.size(), Deflater::bound(message.size()));
                        ASSERT_EQ(inflate_message(inflater, compressed), Inflated{message})
                            << bits << " bits, level " << level << ", memory " << mem_level;
                        if (takeover) continue;
                        deflater.reset();
                        inflater.reset();
                    }
                }
            }
        }
    }
}

TEST(WsDeflateTest, a_message_in_parts) {
    const std::string message = words(3000);
    Random random{7692};
    for (std::size_t round = 0; round < scaled(200); ++round) {
        Deflater deflater{{}};
        Inflater inflater{15};
        std::string compressed;
        std::string_view rest = message;
        while (!rest.empty()) {
            const std::string_view part = rest.substr(0, random.size_up_to(1500));  // some are empty
            rest.remove_prefix(part.size());
            deflater.compress(as_bytes(part), rest.empty(), compressed);
        }
        ASSERT_EQ(inflate_message(inflater, compressed, 1 + random.size_up_to(5000)), Inflated{message});
        ASSERT_EQ(inflate_message(inflater, compress_message(deflater, message)), Inflated{message});
    }
}

TEST(WsDeflateTest, parts_may_all_be_empty) {
    Deflater deflater{{}};
    Inflater inflater{15};
    for (int round = 0; round < 3; ++round) {
        std::string compressed;
        for (const bool last : {false, false, true}) deflater.compress({}, last, compressed);
        EXPECT_EQ(inflate_message(inflater, compressed), Inflated{});
        EXPECT_EQ(inflate_message(inflater, compress_message(deflater, "")), Inflated{});
        EXPECT_EQ(inflate_message(inflater, compress_message(deflater, "a")), Inflated{"a"});
    }
}

TEST(WsDeflateTest, a_flush_without_more_shows_all_that_was_given) {
    Deflater deflater{{}};
    Inflater inflater{15};
    inflater.begin_message();
    for (int part = 0; part < 20; ++part) {
        std::string compressed;
        deflater.compress(as_bytes(words(50)), false, compressed);
        Inflated out;
        ASSERT_TRUE(append_inflated(inflater, as_bytes(compressed), 1000, out));
        ASSERT_EQ(out.text, words(50)) << part;
    }
}

TEST(WsDeflateTest, what_does_not_shrink_stays_within_the_bound) {
    Random random{1951};
    for (const std::size_t size : Sizes{0, 1, 10, 127, 1000, 16384, 100'000}) {
        std::string noise(size, '\0');
        for (char& c : noise) c = static_cast<char>(random.up_to(255));
        for (const DeflateSettings settings :
             {DeflateSettings{9, 1, 1}, DeflateSettings{15, 9, 1}, DeflateSettings{}}) {
            Deflater deflater{settings};
            Inflater inflater{15};
            const std::string compressed = compress_message(deflater, noise);
            EXPECT_LE(compressed.size(), Deflater::bound(size)) << size;
            EXPECT_EQ(inflate_message(inflater, compressed), Inflated{noise});
        }
    }
}

TEST(WsDeflateTest, any_room_and_any_cut_are_the_same) {
    Deflater deflater{{}};
    const std::string message = words(300);
    const std::string compressed = compress_message(deflater, message);
    for (const std::size_t room : Sizes{1, 2, 7, 299, 300, 301, 4096}) {
        Inflater inflater{15};
        EXPECT_EQ(inflate_message(inflater, compressed, room), Inflated{message}) << room;
    }
    for (std::size_t cut = 0; cut <= compressed.size(); ++cut) {
        Inflater inflater{15};
        inflater.begin_message();
        Inflated out;
        const std::string_view view = compressed;
        EXPECT_TRUE(append_inflated(inflater, as_bytes(view.substr(0, cut)), 50, out));
        EXPECT_TRUE(append_inflated(inflater, as_bytes(view.substr(cut)), 50, out));
        EXPECT_TRUE(append_inflated(inflater, Inflater::tail(), 50, out));
        EXPECT_EQ(out, Inflated{message}) << cut;
        EXPECT_TRUE(inflater.complete());
    }
}

TEST(WsDeflateTest, last_blocks_end_no_message) {  // RFC 7692, 7.2.3.4
    for (const std::size_t blocks : Sizes{1, 2, 16}) {
        Inflater inflater{15};
        std::string compressed;
        std::string message;
        for (std::size_t i = 0; i < blocks; ++i) {
            compressed += last_block(words(100 + i));
            message += words(100 + i);
        }
        compressed += '\0';
        for (int again = 0; again < 2; ++again) {
            for (const std::size_t room : Sizes{1, 100, 10'000}) {
                EXPECT_EQ(inflate_message(inflater, compressed, room), Inflated{message}) << blocks << ' ' << room;
            }
        }
    }
}

TEST(WsDeflateTest, messages_refer_back_over_last_blocks) {
    Deflater deflater{{}};
    Inflater inflater{15};
    const std::string message = words(2000);
    EXPECT_EQ(inflate_message(inflater, compress_message(deflater, message)), Inflated{message});
    // Ours goes on behind a message of another's making, which it knows nothing of but for what is behind in its
    // window.
    EXPECT_EQ(inflate_message(inflater, last_block("") + '\0'), Inflated{});
    const std::string again = compress_message(deflater, message);
    EXPECT_LT(again.size(), 100u) << "it does refer back";
    EXPECT_EQ(inflate_message(inflater, again), Inflated{message});
}

TEST(WsDeflateTest, last_blocks_are_bounded) {
    const std::string block = last_block("");
    const auto blocks = [&](std::size_t count) {
        std::string all;
        while (count-- > 0) all += block;
        return all + '\0';
    };
    Inflater inflater{15};
    EXPECT_EQ(inflate_message(inflater, blocks(16)), Inflated{});
    EXPECT_EQ(inflate_message(inflater, blocks(16)), Inflated{}) << "each message anew";
    EXPECT_TRUE(inflate_message(inflater, blocks(17)).bad);
    inflater.reset();
    Inflated out;
    EXPECT_TRUE(append_inflated(inflater, as_bytes(blocks(16)), 100, out)) << "and behind a reset";
}

TEST(WsDeflateTest, what_is_no_deflate_is_bad) {
    for (const std::string& bytes : {"\x07"s, "\x06"s, "\xff\xff\xff\xff"s, "\x00\x05\x00\xfa\xfe"s}) {
        Inflater inflater{15};
        EXPECT_TRUE(inflate_message(inflater, bytes).bad);
        inflater.reset();
        EXPECT_EQ(inflate_message(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"s), Inflated{"Hello"})
            << "and then it goes on";
    }
}

TEST(WsDeflateTest, what_is_cut_off_is_bad) {
    Deflater deflater{{}};
    const std::string compressed = compress_message(deflater, words(500));
    for (std::size_t size = 0; size < compressed.size(); ++size) {
        Inflater inflater{15};
        ASSERT_TRUE(inflate_message(inflater, compressed.substr(0, size)).bad) << size;
    }
}

TEST(WsDeflateTest, a_window_is_not_looked_beyond) {
    const std::string once = pattern(3, 600);
    Deflater deflater{{.window_bits = 15}};
    const std::string compressed = compress_message(deflater, once + once);
    constexpr std::size_t room = 100;  // what was inflated into more could be looked at there
    Inflater wide{10};
    EXPECT_EQ(inflate_message(wide, compressed, room), Inflated{once + once});
    Inflater narrow{9};
    EXPECT_TRUE(inflate_message(narrow, compressed, room).bad);
}

}  // namespace
}  // namespace pollux::test
