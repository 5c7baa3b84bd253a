// Fuzzes what a client makes of a server's bytes: answers mean the same however they are cut, and what is told of them
// holds. The input: how it is cut, which of the answers are to HEAD and whether limits are small, the bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <pollux/http/method.h>

#include "fuzz/support.h"
#include "proto/http/characters.h"
#include "proto/http/response_parser.h"
#include "proto/http/url.h"

namespace {

using pollux::Bytes;
using pollux::http::Field;
using pollux::http::Fields;
using pollux::http::ResponseParser;
using pollux::http::Url;
using pollux::test::Choices;
using pollux::test::ExactBytes;
using pollux::test::insist;
using pollux::test::Pieces;

/// Reads answers one after the other and writes down what it sees.
class Reader {
public:
    /// Each bit of `to_head` is for one answer, again and again.
    Reader(const ResponseParser::Limits& limits, std::uint8_t to_head)
        : limits_(limits), to_head_(to_head), parser_(limits) {
        begin();
    }

    /// A piece is in memory of its own, and gone afterwards.
    void hear(Bytes piece) {
        const ExactBytes input = pollux::test::exactly(piece);
        std::size_t used = 0;
        while (!over_ && (used < input.size() || due_)) used += step(Bytes{input}.subspan(used));
        insist(over_ || used == input.size());
    }

    void finish() {
        if (!over_) seen_ += parser_.finish() ? "\nended by the connection\n" : "\ncut off\n";
    }

    [[nodiscard]] const std::string& seen() const { return seen_; }

private:
    void begin() {
        body_bytes_ = 0;
        parser_.begin(is_to_head());
    }

    [[nodiscard]] bool is_to_head() const { return (to_head_ >> answers_ % 8U & 1U) != 0; }

    std::size_t step(Bytes input) {
        const ResponseParser::Event event = parser_.next(input);
        due_ = event.kind != ResponseParser::Event::Kind::more;
        insist(event.consumed <= input.size());
        switch (event.kind) {
            case ResponseParser::Event::Kind::more:
                insist(event.consumed == input.size());
                break;
            case ResponseParser::Event::Kind::head:
                head();
                break;
            case ResponseParser::Event::Kind::body:
                insist(!event.body.empty() && event.body.data() >= input.data() &&
                       event.body.data() + event.body.size() <= input.data() + input.size());
                body_bytes_ += event.body.size();
                seen_ += pollux::as_text(event.body);
                break;
            case ResponseParser::Event::Kind::end:
                end();
                break;
            case ResponseParser::Event::Kind::failed:
                seen_ += "\nfailed\n";
                over_ = true;
                break;
        }
        return event.consumed;
    }

    void head() {
        insist(parser_.status() == 101 || (parser_.status() >= 200 && parser_.status() <= 999));
        insist(parser_.begun() && pollux::http::is_field_value(parser_.reason()));
        const Fields fields = parser_.headers();
        insist(fields.size() <= limits_.max_fields);
        check_framing(fields);
        seen_ += std::to_string(parser_.status()) + ' ';
        seen_.append(parser_.reason()).append(parser_.keep_alive() ? " keep-alive\n" : " close\n");
        write_down(fields);
        if (const auto location = fields.find("Location")) follow(*location);
    }

    void check_framing(const Fields& fields) {
        const std::size_t codings = fields.count("Transfer-Encoding");
        insist(fields.count("Content-Length") <= 1 || codings == 0);
        insist(codings == 0 || (codings == 1 && !parser_.content_length()));
        insist(parser_.content_length().has_value() == fields.contains("Content-Length"));
    }

    /// Where a redirect leads is a URL, or is refused.
    void follow(std::string_view location) {
        Url base;
        insist(Url::parse("https://example.org:8443/a/b?c", base));
        Url there;
        if (!base.resolve(location, there)) return;
        Url again;
        insist(Url::parse(there.to_string(), again) && again == there);
    }

    void end() {
        const bool has_body = !is_to_head() && pollux::http::status_has_body(parser_.status());
        insist(has_body || body_bytes_ == 0);
        insist(!has_body || body_bytes_ == parser_.content_length().value_or(body_bytes_));
        seen_ += "\nend\n";
        write_down(parser_.trailers());
        ++answers_;
        due_ = false;
        if (parser_.keep_alive() && parser_.status() != 101) {
            begin();
        } else {
            over_ = true;  // what follows is of another protocol, or of nobody
        }
    }

    void write_down(const Fields& fields) {
        for (const Field field : fields) {
            insist(pollux::http::is_token(field.name) && pollux::http::is_field_value(field.value));
            seen_.append(field.name).append(": ").append(field.value).append("\n");
        }
    }

    ResponseParser::Limits limits_;
    std::uint8_t to_head_;
    ResponseParser parser_;
    unsigned answers_ = 0;
    std::uint64_t body_bytes_ = 0;
    bool due_ = false;  // more may follow without another byte
    bool over_ = false;
    std::string seen_;
};

std::string read(Pieces pieces, const ResponseParser::Limits& limits, std::uint8_t to_head) {
    Reader reader{limits, to_head};
    while (!pieces.empty()) reader.hear(pollux::as_bytes(pieces.next()));
    reader.finish();
    return reader.seen();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{pollux::test::text_of(data, size)};
    const std::uint8_t cut = choices.byte();
    const auto to_head = static_cast<std::uint8_t>(choices.byte() & 0x0FU);
    ResponseParser::Limits limits;
    if ((choices.byte() & 1) != 0) limits = {.max_head_bytes = 64, .max_fields = 3};
    insist(read({choices.rest(), cut}, limits, to_head) == read({choices.rest(), Pieces::as_a_whole}, limits, to_head));
    return 0;
}
