// Fuzzes permessage-deflate: what is compressed comes back, and any bytes inflate to the same or fail, however they are
// cut. The input: how it is cut, the compressor's settings, what to do, the bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/support.h"
#include "proto/ws/deflate.h"

namespace {

using pollux::Bytes;
using pollux::test::Choices;
using pollux::test::ExactBytes;
using pollux::test::insist;
using pollux::test::Pieces;
using pollux::ws::Deflater;
using pollux::ws::DeflateSettings;
using pollux::ws::Inflater;

constexpr std::size_t enough = 64 * 1024;

/// What came of inflating.
struct Outcome {
    std::string text{};
    bool bad = false;
    bool enough = false;  ///< It went on.
};

/// Into memory of exactly that size, again and again. False if nothing more is to be inflated.
bool inflate(Inflater& inflater, Bytes in, std::size_t room, Outcome& out) {
    ExactBytes piece(room);
    Inflater::Step step{.full = true};
    while (!in.empty() || step.full) {
        const std::size_t before = in.size();
        step = inflater.inflate(in, piece);
        insist(in.size() <= before && step.produced <= room && step.full == (step.produced == room));
        insist(step.bad || step.full || in.empty());
        out.text += pollux::as_text(Bytes{piece}.first(step.produced));
        out.bad = step.bad;
        out.enough = out.text.size() >= enough;
        if (out.bad || out.enough) return false;
    }
    return true;
}

Outcome inflate_message(Inflater& inflater, Pieces pieces, std::size_t room) {
    inflater.begin_message();
    Outcome out;
    while (!pieces.empty()) {
        const ExactBytes piece = pollux::test::exactly(pollux::as_bytes(pieces.next()));
        if (!inflate(inflater, piece, room, out)) return out;
    }
    if (inflate(inflater, Inflater::tail(), room, out)) out.bad = !inflater.complete();
    return out;
}

void try_round_trip(const DeflateSettings& settings, std::string_view message, std::uint8_t cut) {
    Deflater deflater{settings};
    Inflater inflater{settings.window_bits};
    for (int again = 0; again < 3; ++again) {
        std::string compressed;
        Pieces pieces{message, cut};
        do {
            const ExactBytes piece = pollux::test::exactly(pieces.empty() ? Bytes{} : pollux::as_bytes(pieces.next()));
            const std::size_t before = compressed.size();
            deflater.compress(piece, pieces.empty(), compressed);
            insist(compressed.size() - before <= Deflater::bound(piece.size()));
        } while (!pieces.empty());
        insist(!compressed.empty());
        const Outcome back = inflate_message(inflater, {compressed, cut}, 1 + message.size() / 2);
        insist(!back.bad && back.text == message);
        if (again != 1) continue;
        deflater.reset();
        inflater.reset();
    }
}

/// With a smaller window, it depends on the pieces whether zlib sees that the bytes refer to something beyond it.
void try_any(std::string_view bytes, std::uint8_t cut) {
    constexpr unsigned window_bits = 15;
    Inflater one{window_bits};
    Inflater other{window_bits};
    const Outcome whole = inflate_message(one, {bytes, Pieces::as_a_whole}, enough);
    const Outcome pieces = inflate_message(other, {bytes, cut}, 16U + cut);
    insist(whole.bad == pieces.bad || whole.enough || pieces.enough);
    const std::size_t both = std::min(whole.text.size(), pieces.text.size());
    insist(whole.text.compare(0, both, pieces.text, 0, both) == 0);
    insist(whole.bad || whole.enough || whole.text.size() == pieces.text.size());
    one.reset();
    insist(inflate_message(one, {std::string_view{"\0", 1}, cut}, 1).text.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{pollux::test::text_of(data, size)};
    const std::uint8_t cut = choices.byte();
    const std::uint8_t bits = choices.byte();
    const DeflateSettings settings{9 + bits % 7U, 1 + bits % 9, 1 + bits / 16U % 9};
    if (choices.byte() % 2 == 0) {
        try_round_trip(settings, choices.rest(), cut);
    } else {
        try_any(choices.rest(), cut);
    }
    return 0;
}
