// Heads of requests: how they are written, and what is refused before.
#include "proto/http/request_head.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "proto/http/head_scanner.h"
#include "proto/http/request_parser.h"

namespace pollux::test {
namespace {

using namespace http;
using namespace std::string_view_literals;

TEST(HttpRequestHeadTest, is_written_line_by_line) {
    std::string out = "before|";
    RequestHeadWriter writer{out, "POST", "/a?b", "example.org:81"};
    writer.field("Accept", "*/*");
    writer.field("X-Empty", "");
    writer.content_length(0);
    writer.finish();
    EXPECT_EQ(out,
              "before|POST /a?b HTTP/1.1\r\nHost: example.org:81\r\nAccept: */*\r\nX-Empty: \r\nContent-Length: 0\r\n"
              "\r\n");
}

TEST(HttpRequestHeadTest, says_how_long_the_body_is) {
    std::string sized;
    RequestHeadWriter{sized, "PUT", "/", "a"}.content_length(18446744073709551615U);
    EXPECT_NE(sized.find("\r\nContent-Length: 18446744073709551615\r\n"), std::string::npos);
    std::string chunked;
    RequestHeadWriter{chunked, "PUT", "/", "a"}.chunked();
    EXPECT_NE(chunked.find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos);
}

TEST(HttpRequestHeadTest, asks_for_another_protocol) {
    std::string out;
    RequestHeadWriter{out, "GET", "/", "a"}.upgrade("websocket");
    EXPECT_NE(out.find("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), std::string::npos);
}

TEST(HttpRequestHeadTest, is_one_for_our_own_server) {
    std::string out;
    RequestHeadWriter writer{out, "OPTIONS", "*", "[::1]:8080"};
    writer.chunked();
    writer.finish();
    HeadScanner scanner;
    ASSERT_EQ(scanner.scan(out), HeadScanner::Outcome::complete);
    ASSERT_EQ(scanner.size(), out.size());
    RequestParser parser;
    RequestHead head;
    const Refusal refusal = parser.parse(out, scanner.first_line(), {}, head);
    EXPECT_FALSE(refusal) << refusal.why;
    EXPECT_EQ(head.target, "*");
    EXPECT_EQ(head.authority, "[::1]:8080");
    EXPECT_TRUE(parser.message().chunked());
}

TEST(HttpRequestHeadTest, methods_are_tokens_and_not_connect) {
    for (const std::string_view method : {"GET"sv, "PROPFIND"sv, "get"sv, "M-SEARCH"sv, "CONNECTED"sv}) {
        EXPECT_TRUE(is_request_method(method)) << method;
    }
    for (const std::string_view method : {""sv, "CONNECT"sv, "GET "sv, "G T"sv, "GET\r\n"sv, "GET\0"sv, "G:T"sv}) {
        EXPECT_FALSE(is_request_method(method)) << testing::PrintToString(method);
    }
}

TEST(HttpRequestHeadTest, nothing_can_end_a_line) {
    for (const std::string_view value : {""sv, "text"sv, "with\ttab"sv, "\xC3\xA9"sv}) {
        EXPECT_TRUE(is_request_field({"X-Field", value}));
    }
    for (const std::string_view value : {"\r"sv, "\n"sv, "a\r\nX: y"sv, "\0"sv, "\x7F"sv, "\x1B"sv}) {
        EXPECT_FALSE(is_request_field({"X-Field", value})) << testing::PrintToString(value);
    }
    for (const std::string_view name : {""sv, "X Y"sv, "X:"sv, "X\r\n"sv, "X\0"sv, "\xC3\xA9"sv, " X"sv}) {
        EXPECT_FALSE(is_request_field({name, "value"})) << testing::PrintToString(name);
    }
}

TEST(HttpRequestHeadTest, framing_is_nobody_elses_business) {
    for (const std::string_view name : {"Content-Length", "content-length", "Transfer-Encoding", "CONNECTION",
                                        "Keep-Alive", "Proxy-Connection", "Upgrade", "TE", "Trailer"}) {
        EXPECT_FALSE(is_request_field({name, "x"})) << name;
        EXPECT_FALSE(is_request_trailer({name, "x"})) << name;
    }
    EXPECT_TRUE(is_request_field({"Host", "x"}));
    EXPECT_FALSE(is_request_trailer({"Host", "x"}));
    EXPECT_TRUE(is_request_field({"Authorization", "x"}));
    EXPECT_FALSE(is_request_trailer({"Authorization", "x"}));
    EXPECT_TRUE(is_request_trailer({"X-Sum", "x"}));
    EXPECT_FALSE(is_request_trailer({"X-Sum", "\n"}));
}

TEST(HttpRequestHeadTest, chunks) {
    std::string out;
    append_chunk(out, as_bytes("hello"));
    append_chunk(out, as_bytes(std::string(255, 'x')));
    append_last_chunk(out, {});
    EXPECT_EQ(out, "5\r\nhello\r\nff\r\n" + std::string(255, 'x') + "\r\n0\r\n\r\n");

    std::string end;
    const Field trailers[] = {{"X-A", "1"}, {"X-B", ""}};
    append_last_chunk(end, trailers);
    EXPECT_EQ(end, "0\r\nX-A: 1\r\nX-B: \r\n\r\n");
}

}  // namespace
}  // namespace pollux::test
