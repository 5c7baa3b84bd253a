// Exchanges that take more than one call: answers in parts, bodies of requests in parts, and both at once.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

#include "net/http_support.h"
#include "net/response_ids.h"

namespace pollux::test {
namespace {

using http::BodyRules;
using http::Request;
using http::Response;
using testing::HasSubstr;

/// So small that the kernel cannot swallow a large answer.

/// The head of a POST with these further field lines.
std::string post_with(std::string_view fields) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
}

std::string chunk(std::string_view bytes) {
    std::array<char, 16> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr;
    return std::string{size.data(), end} + "\r\n" + std::string{bytes} + "\r\n";
}

constexpr std::string_view chunked = "Transfer-Encoding: chunked\r\n";

BodyRules streamed_without_limit(const Request&) {
    return {.mode = http::BodyMode::streamed, .max_bytes = UINT64_MAX};
}

class HttpStreamTest : public HttpTest {
protected:
    /// Attaches a stream that records and does as `hooks` say.
    void attach(const Request& request, Response& response, const HttpHooks& hooks) {
        response.attach(std::make_unique<RecordingStream>(http_seen, request, hooks));
    }
};

class HttpStreamWireTest : public HttpWireTest {
protected:
    void attach(const Request& request, Response& response, const HttpHooks& hooks) {
        response.attach(std::make_unique<RecordingStream>(http_seen, request, hooks));
    }
};

INSTANTIATE_TEST_SUITE_P(Net, HttpStreamWireTest, every_wire, wire_name);

// Answers in parts.

TEST_F(HttpStreamTest, parts_make_up_the_length_that_was_told) {
    serve({.on_request = [](const Request&, Response& response) {
        EXPECT_EQ(response.begin(10), Result::ok);
        EXPECT_TRUE(response.begun());
        EXPECT_FALSE(response.complete());
        EXPECT_FALSE(response.header("X-Late", "1"));
        EXPECT_EQ(response.write("01234"), Result::ok);
        EXPECT_EQ(response.write(""), Result::ok);
        EXPECT_EQ(response.write("567890"), Result::too_large) << "all or nothing";
        EXPECT_EQ(response.write("56789"), Result::ok);
        EXPECT_EQ(response.write("0"), Result::too_large);
        EXPECT_EQ(response.end(), Result::ok);
        EXPECT_TRUE(response.complete());
        EXPECT_EQ(response.write("0"), Result::closed);
        EXPECT_EQ(response.end(), Result::closed);
    }});
    HttpPeer peer = connect();
    for (int again = 0; again < 2; ++again) {
        const Answer answer = peer.get("/");
        EXPECT_EQ(answer.body, "0123456789");
        EXPECT_EQ(answer.field("Content-Length"), "10");
    }
}

TEST_F(HttpStreamTest, chunks_are_followed_by_trailers) {
    serve({.on_request = [](const Request&, Response& response) {
        EXPECT_EQ(response.begin(), Result::ok);
        EXPECT_EQ(response.write("0123456789abcdef"), Result::ok);
        EXPECT_EQ(response.write(""), Result::ok) << "no empty chunk: it would be the last one";
        EXPECT_EQ(response.write("x"), Result::ok);
        const std::array trailers{http::Field{"X-Sum", "17"}, http::Field{"X-Sum", "again"},
                                  http::Field{"Bad Name", "1"}, http::Field{"X-Bad", "a\r\nX-Split: 1"},
                                  // Not for trailers: RFC 9110, 6.5.1.
                                  http::Field{"Content-Length", "3"}, http::Field{"transfer-encoding", "chunked"},
                                  http::Field{"Connection", "close"}};
        EXPECT_EQ(response.end(trailers), Result::ok);
    }});
    HttpPeer peer = connect();
    const Answer answer = peer.get("/");
    EXPECT_EQ(answer.body, "0123456789abcdefx");
    EXPECT_EQ(answer.trailers, "X-Sum: 17\r\nX-Sum: again\r\n");
    EXPECT_EQ(peer.get("/").status, 200u);
}

TEST_F(HttpStreamTest, trailers_are_dropped_where_there_are_none) {
    serve({.on_request = [](const Request& request, Response& response) {
        response.begin(request.minor_version() == 1 ? std::optional<std::uint64_t>{3} : std::nullopt);
        response.write("abc");
        const std::array trailers{http::Field{"X-Sum", "17"}};
        EXPECT_EQ(response.end(trailers), Result::ok);
    }});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/").body, "abc");
    EXPECT_EQ(peer.ask("HEAD", "/").status, 200u);
    peer.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(peer.read().body, "abc");
}

TEST_F(HttpStreamTest, an_answer_that_ends_too_early_is_not_taken_for_complete) {
    serve({.on_request = [this](const Request& request, Response& response) {
        attach(request, response, {});
        response.begin(10);
        response.write("01234");
        if (request.target() == "/end") {
            EXPECT_EQ(response.end(), Result::closed);
        }
        if (request.target() == "/abort") response.abort();
        EXPECT_FALSE(response.complete());
    }});
    for (const std::string_view target : {"/end", "/abort"}) {
        HttpPeer peer = connect();
        EXPECT_EQ(peer.get(target).status, 0u);
    }
    EXPECT_TRUE(http_seen.wait_for_aborts(2));
}

TEST_F(HttpStreamTest, what_is_written_to_head_goes_nowhere) {
    serve({.on_request = [](const Request& request, Response& response) {
        response.begin(request.target() == "/length" ? std::optional<std::uint64_t>{7} : std::nullopt);
        for (int i = 0; i < 100; ++i) EXPECT_EQ(response.write(pattern(0, mebibyte)), Result::ok);
        EXPECT_EQ(response.end(), Result::ok);
    }});
    HttpPeer peer = connect(small_buffer);
    EXPECT_EQ(peer.ask("HEAD", "/length").field("Content-Length"), "7");
    EXPECT_EQ(peer.ask("HEAD", "/chunks").field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(peer.ask("HEAD", "/chunks").status, 200u);
}

TEST_P(HttpStreamWireTest, a_slow_reader_holds_the_writer_back) {
    constexpr std::size_t total = 24 * mebibyte;
    std::size_t written = 0;
    std::size_t refusals = 0;
    std::size_t most_pending = 0;
    const auto write_on = [&](Response& response) {
        while (written < total) {
            const std::size_t size = std::min(total - written, std::size_t{30'000});
            const Result result = response.write(pattern(written, size));
            most_pending = std::max(most_pending, response.connection().bytes_pending());
            if (result == Result::would_block) {
                ++refusals;
                EXPECT_EQ(response.write("again"), Result::would_block);
                return;
            }
            ASSERT_EQ(result, Result::ok);
            written += size;
        }
        EXPECT_EQ(response.end(), Result::ok);
    };
    serve({.on_request = [&](const Request& request, Response& response) {
        attach(request, response, {.on_drain = write_on});
        response.begin();
        write_on(response);
    }});
    HttpPeer peer = connect(small_buffer);
    peer.send(plain_get);
    peer.send(plain_get);
    ASSERT_TRUE(http_seen.wait_for_requests(1));
    settle();
    const Answer answer = peer.read();
    ASSERT_EQ(answer.body.size(), total);
    EXPECT_TRUE(matches_pattern(answer.body, 0));
    EXPECT_EQ(peer.read().body, "") << "the second one finds that all was written";
    settle();
    EXPECT_GT(refusals, 0u);
    EXPECT_EQ(http_seen.seen().drains, refusals) << "each refusal is answered by one on_drain";
    EXPECT_LE(most_pending, ConnectionOptions{}.high_watermark_bytes + 64 * 1024);
}

TEST_F(HttpStreamTest, one_write_may_be_larger_than_what_may_be_pending) {
    constexpr std::size_t size = 8 * mebibyte;
    ServerOptions options;
    options.connection = {
        .high_watermark_bytes = 64 * 1024, .low_watermark_bytes = 1024, .max_pending_bytes = 128 * 1024};
    serve({.on_request =
               [&](const Request& request, Response& response) {
                   response.begin(request.target() == "/length" ? std::optional<std::uint64_t>{size} : std::nullopt);
                   EXPECT_EQ(response.write(pattern(0, size)), Result::ok);
                   EXPECT_EQ(response.end(), Result::ok);
               }},
          {}, std::move(options));
    HttpPeer peer = connect(small_buffer);
    for (const std::string_view target : {"/length", "/chunks"}) {
        const Answer answer = peer.get(target);
        ASSERT_EQ(answer.body.size(), size) << target;
        EXPECT_TRUE(matches_pattern(answer.body, 0)) << target;
    }
}

// Bodies of requests in parts.

TEST_P(HttpStreamWireTest, a_body_comes_in_parts) {
    const std::size_t size = scaled(10 * mebibyte);
    std::optional<std::uint64_t> length;
    serve({.on_head =
               [&](const Request& request) {
                   length = request.content_length();
                   return streamed_without_limit(request);
               },
           .on_body =
               [](const Request& request, Response& response, Bytes) {
                   EXPECT_EQ(request.target(), "/");
                   EXPECT_EQ(request.header("x-mark"), "here");
                   EXPECT_TRUE(request.trailers().empty());
                   EXPECT_FALSE(response.begun());
               },
           .on_body_end =
               [](const Request& request, Response& response) {
                   EXPECT_EQ(request.header("x-mark"), "here");
                   response.send(request.trailers().find("X-Sum").value_or("no trailer"));
               }});
    HttpPeer peer = connect();
    peer.send(post_with("X-Mark: here\r\nContent-Length: " + std::to_string(size) + "\r\n") + pattern(0, size));
    EXPECT_EQ(peer.read().body, "no trailer");
    EXPECT_EQ(length, size);
    std::string chunks;
    for (std::size_t at = 0; at < size; at += 60'000)
        chunks += chunk(pattern(size + at, std::min(std::size_t{60'000}, size - at)));
    peer.send(post_with("X-Mark: here\r\n" + std::string{chunked}) + chunks + "0\r\nX-Sum: 17\r\n\r\n");
    EXPECT_EQ(peer.read().body, "17");
    EXPECT_EQ(length, std::nullopt);
    const HttpSeen all = http_seen.seen();
    EXPECT_EQ(all.streamed.size(), 2 * size);
    EXPECT_TRUE(matches_pattern(all.streamed, 0));
    EXPECT_EQ(all.body_ends, 2u);
    EXPECT_EQ(all.aborts, 0u);
}

TEST_P(HttpStreamWireTest, a_paused_body_holds_the_client_back) {
    constexpr std::size_t size = 2 * mebibyte;
    ResponseIds paused;
    bool wanted = true;
    serve({.on_head = streamed_without_limit, .on_body = [&](const Request&, Response& response, Bytes) {
               EXPECT_TRUE(std::exchange(wanted, false)) << "nothing comes while receiving is paused";
               response.pause_receiving();
               paused.put(response.id());
           }});
    HttpPeer peer = connect();
    std::thread sender{
        [&] { peer.send(post_with("Content-Length: " + std::to_string(size) + "\r\n") + pattern(0, size)); }};
    std::size_t delivered = 0;
    while (delivered < size) {
        const http::ResponseId id = paused.take();
        ASSERT_TRUE(id);
        turn_all(engine, 2);
        delivered = http_seen.seen().streamed.size();
        const auto resume = [&](Response& response) {
            wanted = true;
            response.resume_receiving();
        };
        EXPECT_EQ(server->respond(id, resume), Result::ok);
    }
    sender.join();
    EXPECT_EQ(peer.read().status, 200u);
    EXPECT_TRUE(matches_pattern(http_seen.seen().streamed, 0));
}

TEST_F(HttpStreamTest, pausing_and_resuming_in_one_callback_changes_nothing) {
    serve({.on_head = streamed, .on_body = [](const Request&, Response& response, Bytes) {
               response.pause_receiving();
               response.resume_receiving();
               response.pause_receiving();
               response.pause_receiving();
               response.resume_receiving();
           }});
    HttpPeer peer = connect();
    for (int again = 0; again < 2; ++again) {
        peer.send(post_with(chunked) + chunk("one") + chunk("two") + "0\r\n\r\n");
        EXPECT_EQ(peer.read().status, 200u);
    }
    EXPECT_EQ(http_seen.seen().streamed, "onetwoonetwo");
}

TEST_F(HttpStreamTest, what_comes_in_one_packet_waits_for_the_one_who_paused) {
    ResponseIds paused;
    serve({.on_head = streamed, .on_request = [&](const Request& request, Response& response) {
               attach(request, response, {});
               if (request.method() != http::Method::post) return static_cast<void>(response.send("behind"));
               response.pause_receiving();
               paused.put(response.id());
           }});
    HttpPeer peer = connect();
    peer.send(post_with("Content-Length: 3\r\n") + "abc" + std::string{plain_get});
    const http::ResponseId id = paused.take();
    turn_all(engine, 2);
    EXPECT_EQ(http_seen.seen().streamed, "");
    EXPECT_EQ(server->respond(id, [](Response& response) { response.resume_receiving(); }), Result::ok);
    EXPECT_THAT(peer.read().body, HasSubstr("\nabc\n"));
    EXPECT_EQ(peer.read().body, "behind");
}

TEST_F(HttpStreamTest, deadlines_of_a_body_rest_while_it_is_paused) {
    ResponseIds paused;
    serve({.on_head = streamed,
           .on_body =
               [&](const Request&, Response& response, Bytes bytes) {
                   if (as_text(bytes) != "abc") return;
                   response.pause_receiving();
                   paused.put(response.id());
               }},
          {.body_timeout = 100ms, .body_progress_timeout = 50ms});
    HttpPeer peer = connect();
    peer.send(post_with("Content-Length: 6\r\n") + "abc");
    const http::ResponseId id = paused.take();
    WaitableTimer timer{engine};
    timer.after(200ms);
    EXPECT_TRUE(timer.wait());
    EXPECT_EQ(server->respond(id, [](Response& response) { response.resume_receiving(); }), Result::ok);
    settle();
    peer.send("def");
    EXPECT_EQ(peer.read().status, 200u);
}

TEST_P(HttpStreamWireTest, an_echo_is_larger_than_any_limit_of_memory) {
    const std::size_t size = scaled(64 * mebibyte);
    ServerOptions options;
    options.connection = {.high_watermark_bytes = 256 * 1024, .low_watermark_bytes = 64 * 1024};
    std::string waiting;  // for room, while receiving is paused
    std::size_t most_pending = 0;
    const auto echo = [&](Response& response, std::string_view bytes) {
        const Result result = response.write(bytes);
        most_pending = std::max(most_pending, response.connection().bytes_pending());
        if (result == Result::would_block) {
            waiting = bytes;
            response.pause_receiving();
        } else {
            EXPECT_EQ(result, Result::ok);
        }
    };
    serve({.on_head = streamed_without_limit,
           .on_body =
               [&](const Request&, Response& response, Bytes bytes) {
                   if (!response.begun()) response.begin();
                   EXPECT_EQ(waiting, "");
                   echo(response, as_text(bytes));
               },
           .on_body_end = [](const Request&, Response& response) { EXPECT_EQ(response.end(), Result::ok); },
           .on_drain =
               [&](Response& response) {
                   response.resume_receiving();
                   echo(response, std::exchange(waiting, {}));
               }},
          {}, std::move(options));
    HttpPeer peer = connect();
    std::thread sender{
        [&] { peer.send(post_with("Content-Length: " + std::to_string(size) + "\r\n") + pattern(0, size)); }};
    const Answer answer = peer.read();
    sender.join();
    ASSERT_EQ(answer.body.size(), size);
    EXPECT_TRUE(matches_pattern(answer.body, 0));
    EXPECT_LE(most_pending, mebibyte);
}

TEST_F(HttpStreamTest, an_answer_before_the_end_of_the_body_is_the_last_one) {
    serve({.on_head = streamed, .on_request = [this](const Request& request, Response& response) {
               attach(request, response, {});
               response.status(403).send("not here");
           }});
    HttpPeer peer = connect();
    peer.send(post_with("Content-Length: 1000000\r\n") + pattern(0, 10'000));
    const Answer answer = peer.read();
    EXPECT_EQ(answer.status, 403u);
    EXPECT_TRUE(answer.says_close());
    EXPECT_TRUE(peer.try_send(pattern(10'000, 500'000))) << "a client that is still sending gets no reset";
    EXPECT_TRUE(peer.is_closed());
    EXPECT_EQ(http_seen.seen().body_ends, 0u);
    EXPECT_EQ(http_seen.seen().aborts, 0u) << "it was answered";
}

TEST_F(HttpStreamTest, a_streamed_body_needs_no_stream) {
    ResponseIds ids;
    serve({.on_head = streamed, .on_request = [&](const Request& request, Response& response) {
               EXPECT_EQ(request.text(), "");
               if (request.target() != "/later") return static_cast<void>(response.send("at once"));
               ids.put(response.later());
           }});
    HttpPeer peer = connect();
    peer.send("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_EQ(server->respond(ids.take(), [](Response& response) { response.send("later"); }), Result::ok);
    EXPECT_EQ(peer.read().body, "later");
    peer.send(post_with("Content-Length: 3\r\n") + "abc");
    EXPECT_EQ(peer.read().body, "at once");
}

TEST_F(HttpStreamTest, a_request_without_a_body_has_an_end_of_it_too) {
    serve({.on_request = [this](const Request& request, Response& response) {
        attach(request, response, {.on_body_end = [](const Request& same, Response& now) {
                   now.send(std::string{same.target()} + " ended");
               }});
        EXPECT_EQ(http_seen.seen().body_ends, 0u) << "not from within";
    }});
    EXPECT_EQ(connect().get("/here").body, "/here ended");
    EXPECT_EQ(http_seen.seen().body_ends, 1u);
}

// Bodies that turn out to be bad.

TEST_P(HttpStreamWireTest, a_stream_is_told_that_its_request_was_bad) {
    struct Bad {
        std::string rest;
        unsigned status;
    };
    const std::array all{Bad{"x\r\n", 400}, Bad{chunk(pattern(0, 101)), 413}, Bad{"0\r\nHost: b\r\n\r\n", 400},
                         Bad{"0\r\nA: " + std::string(40'000, 'a') + "\r\n\r\n", 431}};
    std::size_t bad = 0;
    http::ResponseId id;
    serve({.on_head = [](const Request&) { return BodyRules{.mode = http::BodyMode::streamed, .max_bytes = 100}; },
           .on_body = [&](const Request&, Response& response, Bytes) { id = response.id(); },
           .on_abort =
               [&] {
                   // Whatever is asked of it now: the client gets one answer.
                   static_cast<void>(server->respond(id, [](Response& response) {
                       response.resume_receiving();
                       EXPECT_EQ(response.send("too late"), Result::closed);
                   }));
               }});
    for (; bad < all.size(); ++bad) {
        SCOPED_TRACE(all[bad].rest.substr(0, 20));
        HttpPeer peer = connect();
        peer.send(post_with(chunked) + chunk("ab"));
        ASSERT_TRUE(http_seen.wait_until([&](const HttpSeen& now) { return now.streamed.size() == 2 * (bad + 1); }));
        peer.send(all[bad].rest + std::string{plain_get});
        const Answer answer = peer.read();
        EXPECT_EQ(answer.status, all[bad].status);
        EXPECT_TRUE(answer.says_close());
        EXPECT_TRUE(peer.is_closed()) << "one answer, and not a second one";
        EXPECT_TRUE(http_seen.wait_for_aborts(bad + 1));
        EXPECT_EQ(http_seen.seen().streams, 0u);
    }
    EXPECT_EQ(http_seen.seen().body_ends, 0u);
}

TEST_F(HttpStreamTest, an_answer_that_has_begun_ends_with_a_bad_request) {
    serve({.on_head = streamed, .on_body = [](const Request&, Response& response, Bytes bytes) {
               if (!response.begun()) response.begin();
               response.write(bytes);
           }});
    HttpPeer peer = connect();
    peer.send(post_with(chunked) + chunk("ab"));
    ASSERT_TRUE(http_seen.wait_for_streamed(2));
    peer.send("x\r\n");
    EXPECT_EQ(peer.read().status, 0u);
    EXPECT_TRUE(http_seen.wait_for_aborts(1));
    EXPECT_EQ(http_seen.seen().refusals.size(), 1u);
}

TEST_F(HttpStreamTest, an_exchange_has_one_stream) {
    serve({.on_head = streamed, .on_request = [this](const Request& request, Response& response) {
               attach(request, response, {.on_body = [this](const Request& now, Response& same, Bytes bytes) {
                          attach(now, same, {.on_body = [](const Request&, Response&, Bytes) { ADD_FAILURE(); }});
                          same.attach(nullptr);
                          EXPECT_FALSE(as_text(bytes).empty()) << "whoever attached it is still there";
                      }});
           }});
    HttpPeer peer = connect();
    peer.send(post_with(chunked) + chunk("one") + chunk("two") + "0\r\n\r\n");
    EXPECT_THAT(peer.read().body, HasSubstr("onetwo"));
    EXPECT_EQ(http_seen.seen().body_ends, 1u);
}

}  // namespace
}  // namespace pollux::test
