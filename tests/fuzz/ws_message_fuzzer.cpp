// Fuzzes the putting together of messages: they are the same however their bytes are cut, and within their limits. The
// input: how it is cut, how the assembler is made, the bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "buffer_pool.h"
#include "fuzz/support.h"
#include "proto/ws/message_assembler.h"
#include "proto/ws/utf8.h"

namespace {

using pollux::BufferPool;
using pollux::Bytes;
using pollux::MutableBytes;
using pollux::test::Choices;
using pollux::test::ExactBytes;
using pollux::test::insist;
using pollux::test::Pieces;
using pollux::ws::Inflater;
using pollux::ws::MessageAssembler;
using pollux::ws::Role;

/// Of a streamed message, which has no limit.
constexpr std::size_t enough = 200'000;

/// With a smaller one, it depends on how the bytes are cut whether zlib sees that they refer to something beyond it.
constexpr unsigned window_bits = 15;

/// One bit, or two, for each choice.
class Setup {
public:
    explicit Setup(std::uint8_t bits) : bits_(bits) {}

    [[nodiscard]] Role role() const { return (bits_ & 1) != 0 ? Role::client : Role::server; }
    [[nodiscard]] MessageAssembler::Limits limits() const {
        const bool small = (bits_ & 2) != 0;
        return {
            .max_message_bytes = small ? 100U : 100'000U, .max_fragments = small ? 4U : 1000U, .streamed = streamed()};
    }
    [[nodiscard]] bool streamed() const { return (bits_ & 4) != 0; }
    [[nodiscard]] bool inflates() const { return (bits_ & 24) != 0; }
    [[nodiscard]] bool shares() const { return (bits_ & 24) == 24; }
    [[nodiscard]] bool takes_over() const { return (bits_ & 24) == 8; }

private:
    std::uint8_t bits_;
};

/// Puts messages together and writes down what it sees of those that are complete.
class Reader {
public:
    explicit Reader(const Setup& setup) : setup_(setup), assembler_(setup.role(), setup.limits(), pool_) {
        if (setup.shares()) {
            assembler_.inflate_with(shared_);
        } else if (setup.inflates()) {
            assembler_.inflate_by_itself(window_bits, setup.takes_over());
        }
    }

    /// A piece is in memory of its own, and gone afterwards.
    void hear(Bytes piece) {
        ExactBytes input = pollux::test::exactly(piece);
        MutableBytes rest{input};
        while (failed_ == 0) {
            const MessageAssembler::Event event = assembler_.next(rest);
            insist(event.consumed <= rest.size());
            rest = rest.subspan(event.consumed);
            if (event.kind == MessageAssembler::Event::Kind::more) break;
            note(event);
        }
        insist(failed_ != 0 || rest.empty());
    }

    [[nodiscard]] const std::string& seen() const { return seen_; }
    [[nodiscard]] std::uint16_t failed() const { return failed_; }

private:
    using Kind = MessageAssembler::Event::Kind;

    void note(const MessageAssembler::Event& event) {
        switch (event.kind) {
            case Kind::message:
                insist(!setup_.streamed());
                insist(event.data.size() <= setup_.limits().max_message_bytes);
                message(event.type, event.data);
                break;
            case Kind::fragment:
                insist(setup_.streamed() && (event.last || !event.data.empty()));
                begun_ += pollux::as_text(event.data).substr(0, enough - begun_.size());
                if (!event.last) break;
                message(event.type, pollux::as_bytes(begun_));
                begun_.clear();
                break;
            case Kind::failed:
                insist(event.code == pollux::ws::close_code::protocol_error ||
                       event.code == pollux::ws::close_code::invalid_data ||
                       event.code == pollux::ws::close_code::too_big);
                failed_ = event.code;
                break;
            default:
                insist(event.data.size() <= pollux::ws::max_control_bytes);
                seen_ += "\ncontrol " + std::to_string(static_cast<int>(event.kind)) + '\n';
                seen_ += pollux::as_text(event.data);
                break;
        }
    }

    void message(pollux::ws::MessageType type, Bytes data) {
        const bool text = type == pollux::ws::MessageType::text;
        insist(!text || data.size() == enough || pollux::ws::is_utf8(data));
        seen_.append(text ? "\ntext\n" : "\nbinary\n").append(pollux::as_text(data));
    }

    Setup setup_;
    BufferPool pool_;
    Inflater shared_{15};
    MessageAssembler assembler_;
    std::string begun_;
    std::string seen_;
    std::uint16_t failed_ = 0;
};

void read(Reader& reader, Pieces pieces) {
    while (!pieces.empty()) reader.hear(pollux::as_bytes(pieces.next()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{pollux::test::text_of(data, size)};
    const std::uint8_t cut = choices.byte();
    const Setup setup{choices.byte()};
    Reader whole{setup};
    Reader pieces{setup};
    read(whole, {choices.rest(), Pieces::as_a_whole});
    read(pieces, {choices.rest(), cut});
    insist(whole.seen() == pieces.seen());
    insist((whole.failed() != 0) == (pieces.failed() != 0));
    // What is inflated at once may be too long and no text either.
    insist(setup.inflates() || whole.failed() == pieces.failed());
    return 0;
}
