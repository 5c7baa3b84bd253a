// Messages pulled out of their parser: the same whatever pieces they come in, and within their limits.
#include "proto/http/message_parser.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/support.h"

namespace pollux::test {
namespace {

using http::Field;
using http::MessageParser;
using Direction = MessageParser::Direction;
using Failure = MessageParser::Failure;
using Kind = MessageParser::Event::Kind;

/// All that a message gave.
struct Transcript {
    std::string body{};
    std::string trailers{};
    std::size_t consumed = 0;  // behind the head
    bool ended = false;
    Failure failure = Failure::none;

    friend bool operator==(const Transcript&, const Transcript&) = default;
};

void PrintTo(const Transcript& transcript, std::ostream* out) {
    *out << testing::PrintToString(transcript.body) << ' ' << testing::PrintToString(transcript.trailers) << ' '
         << transcript.consumed << (transcript.ended ? " ended" : " goes on") << ", failure "
         << static_cast<int>(transcript.failure);
}

/// Pulls what there is out of `waiting`, each time from memory that ends where the input does; nothing is null.
void pull(MessageParser& parser, std::string& waiting, Transcript& transcript) {
    for (;;) {
        const std::string exact{waiting};
        const MessageParser::Event event = parser.next(exact.empty() ? Bytes{} : as_bytes(exact));
        transcript.body += as_text(event.body);
        transcript.consumed += event.consumed;
        waiting.erase(0, event.consumed);
        if (event.kind == Kind::body) continue;
        transcript.ended = event.kind == Kind::end;
        if (event.kind == Kind::failed) transcript.failure = parser.failure();
        if (event.kind != Kind::end) return;
        for (const Field field : parser.trailers()) {
            transcript.trailers.append(field.name).append("=").append(field.value).append(";");
        }
        return;
    }
}

/// Parses what follows a head: as it comes in pieces of `step` bytes, after a first one of `cut` bytes.
Transcript parse_body(MessageParser& parser, std::string_view text, std::size_t cut, std::size_t step) {
    Transcript transcript;
    std::string waiting{text.substr(0, cut)};
    for (text.remove_prefix(cut);; text.remove_prefix(std::min(step, text.size()))) {
        pull(parser, waiting, transcript);
        if (transcript.ended || transcript.failure != Failure::none || text.empty()) return transcript;
        waiting += text.substr(0, step);
    }
}

constexpr std::string_view chunked_head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view sized_head = "POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\n";

/// The same however the text is cut.
Transcript parse_everyhow(std::string_view head, std::string_view text, MessageParser::Limits limits = {},
                          Direction direction = Direction::request) {
    MessageParser parser{direction};
    EXPECT_TRUE(parser.parse_head(head, limits)) << parser.reason();
    const Transcript whole = parse_body(parser, text, text.size(), 1);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{3}, text.size()}) {
            EXPECT_TRUE(parser.parse_head(head, limits));
            const Transcript cut_up = parse_body(parser, text, cut, std::max<std::size_t>(step, 1));
            // Where a message turns bad, more of its body may have been given before.
            if (whole.failure == Failure::none) {
                EXPECT_EQ(cut_up, whole) << "cut at " << cut << ", then by " << step;
            }
            EXPECT_EQ(cut_up.failure, whole.failure) << "cut at " << cut << ", then by " << step;
            EXPECT_FALSE(cut_up.ended && cut_up.failure != Failure::none);
        }
    }
    return whole;
}

TEST(HttpMessageParserTest, gives_the_same_events_at_every_cut) {
    const std::string_view next = "GET /next HTTP/1.1\r\n\r\n";
    const auto behind = [&](std::string_view text) { return std::string{text}.append(next); };
    EXPECT_EQ(parse_everyhow("GET / HTTP/1.1\r\n\r\n", next), (Transcript{.ended = true}));
    EXPECT_EQ(parse_everyhow(sized_head, behind("hello\r\nworld")),
              (Transcript{.body = "hello\r\nworld", .consumed = 12, .ended = true}));
    EXPECT_EQ(parse_everyhow(chunked_head, behind("0\r\n\r\n")), (Transcript{.consumed = 5, .ended = true}));
    const std::string_view chunks =
        "5;a;b=\"c d\"\r\nhello\r\n00A\r\n0123456789\r\n0;x=y\r\nA: b\r\nEmpty:\r\nC:  d e \r\n\r\n";
    EXPECT_EQ(
        parse_everyhow(chunked_head, behind(chunks)),
        (Transcript{
            .body = "hello0123456789", .trailers = "A=b;Empty=;C=d e;", .consumed = chunks.size(), .ended = true}));
}

TEST(HttpMessageParserTest, a_message_that_is_cut_off_goes_on) {
    const std::string_view chunks = "5;a\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for (std::size_t size = 0; size < chunks.size(); ++size) {
        const Transcript transcript = parse_everyhow(chunked_head, chunks.substr(0, size));
        ASSERT_FALSE(transcript.ended) << size;
        ASSERT_EQ(transcript.failure, Failure::none) << size;
        MessageParser parser{Direction::request};
        ASSERT_TRUE(parser.parse_head(chunked_head, {}));
        static_cast<void>(parse_body(parser, chunks.substr(0, size), 0, 1));
        ASSERT_FALSE(parser.finish()) << "the end of the connection completes no request";
    }
}

TEST(HttpMessageParserTest, a_large_body_is_not_collected) {
    MessageParser parser{Direction::request};
    ASSERT_TRUE(parser.parse_head("POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n", {}));
    EXPECT_EQ(parser.content_length(), UINT64_MAX);
    const std::string part = pattern(0, 100'000);
    for (int round = 0; round < 10; ++round) {
        const MessageParser::Event event = parser.next(as_bytes(part));
        ASSERT_EQ(event.kind, Kind::body);
        EXPECT_EQ(event.consumed, part.size());
        EXPECT_EQ(as_text(event.body).data(), part.data());
        EXPECT_EQ(event.body.size(), part.size());
    }
    EXPECT_FALSE(parser.complete());
}

TEST(HttpMessageParserTest, complete_and_failed_messages_stay_so) {
    MessageParser parser{Direction::request};
    ASSERT_TRUE(parser.parse_head("GET / HTTP/1.1\r\n\r\n", {}));
    for (int again = 0; again < 3; ++again) {
        const MessageParser::Event event = parser.next(as_bytes("more"));
        EXPECT_EQ(event.kind, Kind::end);
        EXPECT_EQ(event.consumed, 0u);
    }
    ASSERT_TRUE(parser.parse_head(chunked_head, {}));
    for (int again = 0; again < 3; ++again) EXPECT_EQ(parser.next(as_bytes("x\r\n")).kind, Kind::failed);
    EXPECT_STRNE(parser.reason(), "");
    EXPECT_FALSE(parser.parse_head("GET / HTTP/1.1\r\nA b\r\n\r\n", {}));
    EXPECT_EQ(parser.failure(), Failure::bad_message);
    EXPECT_TRUE(parser.parse_head("GET / HTTP/1.1\r\n\r\n", {})) << "a new message begins anew";
}

TEST(HttpMessageParserTest, counts_fields_and_trailers) {
    const MessageParser::Limits limits{.max_fields = 3};
    MessageParser parser{Direction::request};
    EXPECT_TRUE(parser.parse_head("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC:\r\n\r\n", limits));
    EXPECT_EQ(parser.fields().size(), 3u);
    EXPECT_FALSE(parser.parse_head("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC:\r\nD: 4\r\n\r\n", limits));
    EXPECT_EQ(parser.failure(), Failure::too_many_fields);
    EXPECT_TRUE(parse_everyhow(chunked_head, "0\r\nA: 1\r\nB: 2\r\nC:\r\n\r\n", limits).ended);
    EXPECT_EQ(parse_everyhow(chunked_head, "0\r\nA: 1\r\nB: 2\r\nC:\r\nD: 4\r\n\r\n", limits).failure,
              Failure::too_many_fields);
}

TEST(HttpMessageParserTest, bounds_what_nobody_reads) {
    const MessageParser::Limits limits{.max_trailer_bytes = 10};
    EXPECT_TRUE(parse_everyhow(chunked_head, "0\r\nA: 123\r\n\r\n", limits).ended);
    EXPECT_EQ(parse_everyhow(chunked_head, "0\r\nA: 1234\r\n\r\n", limits).failure, Failure::trailers_too_large);
    EXPECT_EQ(parse_everyhow(chunked_head, "0\r\nA: 123456789012345", limits).failure, Failure::trailers_too_large);

    MessageParser parser{Direction::request};
    ASSERT_TRUE(parser.parse_head(chunked_head, {}));
    const std::string chunk = "1;" + std::string(1000, 'e') + "\r\nx\r\n";
    std::string all;
    for (int i = 0; i < 4; ++i) all += chunk;
    EXPECT_EQ(parse_body(parser, all, 0, 100).failure, Failure::none);
    EXPECT_EQ(parse_body(parser, chunk, 0, 100).failure, Failure::bad_message) << "extensions count over all chunks";
}

TEST(HttpMessageParserTest, asking_for_more_without_bytes_changes_nothing) {
    MessageParser parser{Direction::request};
    for (const std::string_view fields : {"Content-Length: 6\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"}) {
        ASSERT_TRUE(parser.parse_head(std::string{"POST / HTTP/1.1\r\n"}.append(fields), {}));
        const bool chunked = parser.chunked();
        std::string body;
        for (const std::string_view piece :
             {chunked ? "3\r\nabc" : "abc", chunked ? "\r\n3\r\ndef\r\n0\r\n\r\n" : "def"}) {
            for (std::string_view rest = piece; !rest.empty();) {
                const MessageParser::Event event = parser.next(as_bytes(rest));
                ASSERT_NE(event.kind, Kind::failed);
                body += as_text(event.body);
                rest.remove_prefix(event.consumed);
                EXPECT_NE(parser.next({}).kind, Kind::failed);
            }
        }
        EXPECT_EQ(body, "abcdef");
        EXPECT_EQ(parser.next({}).kind, Kind::end);
    }
}

TEST(HttpMessageParserTest, a_request_to_upgrade_is_complete_like_any_other) {
    MessageParser parser{Direction::request};
    for (const std::string_view fields : {"Connection: Upgrade\r\nUpgrade: websocket\r\n",
                                          "Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n"}) {
        ASSERT_TRUE(parser.parse_head(std::string{"GET / HTTP/1.1\r\n"}.append(fields).append("\r\n"), {}));
        EXPECT_TRUE(parser.complete()) << "what follows is for whoever takes the connection over";
        EXPECT_EQ(parser.content_length(), std::nullopt);
    }
}

TEST(HttpMessageParserTest, responses_end_as_theirs_say) {
    const auto end = [](std::string_view head, std::string_view body) {
        const Transcript transcript = parse_everyhow(head, body, {}, Direction::response);
        EXPECT_EQ(transcript.failure, Failure::none) << head;
        return transcript;
    };
    const std::string_view sized = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    EXPECT_EQ(end(sized, "abcHTTP"), (Transcript{.body = "abc", .consumed = 3, .ended = true}));
    EXPECT_EQ(end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n0\r\nT: u\r\n\r\n"),
              (Transcript{.body = "a", .trailers = "T=u;", .consumed = 17, .ended = true}));
    for (const std::string_view status : {"100", "103", "204", "304"}) {
        const std::string head = "HTTP/1.1 " + std::string{status} + " X\r\n\r\n";
        EXPECT_EQ(end(head, "HTTP"), (Transcript{.ended = true})) << status;
    }
    EXPECT_EQ(end("HTTP/1.1 200 OK\r\n\r\n", "until the end"), (Transcript{.body = "until the end", .consumed = 13}));

    MessageParser parser{Direction::response};
    ASSERT_TRUE(parser.parse_head(sized, {}, MessageParser::Body::none));
    EXPECT_EQ(parser.next(as_bytes("HTTP")).kind, Kind::end) << "an answer to HEAD";
    EXPECT_EQ(parser.content_length(), 3u);
    ASSERT_TRUE(parser.parse_head("HTTP/1.0 200 OK\r\n\r\n", {}));
    EXPECT_EQ(parser.next(as_bytes("abc")).kind, Kind::body);
    EXPECT_TRUE(parser.finish()) << "the end of the connection is the end of such a body";
    EXPECT_TRUE(parser.complete());
    ASSERT_TRUE(parser.parse_head(sized, {}));
    EXPECT_EQ(parser.next(as_bytes("ab")).kind, Kind::body);
    EXPECT_FALSE(parser.finish());
    EXPECT_FALSE(parser.complete());
}

}  // namespace
}  // namespace pollux::test
