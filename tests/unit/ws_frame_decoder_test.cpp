// Frames taken apart: every rule of RFC 6455, 5.2 to 5.5, beside a model that tries all headers, however they are cut.
#include "proto/ws/frame_decoder.h"

#include <string>
#include <string_view>
#include <vector>

#include "unit/ws_support.h"

namespace pollux::test {
namespace {

using ws::FrameDecoder;
using ws::Opcode;
using Event = FrameDecoder::Event;

/// All that was seen, with the parts of a frame joined: "text first: ab." and the like.
struct FrameTranscript {
    std::string text{};
    bool failed = false;

    friend bool operator==(const FrameTranscript&, const FrameTranscript&) = default;
};

void PrintTo(const FrameTranscript& transcript, std::ostream* out) {
    *out << testing::PrintToString(transcript.text) << (transcript.failed ? " failed" : "");
}

/// Feeds a decoder with pieces, each in memory of its own, and writes down what comes of it.
class FrameReader {
public:
    explicit FrameReader(Role role, bool compressed = false) : decoder_(role) {
        if (compressed) decoder_.allow_compressed();
    }

    void feed(std::string_view piece) {
        std::string input{piece};
        MutableBytes rest = std::as_writable_bytes(std::span{input});
        while (!transcript_.failed) {
            const Event event = decoder_.next(rest);
            ASSERT_LE(event.consumed, rest.size());
            rest = rest.subspan(event.consumed);
            if (event.kind == Event::Kind::more) break;
            note(event);
        }
        ASSERT_TRUE(rest.empty() || transcript_.failed) << "what wants more has taken all";
    }

    [[nodiscard]] const FrameTranscript& transcript() const { return transcript_; }
    [[nodiscard]] FrameDecoder& decoder() { return decoder_; }

private:
    void note(const Event& event) {
        if (event.kind == Event::Kind::failed) {
            EXPECT_STRNE(event.why, "");
            transcript_.failed = true;
            return;
        }
        const bool control = event.kind == Event::Kind::control;
        if (control || event.begins_frame) {
            transcript_.text += control ? " c" : event.first ? " m" : " f";
            transcript_.text += std::to_string(static_cast<int>(event.opcode));
            if (event.compressed) transcript_.text += 'z';
            transcript_.text += ':';
            if (!control) frame_left_ = event.frame_left + event.payload.size();
        }
        if (!control) {
            EXPECT_EQ(event.frame_left, frame_left_ - event.payload.size());
            frame_left_ = event.frame_left;
        }
        transcript_.text += as_text(event.payload);
        if (event.last) transcript_.text += '.';
        EXPECT_EQ(decoder_.busy() && event.last, false) << "nothing is left over";
    }

    FrameDecoder decoder_;
    FrameTranscript transcript_;
    std::uint64_t frame_left_ = 0;
};

FrameTranscript read(Role role, Cut pieces, bool compressed = false) {
    FrameReader reader{role, compressed};
    for (const std::string_view piece : pieces) reader.feed(piece);
    return reader.transcript();
}

/// The same however it is cut, and byte by byte.
FrameTranscript read_everyhow(Role role, const std::string& bytes, bool compressed = false) {
    const FrameTranscript whole = read(role, {bytes}, compressed);
    for_each_cut(bytes,
                 [&](Cut pieces) { ASSERT_EQ(read(role, pieces, compressed), whole) << pieces.begin()->size(); });
    FrameReader bytewise{role, compressed};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytewise.feed(std::string_view{bytes}.substr(i, 1));
    EXPECT_EQ(bytewise.transcript(), whole);
    return whole;
}

/// What may come next, as RFC 6455 says it.
struct FrameModel {
    Role role;
    bool compressed_allowed;
    bool in_message;

    [[nodiscard]] bool accepts(unsigned first, bool has_mask, std::uint64_t length, LengthForm form) const {
        const bool fin = (first & 0x80) != 0;
        const unsigned rsv = first >> 4 & 7;
        const unsigned opcode = first & 15;
        if (has_mask != (role == Role::server)) return false;                      // 5.1
        if (form == LengthForm::bits16 && length < 126) return false;              // 5.2
        if (form == LengthForm::bits64 && length < 65536) return false;            // 5.2
        if (length >> 63 != 0) return false;                                       // 5.2
        if (opcode >= 8) return opcode <= 10 && fin && rsv == 0 && length <= 125;  // 5.5
        if (opcode > 2 || (opcode == 0) != in_message) return false;               // 5.2, 5.4
        return rsv == 0 || (rsv == 4 && compressed_allowed && opcode != 0);        // RFC 7692, 6
    }
};

constexpr std::uint64_t lengths[] = {0,
                                     1,
                                     125,
                                     126,
                                     127,
                                     65535,
                                     65536,
                                     std::uint64_t{1} << 32,
                                     (std::uint64_t{1} << 63) - 1,
                                     std::uint64_t{1} << 63,
                                     UINT64_MAX};

bool can_say(LengthForm form, std::uint64_t length) {
    return form != LengthForm::bits16 || length <= 65535;
}

/// Only headers: a length that is declared takes nothing.
void expect_as_modelled(const FrameModel& model, unsigned first, bool has_mask) {
    for (const std::uint64_t length : lengths) {
        for (const LengthForm form : {LengthForm::shortest, LengthForm::bits16, LengthForm::bits64}) {
            if (!can_say(form, length)) continue;
            FrameReader reader{model.role, model.compressed_allowed};
            if (model.in_message) reader.feed(frame_to(model.role, 0x01, "begun"));
            ASSERT_FALSE(reader.transcript().failed);
            reader.feed(frame_header(first, length, has_mask, form));
            ASSERT_EQ(!reader.transcript().failed, model.accepts(first, has_mask, length, form))
                << std::hex << "first byte " << first << ", length " << length << ", form " << static_cast<int>(form)
                << (has_mask ? ", masked" : "") << (model.in_message ? ", within a message" : "");
        }
    }
}

TEST(WsFrameDecoderTest, every_header_that_there_is) {
    for (const Role role : both_roles) {
        for (const bool compressed_allowed : {false, true}) {
            for (const bool in_message : {false, true}) {
                for (unsigned first = 0; first < 256; ++first) {
                    const FrameModel model{role, compressed_allowed, in_message};
                    expect_as_modelled(model, first, false);
                    expect_as_modelled(model, first, true);
                }
            }
        }
    }
}

TEST(WsFrameDecoderTest, the_examples_of_the_rfc) {  // RFC 6455, 5.7
    using namespace std::string_literals;
    EXPECT_EQ(read_everyhow(Role::client, "\x81\x05Hello"), (FrameTranscript{" m1:Hello."}));
    EXPECT_EQ(read_everyhow(Role::server, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
              (FrameTranscript{" m1:Hello."}));
    EXPECT_EQ(read_everyhow(Role::client, "\x01\x03Hel\x80\x02lo"), (FrameTranscript{" m1:Hel f1:lo."}));
    EXPECT_EQ(read_everyhow(Role::client, "\x89\x05Hello"), (FrameTranscript{" c9:Hello"}));
    EXPECT_EQ(read_everyhow(Role::server, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
              (FrameTranscript{" c10:Hello"}));
    EXPECT_EQ(read(Role::client, {"\x82\x7e\x01\x00"s, std::string(256, 'x')}).text,
              " m2:" + std::string(256, 'x') + '.');
}

TEST(WsFrameDecoderTest, several_frames_at_every_cut) {
    for (const Role role : both_roles) {
        const auto frame = [&](unsigned first, std::string_view payload) { return frame_to(role, first, payload); };
        EXPECT_EQ(read_everyhow(role, frame(0x81, "ab") + frame(0x82, "") + frame(0x89, "")),
                  (FrameTranscript{" m1:ab. m2:. c9:"}));
        EXPECT_EQ(read_everyhow(role, frame(0x01, "a") + frame(0x89, "p") + frame(0x00, "") + frame(0x8a, "q") +
                                          frame(0x80, "bc") + frame(0x88, "x")),
                  (FrameTranscript{" m1:a c9:p f1: c10:q f1:bc. c8:x"}))
            << "control frames between fragments";
        EXPECT_EQ(read_everyhow(role, frame(0x02, "") + frame(0x00, "") + frame(0x80, "")),
                  (FrameTranscript{" m2: f2: f2:."}))
            << "empty fragments";
    }
}

TEST(WsFrameDecoderTest, long_lengths_at_every_cut) {
    for (const Role role : both_roles) {
        for (const std::size_t size : Sizes{125, 126, 127, 300}) {
            const std::string payload = pattern(size, size);
            EXPECT_EQ(read_everyhow(role, frame_to(role, 0x82, payload)), (FrameTranscript{" m2:" + payload + '.'}));
        }
        for (const std::size_t size : Sizes{65535, 65536}) {
            const std::string payload = pattern(size, size);
            const std::string bytes = frame_to(role, 0x82, payload);
            for (const std::size_t cut : Sizes{1, 3, 9, 30000, size}) {
                const std::string_view view{bytes};
                EXPECT_EQ(read(role, {view.substr(0, cut), view.substr(cut)}),
                          (FrameTranscript{" m2:" + payload + '.'}));
            }
        }
    }
}

TEST(WsFrameDecoderTest, compression_is_of_the_message) {  // RFC 7692, 6
    for (const Role role : both_roles) {
        const std::string fragments = frame_to(role, 0x41, "a") + frame_to(role, 0x89, "") + frame_to(role, 0x80, "b");
        const std::string both = fragments + frame_to(role, 0x81, "c") + frame_to(role, 0xc2, "d");
        EXPECT_EQ(read_everyhow(role, both, true), (FrameTranscript{" m1z:a c9: f1z:b. m1:c. m2z:d."}));
        EXPECT_TRUE(read_everyhow(role, both).failed);
        EXPECT_EQ(read_everyhow(role, frame_to(role, 0x41, "a") + frame_to(role, 0xc0, "b"), true),
                  (FrameTranscript{" m1z:a", true}))
            << "RSV1 is for the first frame";
    }
}

TEST(WsFrameDecoderTest, what_failed_stays_so) {
    for (const Role role : both_roles) {
        FrameReader reader{role};
        reader.feed(frame_to(role, 0x83, ""));
        ASSERT_TRUE(reader.transcript().failed);
        std::string good = frame_to(role, 0x81, "a");
        const MutableBytes input = std::as_writable_bytes(std::span{good});
        FrameDecoder::Whole whole;
        EXPECT_FALSE(reader.decoder().next_whole(input, ~std::size_t{0}, whole));
        EXPECT_EQ(reader.decoder().next(input).kind, Event::Kind::failed);
        EXPECT_EQ(reader.decoder().next({}).kind, Event::Kind::failed);
    }
}

TEST(WsFrameDecoderTest, the_short_way_is_the_same_or_none) {
    for (const Role role : both_roles) {
        for (unsigned first = 0; first < 256; ++first) {
            const bool may_be = first == 0x81 || first == 0x82;
            for (const std::size_t size : Sizes{0, 1, 125, 126, 127, 1000, 65535, 65536}) {
                if (!may_be && size > 1000) continue;
                const std::string payload = pattern(first, size);
                std::string bytes = frame_to(role, first, payload);
                const std::size_t frame_size = bytes.size();
                bytes += "next";
                FrameDecoder decoder{role};
                decoder.allow_compressed();
                FrameDecoder::Whole whole{};
                const bool taken = decoder.next_whole(std::as_writable_bytes(std::span{bytes}), ~std::size_t{0}, whole);
                ASSERT_EQ(taken, may_be && size <= 65535) << first << ' ' << size;
                if (!taken) continue;
                ASSERT_EQ(whole.consumed, frame_size);
                ASSERT_EQ(static_cast<unsigned>(whole.opcode), first & 15);
                ASSERT_EQ(as_text(whole.payload), payload);
                ASSERT_FALSE(decoder.busy());
            }
        }
    }
}

TEST(WsFrameDecoderTest, the_short_way_takes_nothing_that_is_cut_or_wrong) {
    for (const Role role : both_roles) {
        FrameDecoder decoder{role};
        FrameDecoder::Whole whole;
        const auto takes = [&](std::string bytes) {
            const std::string before = bytes;
            const bool taken = decoder.next_whole(std::as_writable_bytes(std::span{bytes}), ~std::size_t{0}, whole);
            EXPECT_TRUE(taken || bytes == before) << "nor does it touch it";
            return taken;
        };
        for (const std::size_t size : Sizes{3, 126}) {
            const std::string bytes = frame_to(role, 0x82, pattern(0, size));
            for (std::size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(takes(bytes.substr(0, cut))) << cut;
            EXPECT_TRUE(takes(bytes));
        }
        const bool has_mask = role == Role::server;
        EXPECT_FALSE(takes(frame_header(0x81, 2, !has_mask) + "ab"));
        EXPECT_FALSE(takes(frame_header(0x81, 2, has_mask, LengthForm::bits16) + "ab"));
        EXPECT_FALSE(takes(frame_header(0x81, 2, has_mask, LengthForm::bits64) + "ab"));

        FrameReader begun{role};
        begun.feed(frame_to(role, 0x01, "a"));
        EXPECT_TRUE(begun.decoder().busy());
        std::string bytes = frame_to(role, 0x81, "b");
        EXPECT_FALSE(begun.decoder().next_whole(std::as_writable_bytes(std::span{bytes}), ~std::size_t{0}, whole))
            << "within a message";
    }
}

TEST(WsFrameDecoderTest, is_busy_from_the_first_byte_to_the_last) {
    for (const Role role : both_roles) {
        const std::string bytes = frame_to(role, 0x01, "ab") + frame_to(role, 0x89, "p") + frame_to(role, 0x80, "c");
        FrameReader reader{role};
        EXPECT_FALSE(reader.decoder().busy());
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            reader.feed(std::string_view{bytes}.substr(i, 1));
            EXPECT_EQ(reader.decoder().busy(), i + 1 < bytes.size()) << i;
        }
    }
}

TEST(WsFrameDecoderTest, asking_without_bytes_changes_nothing) {
    for (const Role role : both_roles) {
        const std::string bytes = frame_to(role, 0x01, "ab") + frame_to(role, 0x8a, "pq") + frame_to(role, 0x80, "c");
        FrameReader reader{role};
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            reader.feed({});
            reader.feed(std::string_view{bytes}.substr(i, 1));
            reader.feed({});
        }
        EXPECT_EQ(reader.transcript(), (FrameTranscript{" m1:ab c10:pq f1:c."}));
    }
}

}  // namespace
}  // namespace pollux::test
