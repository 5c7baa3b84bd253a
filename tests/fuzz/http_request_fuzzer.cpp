// Fuzzes what a server makes of a client's bytes: pipelined requests with their bodies mean the same however they are
// cut, and what is accepted keeps every promise that handlers rely on. The input: how it is cut, whether limits are
// small, the bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/support.h"
#include "proto/http/characters.h"
#include "proto/http/head_scanner.h"
#include "proto/http/request_parser.h"

namespace {

using pollux::Bytes;
using pollux::http::Field;
using pollux::http::Fields;
using pollux::http::HeadScanner;
using pollux::http::MessageParser;
using pollux::http::Refusal;
using pollux::http::RequestHead;
using pollux::http::RequestParser;
using pollux::test::Choices;
using pollux::test::ExactBytes;
using pollux::test::insist;
using pollux::test::Pieces;

// What is promised of a request that was accepted.

bool lies_in(std::string_view part, std::string_view all) {
    return part.empty() || (part.data() >= all.data() && part.data() + part.size() <= all.data() + all.size());
}

void check_fields(const Fields& fields, std::string_view lines) {
    for (const Field field : fields) {
        insist(lies_in(field.name, lines) && lies_in(field.value, lines));
        insist(pollux::http::is_token(field.name) && pollux::http::is_field_value(field.value));
        insist(pollux::http::trim(field.value) == field.value);
    }
    // No line is lost, and none is made up: one for each field, and the empty one.
    const auto line_ends = std::count(lines.begin(), lines.end(), '\n');
    insist(static_cast<std::size_t>(line_ends) == fields.size() + 1);
    insist(std::count(lines.begin(), lines.end(), '\r') == line_ends);
}

void check_target(const RequestHead& head) {
    insist(!head.target.empty() && pollux::http::is_token(head.method_name));
    insist(std::all_of(head.target.begin(), head.target.end(), [](char c) { return c > ' ' && c < '\x7F'; }));
    insist(head.path.starts_with('/') || (head.path == "*" && head.method == pollux::http::Method::options));
    insist(head.path.find('?') == std::string_view::npos);
}

/// There is one way to tell where the request ends, and it is the one that was taken.
void check_framing(const Fields& fields, const RequestHead& head, const MessageParser& message) {
    const std::size_t hosts = fields.count("Host");
    insist(hosts == 1 || (hosts == 0 && head.minor_version == 0));
    insist(hosts == 0 || pollux::http::is_host(*fields.find("Host")));
    insist(hosts == 0 || pollux::http::is_host(head.authority));

    const std::size_t lengths = fields.count("Content-Length");
    const std::size_t codings = fields.count("Transfer-Encoding");
    insist(lengths + codings <= 1);
    insist(message.chunked() == (codings == 1));
    insist(message.content_length().has_value() == (lengths == 1));
    if (codings == 1) insist(pollux::http::same_name(*fields.find("Transfer-Encoding"), "chunked"));
    if (lengths == 1) {
        std::string_view digits = *fields.find("Content-Length");
        digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
        insist(digits == std::to_string(*message.content_length()));
    }
}

/// Reads requests one after the other, as a session does, and writes down what it sees.
class Reader {
public:
    explicit Reader(const MessageParser::Limits& limits) : limits_(limits) {}

    void hear(Bytes piece) {
        const ExactBytes input = pollux::test::exactly(rest_, piece);
        std::size_t used = 0;
        for (Step step{0, true}; step.go_on && state_ != State::refused; used += step.consumed) {
            const Bytes rest = Bytes{input}.subspan(used);
            step = state_ == State::head ? read_head(rest) : read_body(rest);
            insist(step.consumed <= rest.size());
        }
        rest_ = pollux::test::exactly(Bytes{input}.subspan(used));
    }

    /// Everything that was seen. Whether a limit or a mistake is met first may depend on how the bytes are cut.
    [[nodiscard]] const std::string& seen() const { return seen_; }

private:
    enum class State { head, body, refused };

    struct Step {
        std::size_t consumed = 0;
        bool go_on = false;
    };

    Step read_head(Bytes input) {
        if (input.empty()) return {};
        const std::string_view text = pollux::as_text(input);
        switch (scanner_.scan(text)) {
            case HeadScanner::Outcome::complete:
                break;
            case HeadScanner::Outcome::incomplete:
                insist(scanner_.size() <= text.size());
                return {};
            default:
                return refuse();
        }
        const std::size_t size = scanner_.size();
        const std::size_t first_line = scanner_.first_line();
        insist(first_line <= size && size <= text.size() && text.substr(0, size).ends_with("\r\n"));
        scanner_.reset();
        return begin(pollux::test::exactly(input.first(size)), first_line);
    }

    /// The head is in memory of its own, where it ends with its last byte.
    Step begin(const ExactBytes& bytes, std::size_t first_line) {
        const std::string_view text = pollux::as_text(bytes);
        RequestHead head;
        if (const Refusal refusal = parser_.parse(text, first_line, limits_, head)) {
            insist(refusal.status >= 400 && refusal.status <= 599 && *refusal.why != '\0');
            return refuse();
        }
        const Fields fields{text.data(), parser_.message().fields()};
        insist(fields.size() <= limits_.max_fields);
        check_fields(fields, text.substr(first_line));
        check_target(head);
        check_framing(fields, head, parser_.message());
        write_down(head, fields);
        body_bytes_ = 0;
        if (parser_.message().complete()) {
            end();
        } else {
            state_ = State::body;
        }
        return {bytes.size(), true};
    }

    Step read_body(Bytes input) {
        const MessageParser::Event event = parser_.next(input);
        switch (event.kind) {
            case MessageParser::Event::Kind::more:
                return {event.consumed, false};
            case MessageParser::Event::Kind::body:
                insist(!event.body.empty() && lies_in(pollux::as_text(event.body), pollux::as_text(input)));
                body_bytes_ += event.body.size();
                seen_ += pollux::as_text(event.body);
                return {event.consumed, true};
            case MessageParser::Event::Kind::end:
                end();
                return {event.consumed, true};
            case MessageParser::Event::Kind::failed:
                break;
        }
        insist(parser_.body_refusal().status == 400 || parser_.body_refusal().status == 431);
        return refuse();
    }

    void end() {
        insist(parser_.message().complete());
        insist(parser_.message().chunked() || body_bytes_ == parser_.message().content_length().value_or(0));
        const Fields trailers = parser_.message().trailers();
        insist(trailers.size() <= limits_.max_fields);
        for (const std::string_view name : {"Host", "Content-Length", "Transfer-Encoding"}) {
            insist(!trailers.contains(name));
        }
        seen_ += "\nend\n";
        write_down(trailers);
        state_ = State::head;
    }

    Step refuse() {
        state_ = State::refused;
        seen_ += "\nrefused\n";
        return {};
    }

    void write_down(const RequestHead& head, const Fields& fields) {
        for (const std::string_view part : {head.method_name, head.path, head.query, head.authority}) {
            seen_.append(part).append(" ");
        }
        seen_ += parser_.message().keep_alive() ? "keep-alive " : "close ";
        seen_ += head.expects_continue ? "continue\n" : "\n";
        write_down(fields);
    }

    void write_down(const Fields& fields) {
        for (const Field field : fields) seen_.append(field.name).append(": ").append(field.value).append("\n");
    }

    MessageParser::Limits limits_;
    HeadScanner scanner_;
    RequestParser parser_;
    State state_ = State::head;
    ExactBytes rest_;
    std::uint64_t body_bytes_ = 0;
    std::string seen_;
};

std::string read(Pieces pieces, const MessageParser::Limits& limits) {
    Reader reader{limits};
    while (!pieces.empty()) reader.hear(pollux::as_bytes(pieces.next()));
    return reader.seen();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{pollux::test::text_of(data, size)};
    const std::uint8_t cut = choices.byte();
    MessageParser::Limits limits;
    if ((choices.byte() & 1) != 0) limits = {.max_fields = 3, .max_trailer_bytes = 32};
    insist(read({choices.rest(), cut}, limits) == read({choices.rest(), Pieces::as_a_whole}, limits));
    return 0;
}
