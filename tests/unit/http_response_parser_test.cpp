// Answers as a client takes them: at every split, cut off at every byte, and with everything wrong in them.
#include "proto/http/response_parser.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/support.h"

namespace pollux::test {
namespace {

using namespace http;
using namespace std::string_view_literals;
using ResponseKind = ResponseParser::Event::Kind;

/// What a client would have heard of one answer.
struct Answer {
    unsigned status = 0;
    unsigned minor_version = 9;
    std::string reason{};
    std::string fields{};  // "name=value;" each
    std::string body{};
    std::string trailers{};
    std::optional<std::uint64_t> content_length{};
    bool keep_alive = false;
    bool complete = false;

    friend bool operator==(const Answer&, const Answer&) = default;
};

std::string listed(const Fields& fields) {
    std::string text;
    for (const Field field : fields) text.append(field.name).append("=").append(field.value).append(";");
    return text;
}

/// A client with one connection. Bytes that nobody wanted are counted.
class AnswerReader {
public:
    explicit AnswerReader(const ResponseParser::Limits& limits = {}, std::vector<bool> to_head = {},
                          std::string_view text = {})
        : parser_(limits), to_head_(std::move(to_head)) {
        begin();
        feed(text);
    }

    void feed(std::string_view text) {
        // A copy of its own, so that a view into it that is kept too long is found.
        const std::string input{text};
        Bytes left = as_bytes(input);
        while (!failed_) {
            const ResponseParser::Event event = parser_.next(left);
            EXPECT_LE(event.consumed, left.size());
            left = left.subspan(event.consumed);
            if (event.kind == ResponseKind::more) {
                EXPECT_TRUE(left.empty()) << "what is wanted more of was not taken";
                return;
            }
            heard(event);
        }
    }

    void end() {
        if (!failed_ && parser_.finish()) complete();
    }

    [[nodiscard]] const std::vector<Answer>& answers() const { return answers_; }
    [[nodiscard]] const Answer& answer() const { return answers_.front(); }
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] bool too_large() const { return parser_.too_large(); }
    [[nodiscard]] bool begun() const { return parser_.begun(); }
    [[nodiscard]] std::size_t complete_answers() const { return complete_; }

private:
    void begin() { parser_.begin(complete_ < to_head_.size() && to_head_[complete_]); }

    void heard(const ResponseParser::Event& event) {
        switch (event.kind) {
            case ResponseKind::head:
                answers_.push_back({.status = parser_.status(),
                                    .minor_version = parser_.minor_version(),
                                    .reason = std::string{parser_.reason()},
                                    .fields = listed(parser_.headers()),
                                    .content_length = parser_.content_length(),
                                    .keep_alive = parser_.keep_alive()});
                break;
            case ResponseKind::body:
                EXPECT_FALSE(event.body.empty());
                answers_.back().body += as_text(event.body);
                break;
            case ResponseKind::end:
                complete();
                break;
            case ResponseKind::failed:
                failed_ = true;
                break;
            case ResponseKind::more:
                break;
        }
    }

    void complete() {
        answers_.back().trailers = listed(parser_.trailers());
        answers_.back().complete = true;
        ++complete_;
        begin();
    }

    ResponseParser parser_;
    std::vector<bool> to_head_;
    std::vector<Answer> answers_;
    std::size_t complete_ = 0;
    bool failed_ = false;
};

AnswerReader read(std::string_view text, bool to_head = false, const ResponseParser::Limits& limits = {}) {
    return AnswerReader{limits, {to_head}, text};
}

TEST(HttpResponseParserTest, a_body_with_a_length) {
    const AnswerReader reader = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello");
    ASSERT_EQ(reader.complete_answers(), 1u);
    EXPECT_EQ(reader.answer(), (Answer{.status = 200,
                                       .minor_version = 1,
                                       .reason = "OK",
                                       .fields = "Content-Length=5;X-A=b;",
                                       .body = "hello",
                                       .content_length = 5,
                                       .keep_alive = true,
                                       .complete = true}));
}

TEST(HttpResponseParserTest, chunks_and_trailers) {
    const AnswerReader reader = read(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 1\r\nX-B:\r\n\r\n");
    ASSERT_EQ(reader.complete_answers(), 1u);
    EXPECT_EQ(reader.answer().body, "hello world");
    EXPECT_EQ(reader.answer().trailers, "X-Sum=1;X-B=;");
    EXPECT_TRUE(reader.answer().keep_alive);
    EXPECT_FALSE(reader.answer().content_length);
}

TEST(HttpResponseParserTest, a_body_until_the_end) {
    AnswerReader reader = read("HTTP/1.1 200 OK\r\n\r\nhello");
    EXPECT_EQ(reader.complete_answers(), 0u);
    EXPECT_FALSE(reader.answer().keep_alive);
    reader.feed(" world");
    reader.end();
    EXPECT_EQ(reader.complete_answers(), 1u);
    EXPECT_EQ(reader.answer().body, "hello world");
}

TEST(HttpResponseParserTest, answers_that_never_have_a_body) {
    for (const std::string_view status : {"204 No Content", "304 Not Modified"}) {
        const AnswerReader reader =
            read("HTTP/1.1 " + std::string{status} + "\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n");
        EXPECT_EQ(reader.complete_answers(), 1u) << status;
        EXPECT_EQ(reader.answer().body, "");
        EXPECT_TRUE(reader.answer().keep_alive);
        EXPECT_FALSE(reader.failed());
    }
    for (const std::string_view framing : {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", ""}) {
        const AnswerReader reader = read("HTTP/1.1 200 OK\r\n" + std::string{framing} + "\r\n", true);
        EXPECT_EQ(reader.complete_answers(), 1u) << "to HEAD: " << framing;
        EXPECT_TRUE(reader.answer().keep_alive) << framing;
    }
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true).answer().content_length, 5u);
}

TEST(HttpResponseParserTest, interim_answers_are_left_out) {
    const AnswerReader reader = read(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 7\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    ASSERT_EQ(reader.answers().size(), 1u);
    EXPECT_EQ(reader.answer().status, 200u);
    EXPECT_EQ(reader.answer().body, "x");
    EXPECT_TRUE(reader.answer().complete);
}

TEST(HttpResponseParserTest, switching_protocols_is_final) {
    ResponseParser parser{{}};
    parser.begin(false);
    constexpr std::string_view text =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw";
    const ResponseParser::Event event = parser.next(as_bytes(text));
    ASSERT_EQ(event.kind, ResponseKind::head);
    EXPECT_EQ(parser.status(), 101u);
    EXPECT_TRUE(parser.headers().has_token("Connection", "upgrade"));
    EXPECT_EQ(text.substr(event.consumed), "raw");
    EXPECT_EQ(parser.next(as_bytes(text.substr(event.consumed))).kind, ResponseKind::end);
}

TEST(HttpResponseParserTest, who_keeps_the_connection) {
    const std::pair<std::string_view, bool> heads[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection:\tclose\t\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive, close\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\n\r\n", false},
    };
    for (const auto& [head, keeps] : heads) EXPECT_EQ(read(head).answer().keep_alive, keeps) << head;
}

TEST(HttpResponseParserTest, reasons_may_be_missing_empty_or_odd) {
    EXPECT_EQ(read("HTTP/1.1 200\r\n\r\n").answer().reason, "");
    EXPECT_EQ(read("HTTP/1.1 200 \r\n\r\n").answer().reason, "");
    EXPECT_EQ(read("HTTP/1.1 200 Very well, thanks\r\n\r\n").answer().reason, "Very well, thanks");
    EXPECT_EQ(read("HTTP/1.1 200 \xC3\xA9\r\n\r\n").answer().reason, "\xC3\xA9");
    EXPECT_EQ(read("HTTP/1.1 999 x\r\n\r\n").answer().status, 999u);
}

constexpr std::string_view conversation =
    "HTTP/1.1 100 Continue\r\nX-Y: z\r\n\r\n"
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nset-cookie: c=d\r\n\r\nhello"
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;e=\"q\"\r\n0123456789\r\n0\r\nX-T: "
    "1\r\n\r\n"
    "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"  // to HEAD
    "HTTP/1.1 204 No Content\r\n\r\n"
    "HTTP/1.1 200 OK\r\nX-Last: 1\r\n\r\nuntil the end";

const std::vector<bool> conversation_heads{false, false, true};

std::vector<Answer> whole_conversation() {
    AnswerReader reader{{}, conversation_heads};
    reader.feed(conversation);
    reader.end();
    EXPECT_EQ(reader.complete_answers(), 5u);
    EXPECT_FALSE(reader.failed());
    return reader.answers();
}

TEST(HttpResponseParserTest, pipelined_answers_split_anywhere) {
    const std::vector<Answer> whole = whole_conversation();
    for (std::size_t first = 0; first <= conversation.size(); ++first) {
        AnswerReader reader{{}, conversation_heads};
        reader.feed(conversation.substr(0, first));
        reader.feed(conversation.substr(first));
        reader.end();
        ASSERT_EQ(reader.answers(), whole) << "split at " << first;
    }
    AnswerReader bytewise{{}, conversation_heads};
    for (const char byte : conversation) bytewise.feed({&byte, 1});
    bytewise.end();
    EXPECT_EQ(bytewise.answers(), whole);
    Random random{11};
    for (std::size_t round = 0; round < scaled(2000); ++round) {
        AnswerReader reader{{}, conversation_heads};
        for (std::string_view left = conversation; !left.empty();) {
            const std::size_t size = 1 + random.size_up_to(40);
            reader.feed(left.substr(0, size));
            left.remove_prefix(std::min(size, left.size()));
        }
        reader.end();
        ASSERT_EQ(reader.answers(), whole) << "round " << round;
    }
}

TEST(HttpResponseParserTest, cut_off_anywhere_it_is_never_complete) {
    for (const std::string_view text :
         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"sv,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"sv}) {
        for (std::size_t size = 0; size < text.size(); ++size) {
            AnswerReader reader = read(text.substr(0, size));
            reader.end();
            EXPECT_EQ(reader.complete_answers(), 0u) << text.substr(0, size);
            EXPECT_EQ(reader.begun(), size != 0);
        }
    }
}

TEST(HttpResponseParserTest, what_is_no_answer) {
    for (const std::string_view text : {
             "HTTP/2.0 200 OK\r\n\r\n"sv,
             "HTTP/1.2 200 OK\r\n\r\n"sv,
             "HTTP/0.9 200 OK\r\n\r\n"sv,
             "http/1.1 200 OK\r\n\r\n"sv,
             "HTTP/1.1  200 OK\r\n\r\n"sv,
             "HTTP/1.1 20 OK\r\n\r\n"sv,
             "HTTP/1.1 2000 OK\r\n\r\n"sv,
             "HTTP/1.1 099 OK\r\n\r\n"sv,
             "HTTP/1.1 +20 OK\r\n\r\n"sv,
             "HTTP/1.1 200OK\r\n\r\n"sv,
             "HTTP/1.1\r\n\r\n"sv,
             "GET / HTTP/1.1\r\n\r\n"sv,
             "ICY 200 OK\r\n\r\n"sv,
             "\r\nHTTP/1.1 200 OK\r\n\r\n"sv,
             "HTTP/1.1 200 OK\n\n"sv,
             "HTTP/1.1 200 OK\r\nA: b\n\r\n"sv,
             "HTTP/1.1 200 O\0K\r\n\r\n"sv,
             "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"sv,
             "HTTP/1.1 200 OK\r\nA : b\r\n\r\n"sv,
             "HTTP/1.1 200 OK\r\n: b\r\n\r\n"sv,
             "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"sv,
             "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"sv,
             "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n"sv,
         }) {
        EXPECT_TRUE(read(text).failed()) << testing::PrintToString(text);
        EXPECT_FALSE(read(text).too_large()) << testing::PrintToString(text);
    }
}

/// What one reader takes for the end of a body, and another one does not, lets an answer be smuggled in.
TEST(HttpResponseParserTest, ambiguous_framing) {
    for (const std::string_view fields : {
             "Content-Length: 5\r\nContent-Length: 6\r\n",
             "Content-Length: 5\r\nContent-Length: 5\r\n",
             "Content-Length: 5, 5\r\n",
             "Content-Length: +5\r\n",
             "Content-Length: -5\r\n",
             "Content-Length: 0x5\r\n",
             "Content-Length: 5 5\r\n",
             "Content-Length: \r\n",
             "Content-Length: 99999999999999999999\r\n",
             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
             "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
             "Transfer-Encoding: gzip, chunked\r\n",
             "Transfer-Encoding: gzip\r\n",
             "Transfer-Encoding: chunked, identity\r\n",
             "Transfer-Encoding: xchunked\r\n",
             "Transfer-Encoding:\r\n",
         }) {
        const AnswerReader reader = read("HTTP/1.1 200 OK\r\n" + std::string{fields} + "\r\nhello");
        EXPECT_TRUE(reader.failed()) << fields;
    }
    EXPECT_TRUE(read("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").failed());
}

TEST(HttpResponseParserTest, bad_chunks) {
    for (const std::string_view body :
         {"x\r\n"sv, "-5\r\nhello\r\n"sv, "+5\r\nhello\r\n"sv, "0x5\r\nhello\r\n"sv, "5_0\r\n"sv,
          "fffffffffffffffff\r\n"sv, "5\nhello\r\n"sv, "5\r\nhelloX\r\n"sv, "5\r\nhello\n0\r\n\r\n"sv, "\r\n"sv,
          "0\r\nA b\r\n\r\n"sv, "0\r\nA: b\n\r\n"sv, "5;\n\r\nhello\r\n"sv}) {
        const AnswerReader reader = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string{body});
        EXPECT_TRUE(reader.failed()) << testing::PrintToString(body);
    }
}

TEST(HttpResponseParserTest, heads_have_a_limit_however_they_come) {
    constexpr std::string_view line = "HTTP/1.1 200 OK\r\n";
    const std::string head = std::string{line} + "A: " + std::string(75, 'x') + "\r\n\r\n";
    for (const std::size_t size : {head.size() - 1, head.size()}) {
        const ResponseParser::Limits limits{.max_head_bytes = size};
        const bool fits = size == head.size();
        const AnswerReader whole = read(head, true, limits);
        EXPECT_EQ(whole.complete_answers(), fits ? 1u : 0u);
        EXPECT_EQ(whole.too_large(), !fits);
        AnswerReader bytewise{limits, {true}};
        for (const char byte : head) bytewise.feed({&byte, 1});
        EXPECT_EQ(bytewise.complete_answers(), fits ? 1u : 0u);
        EXPECT_EQ(bytewise.too_large(), !fits);
    }
    AnswerReader endless{{.max_head_bytes = 100}};
    endless.feed(std::string{line} + std::string(1000, 'x'));
    EXPECT_TRUE(endless.too_large());
    AnswerReader interim{{.max_head_bytes = 100}};
    for (int i = 0; i < 1000; ++i) interim.feed("HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_FALSE(interim.failed()) << "each head has the limit";
}

TEST(HttpResponseParserTest, fields_and_trailers_have_limits) {
    const auto fields = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += "A: b\r\n";
        return text;
    };
    const ResponseParser::Limits limits{.max_head_bytes = 300, .max_fields = 10};
    EXPECT_EQ(read("HTTP/1.1 204 x\r\n" + fields(10) + "\r\n", false, limits).complete_answers(), 1u);
    EXPECT_TRUE(read("HTTP/1.1 204 x\r\n" + fields(11) + "\r\n", false, limits).too_large());
    const std::string chunked = "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    EXPECT_EQ(read(chunked + fields(10) + "\r\n", false, limits).complete_answers(), 1u);
    EXPECT_TRUE(read(chunked + fields(11) + "\r\n", false, limits).too_large());
    for (const std::string_view end : {"", "\r\n\r\n"}) {
        AnswerReader large{limits};
        large.feed(chunked);
        for (int i = 0; i < 40; ++i) large.feed("X: 89012345");
        large.feed(end);
        EXPECT_TRUE(large.too_large());
    }
}

}  // namespace
}  // namespace pollux::test
