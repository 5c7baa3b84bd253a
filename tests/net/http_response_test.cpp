// Answers that are given at once: what they say, what they refuse to say, and every kind of body.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "common/temporary_folder.h"
#include "net/http_support.h"
#include "proto/http/date.h"

namespace pollux::test {
namespace {

using http::Cookie;
using http::Request;
using http::Response;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// So small that the kernel cannot swallow a large answer.

/// A way to give a whole body of the pattern.
struct Way {
    std::string_view name;
    std::function<void(Response&, std::size_t size)> answer;
    bool has_length = true;
};

/// Writes all of it, whatever waits: what is refused is written again when there is room.
class Writer final : public http::Stream {
public:
    explicit Writer(std::size_t size) : size_(size) {}

    void on_drain(Response& response) override {
        while (written_ < size_) {
            const std::size_t part = std::min(size_ - written_, std::size_t{50'000});
            const Result result = response.write(pattern(written_, part));
            if (result == Result::would_block) return;
            ASSERT_EQ(result, Result::ok);
            written_ += part;
        }
        EXPECT_EQ(response.end(), Result::ok);
    }

private:
    std::size_t size_;
    std::size_t written_ = 0;
};

void write_all(Response& response, std::size_t size, std::optional<std::uint64_t> length) {
    EXPECT_EQ(response.begin(length), Result::ok);
    auto writer = std::make_unique<Writer>(size);
    Writer& now = *writer;
    response.attach(std::move(writer));
    now.on_drain(response);
}

/// All of them. `folder` has a file "file" of the pattern, from its byte 10 on.
std::vector<Way> every_way(const TemporaryFolder& folder) {
    return {
        {"a span", [](Response& response,
                      std::size_t size) { EXPECT_EQ(response.send(as_bytes(pattern(0, size))), Result::ok); }},
        {"a string",
         [](Response& response, std::size_t size) { EXPECT_EQ(response.send(pattern(0, size)), Result::ok); }},
        {"a shared string",
         [](Response& response, std::size_t size) {
             EXPECT_EQ(response.send(std::make_shared<const std::string>(pattern(0, size))), Result::ok);
         }},
        {"a file",
         [&folder](Response& response, std::size_t size) {
             std::error_code error;
             EXPECT_EQ(response.send_file(folder / "file", error, 10, size), Result::ok);
             EXPECT_FALSE(error) << error.message();
         }},
        {"parts of a known length", [](Response& response, std::size_t size) { write_all(response, size, size); }},
        {"chunks", [](Response& response, std::size_t size) { write_all(response, size, {}); }, false},
    };
}

/// Answers in the way and with the size that the target tells, "/3/100".
std::function<void(const Request&, Response&)> answer_in(const std::vector<Way>& ways, unsigned status = 200) {
    return [&ways, status](const Request& request, Response& response) {
        const std::string target{request.target()};
        const std::size_t way = std::stoul(target.substr(1));
        response.status(status);
        ways[way].answer(response, std::stoul(target.substr(target.rfind('/') + 1)));
    };
}

std::string target_of(std::size_t way, std::size_t size) {
    return "/" + std::to_string(way) + "/" + std::to_string(size);
}

class HttpResponseTest : public HttpTest {
protected:
    /// A server whose only handler answers like this, and what it answers to a GET.
    Answer answer_of(std::function<void(const Request&, Response&)> on_request) {
        serve({.on_request = std::move(on_request)});
        return connect().get("/");
    }

    TemporaryFolder folder;
};

class HttpResponseWireTest : public HttpWireTest {
protected:
    TemporaryFolder folder;
};

INSTANTIATE_TEST_SUITE_P(Net, HttpResponseWireTest, every_wire, wire_name);

TEST_F(HttpResponseTest, the_status_is_between_200_and_999) {
    serve({.on_request = [](const Request& request, Response& response) {
        response.status(static_cast<unsigned>(std::stoul(std::string{request.target().substr(1)})));
        response.send();
    }});
    HttpPeer peer = connect();
    for (const unsigned status : {200u, 201u, 206u, 299u, 301u, 404u, 418u, 500u, 599u, 999u}) {
        const Answer answer = peer.get("/" + std::to_string(status));
        EXPECT_EQ(answer.status, status);
        EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 " + std::to_string(status) + " " +
                                            std::string{http::reason_phrase(status)} + "\r\n"));
    }
    for (const unsigned status : {0u, 1u, 99u, 100u, 101u, 199u, 1000u, 4'000'000'000u}) {
        EXPECT_EQ(peer.get("/" + std::to_string(status)).status, 500u) << status;
    }
}

TEST_F(HttpResponseTest, fields_that_would_break_the_answer_are_refused) {
    const Answer answer = answer_of([](const Request&, Response& response) {
        for (const std::string_view name :
             {"", "A B", "A:", "A\r\nB", "A\n", "\x01", "A\x7F", "caf\xC3\xA9", "(A)", "A "}) {
            EXPECT_FALSE(response.header(name, "value")) << name;
        }
        using namespace std::string_view_literals;
        for (const std::string_view value : {"a\r\nB: c"sv, "a\rb"sv, "a\nb"sv, "\r"sv, "a\n"sv, "a\0b"sv, "a\x1F"sv,
                                             "\x7F"sv, "0123456789abcdef\x01"sv, "\r\n\r\n<html>"sv}) {
            EXPECT_FALSE(response.header("X-Value", value)) << value;
            EXPECT_FALSE(response.content_type(value)) << value;
        }
        for (const std::string_view name : {"Content-Length", "content-length", "TRANSFER-ENCODING", "Connection",
                                            "Keep-Alive", "date", "Upgrade", "Trailer"}) {
            EXPECT_FALSE(response.header(name, "1")) << name;
        }
        EXPECT_TRUE(response.header("X-Fine", "a\tb \xC3\xA9 ~"));
        EXPECT_TRUE(response.header("X-Fine", "again"));
        EXPECT_TRUE(response.header("X-Empty", ""));
        EXPECT_TRUE(response.header("!#$%&'*+-.^_`|~09", "every character of a token"));
        response.send("body");
        EXPECT_FALSE(response.header("X-Late", "1"));
        EXPECT_FALSE(response.cookie({.name = "late", .value = "1"}));
    });
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "body");
    EXPECT_EQ(answer.field("X-Fine"), "a\tb \xC3\xA9 ~");
    EXPECT_EQ(answer.count("X-Fine"), 2u);
    EXPECT_EQ(answer.field("X-Empty"), "");
    EXPECT_EQ(answer.field("!#$%&'*+-.^_`|~09"), "every character of a token");
    for (const std::string_view name : {"X-Value", "Content-Type", "X-Late", "Set-Cookie", "Upgrade", "Trailer", "B"}) {
        EXPECT_EQ(answer.count(name), 0u) << name;
    }
    EXPECT_EQ(answer.count("Content-Length"), 1u);
    EXPECT_EQ(answer.count("Date"), 1u);
}

TEST_F(HttpResponseTest, cookies_are_set) {
    const Answer answer = answer_of([](const Request&, Response& response) {
        EXPECT_TRUE(response.cookie({.name = "a", .value = "b"}));
        EXPECT_TRUE(response.cookie({.name = "session",
                                     .value = "x=1&y",
                                     .path = "/p",
                                     .domain = "example.test",
                                     .max_age = 60s,
                                     .secure = true,
                                     .http_only = true,
                                     .same_site = Cookie::SameSite::strict}));
        EXPECT_TRUE(response.cookie({.name = "gone", .max_age = 0s, .same_site = Cookie::SameSite::lax}));
        for (const Cookie& bad :
             {Cookie{.name = "", .value = "b"}, Cookie{.name = "a b", .value = "c"}, Cookie{.name = "a=", .value = "c"},
              Cookie{.name = "a", .value = "b;c"}, Cookie{.name = "a", .value = "b\r\nX: y"},
              Cookie{.name = "a", .value = "b c"}, Cookie{.name = "a", .value = "b", .path = "/;Secure"},
              Cookie{.name = "a", .value = "b", .path = "/\r\nX: y"},
              Cookie{.name = "a", .value = "b", .domain = "a\nb"}}) {
            EXPECT_FALSE(response.cookie(bad)) << bad.name << " " << bad.value;
        }
        response.send();
    });
    EXPECT_THAT(answer.head, HasSubstr("\r\nSet-Cookie: a=b\r\n"));
    EXPECT_THAT(answer.head, HasSubstr("\r\nSet-Cookie: session=x=1&y; Path=/p; Domain=example.test; Max-Age=60; "
                                       "Secure; HttpOnly; SameSite=Strict\r\n"));
    EXPECT_THAT(answer.head, HasSubstr("\r\nSet-Cookie: gone=; Max-Age=0; SameSite=Lax\r\n"));
    EXPECT_EQ(answer.count("Set-Cookie"), 3u);
}

TEST_F(HttpResponseTest, the_date_is_that_of_the_answer) {
    serve({.on_request = [](const Request&, Response& response) { response.send(); }}, {.server_name = "Pollux"});
    HttpPeer peer = connect();
    const std::time_t before = std::time(nullptr);
    const Answer answer = peer.get("/");
    const std::time_t after = std::time(nullptr);
    ASSERT_EQ(answer.count("Date"), 1u);
    const auto date = http::parse_http_date(*answer.field("Date"), before);
    ASSERT_TRUE(date);
    EXPECT_GE(*date, before);
    EXPECT_LE(*date, after);
    EXPECT_EQ(answer.field("Server"), "Pollux");
    EXPECT_TRUE(eventually([&] { return peer.get("/").field("Date") != answer.field("Date"); })) << "it goes on";
}

TEST_F(HttpResponseTest, close_after_closes_and_says_so) {
    serve({.on_request = [](const Request& request, Response& response) {
        if (request.target() == "/close") response.close_after();
        response.send("answer");
    }});
    HttpPeer peer = connect();
    EXPECT_FALSE(peer.get("/").says_close());
    peer.send("GET /close HTTP/1.1\r\nHost: a\r\n\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n");
    const Answer last = peer.read();
    EXPECT_TRUE(last.says_close());
    EXPECT_EQ(last.body, "answer");
    EXPECT_TRUE(peer.is_closed());
    EXPECT_EQ(http_seen.seen().requests.size(), 2u);
}

TEST_F(HttpResponseTest, http_1_0_is_answered_as_it_understands) {
    const std::vector<Way> ways = every_way(folder);
    folder.write("file", pattern(0, 10) + pattern(0, 100));
    serve({.on_request = answer_in(ways)});
    for (std::size_t way = 0; way < ways.size(); ++way) {
        SCOPED_TRACE(ways[way].name);
        const std::string line = "GET " + target_of(way, 100) + " HTTP/1.0\r\n";
        HttpPeer once = connect();
        once.send(line + "\r\n");
        const Answer answer = once.read();
        EXPECT_TRUE(matches_pattern(answer.body, 0) && answer.body.size() == 100);
        EXPECT_TRUE(answer.says_close());
        EXPECT_EQ(answer.count("Transfer-Encoding"), 0u);
        EXPECT_TRUE(once.is_closed());

        HttpPeer kept = connect();
        kept.send(line + "Connection: keep-alive\r\n\r\n");
        const Answer first = kept.read();
        EXPECT_EQ(first.body.size(), 100u);
        EXPECT_EQ(first.field("Connection"), ways[way].has_length ? "keep-alive" : "close");
        if (!ways[way].has_length) continue;
        kept.send(line + "\r\n");
        EXPECT_EQ(kept.read().body.size(), 100u);
        EXPECT_TRUE(kept.is_closed());
    }
}

TEST_P(HttpResponseWireTest, there_is_no_body_where_there_must_be_none) {
    const std::vector<Way> ways = every_way(folder);
    folder.write("file", pattern(0, 110));
    for (const unsigned status : {200u, 204u, 304u, 205u}) {
        serve({.on_request = answer_in(ways, status)});
        HttpPeer peer = connect();
        for (std::size_t way = 0; way < ways.size(); ++way) {
            for (const std::string_view method : {"GET", "HEAD"}) {
                SCOPED_TRACE(std::to_string(status) + " to " + std::string{method} + " with " +
                             std::string{ways[way].name});
                if (status == 200 && method == "GET") continue;
                const Answer answer = peer.ask(method, target_of(way, 100));
                EXPECT_EQ(answer.status, status);
                EXPECT_EQ(answer.body, "");
                if (status == 200) {
                    EXPECT_EQ(answer.field("Content-Length").has_value(), ways[way].has_length);
                    EXPECT_EQ(answer.field("Content-Length").value_or("100"), "100");
                } else if (status != 205) {
                    EXPECT_EQ(answer.count("Content-Length"), 0u);
                    EXPECT_EQ(answer.count("Transfer-Encoding"), 0u);
                }
                EXPECT_FALSE(answer.says_close());
            }
        }
        EXPECT_EQ(peer.ask("HEAD", target_of(0, 0)).status, status) << "and the connection goes on";
    }
}

TEST_P(HttpResponseWireTest, bodies_of_every_size_arrive_whole) {
    const std::vector<Way> ways = every_way(folder);
    folder.write("file", pattern(0, 10) + pattern(0, mebibyte));
    serve({.on_request = answer_in(ways)});
    HttpPeer peer = connect();
    for (std::size_t way = 0; way < ways.size(); ++way) {
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, 8 * kibibyte - 1, 8 * kibibyte, 8 * kibibyte + 1, 16 * kibibyte,
              64 * kibibyte, 64 * kibibyte + 1, 256 * kibibyte, 256 * kibibyte + 1, mebibyte}) {
            SCOPED_TRACE(std::string{ways[way].name} + " of " + std::to_string(size));
            const Answer answer = peer.get(target_of(way, size));
            ASSERT_EQ(answer.status, 200u);
            ASSERT_EQ(answer.body.size(), size);
            EXPECT_TRUE(matches_pattern(answer.body, 0));
            if (ways[way].has_length) {
                EXPECT_EQ(answer.field("Content-Length"), std::to_string(size));
            }
        }
    }
}

TEST_P(HttpResponseWireTest, large_bodies_wait_for_a_slow_reader) {
    const std::size_t size = scaled(20 * mebibyte);
    const std::vector<Way> ways = every_way(folder);
    folder.write("file", pattern(0, 10) + pattern(0, size));
    serve({.on_request = answer_in(ways)});
    std::vector<HttpPeer> peers;
    for (std::size_t way = 0; way < ways.size(); ++way) {
        // The next request is there before a byte of this answer was read.
        peers.push_back(connect(small_buffer));
        peers.back().send("GET " + target_of(way, size) +
                          " HTTP/1.1\r\nHost: a\r\n\r\nGET /0/7 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    ASSERT_TRUE(http_seen.wait_for_requests(ways.size()));
    settle();
    EXPECT_LE(server->counters().bytes_pending, ways.size() * ConnectionOptions{}.max_pending_bytes);
    for (std::size_t way = 0; way < ways.size(); ++way) {
        SCOPED_TRACE(ways[way].name);
        const Answer answer = peers[way].read();
        ASSERT_EQ(answer.body.size(), size);
        EXPECT_TRUE(matches_pattern(answer.body, 0));
        EXPECT_EQ(peers[way].read().body, pattern(0, 7));
    }
}

TEST_P(HttpResponseWireTest, a_part_of_a_file_is_sent) {
    folder.write("file", pattern(0, 300'000));
    folder.write("empty", "");
    struct Part {
        std::string_view file;
        std::uint64_t offset;
        std::optional<std::uint64_t> length;
        std::size_t size;
    };
    const std::array parts{Part{"file", 0, {}, 300'000}, Part{"file", 299'999, {}, 1},
                           Part{"file", 300'000, {}, 0}, Part{"file", 100'000, 200'000, 200'000},
                           Part{"file", 5, 0, 0},        Part{"empty", 0, {}, 0}};
    serve({.on_request = [&](const Request& request, Response& response) {
        const Part& part = parts[std::stoul(std::string{request.target().substr(1)})];
        std::error_code error;
        EXPECT_EQ(response.send_file(folder / part.file, error, part.offset, part.length), Result::ok);
        EXPECT_FALSE(error);
    }});
    HttpPeer peer = connect();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        SCOPED_TRACE(i);
        const Answer answer = peer.get("/" + std::to_string(i));
        ASSERT_EQ(answer.body.size(), parts[i].size);
        EXPECT_TRUE(matches_pattern(answer.body, parts[i].offset));
    }
}

TEST_F(HttpResponseTest, a_file_that_cannot_be_sent_is_told_and_nothing_is_sent) {
    folder.write("file", "0123456789");
    struct Try {
        std::filesystem::path file;
        std::uint64_t offset = 0;
        std::optional<std::uint64_t> length{};
    };
    const std::array tries{Try{folder / "none"},
                           Try{folder.path()},
                           Try{"/dev/zero"},
                           Try{""},
                           Try{folder / "file", 11},
                           Try{folder / "file", 0, 11},
                           Try{folder / "file", 5, 6},
                           Try{folder / "file", UINT64_MAX, 2},
                           Try{folder / "file", 5, UINT64_MAX - 2}};
    const Answer answer = answer_of([&](const Request&, Response& response) {
        for (const Try& what : tries) {
            std::error_code error;
            EXPECT_NE(response.send_file(what.file, error, what.offset, what.length), Result::ok) << what.file;
            EXPECT_TRUE(error) << what.file;
            EXPECT_FALSE(response.begun());
        }
        EXPECT_EQ(response.send("in its place"), Result::ok);
    });
    EXPECT_EQ(answer.body, "in its place");
}

TEST_F(HttpResponseTest, a_file_that_gets_shorter_ends_the_connection) {
    const std::size_t size = 20 * mebibyte;
    folder.write("file", pattern(0, size));
    serve({.on_request = [&](const Request&, Response& response) {
        std::error_code error;
        EXPECT_EQ(response.send_file(folder / "file", error), Result::ok);
    }});
    HttpPeer peer = connect(small_buffer);
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return server->counters().bytes_sent > 0; }));
    std::filesystem::resize_file(folder / "file", 100'000);
    EXPECT_EQ(peer.read().status, 0u) << "it must not look complete";
    EXPECT_TRUE(seen.wait_for_closes(1));
}

TEST_F(HttpResponseTest, errors_have_a_line_of_text) {
    serve({.on_request = [](const Request& request, Response& response) {
        if (request.target() == "/own") {
            response.send_error(409, "That is taken.");
        } else if (request.target() == "/silent") {
            response.header("X-Kept", "yes");
        } else {
            response.send_error(404);
        }
    }});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/").body, "Not Found\n");
    const Answer own = peer.get("/own");
    EXPECT_EQ(own.status, 409u);
    EXPECT_EQ(own.body, "That is taken.");
    EXPECT_THAT(own.field("Content-Type").value_or(""), StartsWith("text/plain"));
    EXPECT_EQ(peer.get("/silent").status, 500u) << "a handler that neither answers nor says that it will";
    EXPECT_EQ(peer.ask("HEAD", "/own").body, "");
}

TEST_F(HttpResponseTest, an_error_has_one_type) {
    serve({.on_request = [](const Request& request, Response& response) {
        response.content_type("application/json");
        response.header("ETag", "\"1\"");
        if (request.target() == "/error") response.send_error(404, "{}");
    }});
    const Answer error = connect().get("/error");
    EXPECT_EQ(error.count("Content-Type"), 1u);
    EXPECT_EQ(error.field("Content-Type"), "application/json") << "who chose one has chosen";
    const Answer silent = connect().get("/silent");
    EXPECT_EQ(silent.status, 500u);
    EXPECT_EQ(silent.count("Content-Type"), 1u);
    EXPECT_THAT(silent.field("Content-Type").value_or(""), StartsWith("text/plain"));
    EXPECT_EQ(silent.count("ETag"), 0u) << "nothing of what the handler had begun to say";
}

TEST_F(HttpResponseTest, trace_tells_what_came_without_secrets) {
    serve({.on_request = [](const Request& request, Response& response) {
        EXPECT_EQ(response.send_trace(request), Result::ok);
        EXPECT_EQ(response.send_trace(request), Result::closed);
    }});
    HttpPeer peer = connect();
    const Answer answer = peer.ask("TRACE", "/a?b=c",
                                   "X-One: 1\r\nAUTHORIZATION: Basic c2VjcmV0\r\nCookie: secret=1\r\nX-One:  2 \r\n"
                                   "proxy-authorization: secret\r\n");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.field("Content-Type"), "message/http");
    EXPECT_EQ(answer.body, "TRACE /a?b=c HTTP/1.1\r\nHost: test\r\nX-One: 1\r\nX-One: 2\r\n\r\n");
    EXPECT_EQ(peer.ask("TRACE", "/" + std::string(7000, 'a'), "X: " + std::string(20'000, 'b') + "\r\n").status, 200u);
}

TEST_F(HttpResponseTest, a_request_is_answered_once) {
    const std::array<std::function<Result(Response&)>, 8> answers{
        [](Response& response) { return response.send("one"); },
        [](Response& response) { return response.send(std::string(300'000, 'x')); },
        [](Response& response) { return response.send(std::make_shared<const std::string>(9000, 'x')); },
        [this](Response& response) {
            std::error_code error;
            return response.send_file(folder / "file", error);
        },
        [](Response& response) { return response.send_error(404); },
        [](Response& response) {
            const Result result = response.begin();
            if (result == Result::ok) response.end();
            return result;
        },
        [](Response& response) { return response.send(Bytes{}); },
        [](Response& response) {
            const Result result = response.begin(3);
            if (result == Result::ok) response.write("one");
            if (result == Result::ok) response.end();
            return result;
        },
    };
    folder.write("file", "content");
    serve({.on_request = [&](const Request& request, Response& response) {
        const std::size_t first = std::stoul(std::string{request.target().substr(1)});
        EXPECT_FALSE(response.begun());
        EXPECT_EQ(response.write("early"), Result::closed);
        EXPECT_EQ(response.end(), Result::closed);
        EXPECT_EQ(answers[first](response), Result::ok);
        EXPECT_TRUE(response.begun() && response.complete());
        for (const auto& again : answers) EXPECT_EQ(again(response), Result::closed);
        EXPECT_EQ(response.write("late"), Result::closed);
        EXPECT_EQ(response.end(), Result::closed);
        EXPECT_EQ(response.upgrade("other", nullptr), Result::closed);
        EXPECT_EQ(server->respond(response.id(), [](Response&) { ADD_FAILURE(); }), Result::closed);
    }});
    HttpPeer peer = connect();
    for (std::size_t first = 0; first < answers.size(); ++first) {
        EXPECT_NE(peer.get("/" + std::to_string(first)).status, 0u) << first;
    }
    EXPECT_EQ(http_seen.seen().requests.size(), answers.size());
}

}  // namespace
}  // namespace pollux::test
