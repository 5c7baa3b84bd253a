// Fuzzes the taking apart of frames: they are the same however their bytes are cut, and what is told of them holds. The
// input: how it is cut, our side and whether messages may be compressed, the bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/support.h"
#include "proto/ws/frame_decoder.h"

namespace {

using pollux::Bytes;
using pollux::MutableBytes;
using pollux::test::Choices;
using pollux::test::ExactBytes;
using pollux::test::insist;
using pollux::test::Pieces;
using pollux::ws::FrameDecoder;
using pollux::ws::Opcode;
using pollux::ws::Role;

struct Setup {
    Role role;
    bool compressed_allowed;
};

/// Takes frames apart and writes down what it sees.
class Reader {
public:
    /// `short_way`: whole messages are taken as such.
    Reader(const Setup& setup, bool short_way) : decoder_(setup.role), setup_(setup), short_way_(short_way) {
        if (setup.compressed_allowed) decoder_.allow_compressed();
    }

    /// A piece is in memory of its own, and gone afterwards.
    void hear(Bytes piece) {
        ExactBytes input = pollux::test::exactly(piece);
        MutableBytes rest{input};
        while (!failed_) {
            const std::size_t consumed = step(rest);
            insist(consumed <= rest.size());
            rest = rest.subspan(consumed);
            if (wants_more_) break;
        }
        insist(failed_ || rest.empty());
    }

    [[nodiscard]] const std::string& seen() const { return seen_; }

private:
    std::size_t step(MutableBytes input) {
        FrameDecoder::Whole whole;
        wants_more_ = false;
        if (short_way_ && decoder_.next_whole(input, ~std::size_t{0}, whole)) {
            insist(!in_message_ && inside(whole.payload, input) && whole.payload.size() <= 65535);
            begin(whole.opcode, false);
            seen_.append("\nframe\n").append(pollux::as_text(whole.payload)).append("\nend\n");
            in_message_ = false;
            return whole.consumed;
        }
        const FrameDecoder::Event event = decoder_.next(input);
        switch (event.kind) {
            case FrameDecoder::Event::Kind::more:
                wants_more_ = true;
                break;
            case FrameDecoder::Event::Kind::data:
                data(event, input);
                break;
            case FrameDecoder::Event::Kind::control:
                insist(event.opcode == Opcode::close || event.opcode == Opcode::ping || event.opcode == Opcode::pong);
                insist(event.payload.size() <= pollux::ws::max_control_bytes);
                seen_.append("\ncontrol ").append(std::to_string(static_cast<int>(event.opcode))).append("\n");
                seen_.append(pollux::as_text(event.payload));
                break;
            case FrameDecoder::Event::Kind::failed:
                insist(!std::string_view{event.why}.empty());
                seen_ += "\nfailed: ";
                seen_ += event.why;
                failed_ = true;
                break;
        }
        return event.consumed;
    }

    void data(const FrameDecoder::Event& event, MutableBytes input) {
        insist(event.first == !in_message_);
        insist(event.first || (event.opcode == opcode_ && event.compressed == compressed_));
        insist(!event.first || event.begins_frame);
        insist(inside(event.payload, input));
        insist(event.begins_frame || event.frame_left == frame_left_ - event.payload.size());
        insist(!event.last || event.frame_left == 0);
        frame_left_ = event.frame_left;
        if (event.first) begin(event.opcode, event.compressed);
        if (event.begins_frame) seen_ += "\nframe\n";
        seen_ += pollux::as_text(event.payload);
        if (event.last) seen_ += "\nend\n";
        in_message_ = !event.last;
    }

    void begin(Opcode opcode, bool compressed) {
        insist(opcode == Opcode::text || opcode == Opcode::binary);
        insist(!compressed || setup_.compressed_allowed);
        opcode_ = opcode;
        compressed_ = compressed;
        seen_.append("\nmessage ")
            .append(std::to_string(static_cast<int>(opcode)))
            .append(compressed ? " compressed" : "");
    }

    static bool inside(Bytes part, Bytes all) {
        return part.empty() || (part.data() >= all.data() && part.data() + part.size() <= all.data() + all.size());
    }

    FrameDecoder decoder_;
    Setup setup_;
    bool short_way_;
    bool wants_more_ = false;
    bool failed_ = false;
    bool in_message_ = false;
    bool compressed_ = false;
    Opcode opcode_ = Opcode::continuation;
    std::uint64_t frame_left_ = 0;
    std::string seen_;
};

std::string read(Pieces pieces, const Setup& setup, bool short_way) {
    Reader reader{setup, short_way};
    while (!pieces.empty()) reader.hear(pollux::as_bytes(pieces.next()));
    return reader.seen();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{pollux::test::text_of(data, size)};
    const std::uint8_t cut = choices.byte();
    const std::uint8_t bits = choices.byte();
    const Setup setup{(bits & 1) != 0 ? Role::client : Role::server, (bits & 2) != 0};
    const std::string whole = read({choices.rest(), Pieces::as_a_whole}, setup, false);
    insist(read({choices.rest(), cut}, setup, false) == whole);
    insist(read({choices.rest(), cut}, setup, true) == whole);
    return 0;
}
