// Every limit and every deadline of http::Options: kept exactly, answered at once, and no answer is lost.
#include <gmock/gmock.h>

#include "net/http_support.h"

namespace pollux::test {
namespace {

using http::BodyMode;
using http::BodyRules;
using http::Options;
using http::Request;
using http::Response;

/// Soon enough that a test need not wait for it, and late enough for what must come first.
constexpr auto soon = 60ms;

class HttpLimitsTest : public HttpWireTest {
protected:
    /// The connection is refused, told so, and closed in order.
    void expect_refused(HttpPeer& peer, unsigned status) {
        const Answer answer = peer.read();
        EXPECT_EQ(answer.status, status);
        EXPECT_TRUE(answer.says_close());
        EXPECT_EQ(peer.end(), HttpEnd::closed);
        const HttpSeen told = http_seen.seen();
        ASSERT_EQ(told.refusals.size(), 1u);
        EXPECT_EQ(told.refusals[0].status, status);
        http_seen.forget();
    }

    /// What passes is answered with 200; what does not with this status, also when no more of it comes than `needed`
    /// bytes, and when more is coming than anybody reads.
    void expect_limit(const std::string& passes, const std::string& beyond, unsigned status, std::size_t needed) {
        HttpPeer good = connect();
        good.send(passes);
        EXPECT_EQ(good.read().status, 200u);
        send_bytewise(good, passes);
        EXPECT_EQ(good.read().status, 200u);
        HttpPeer whole = connect();
        whole.send(beyond);
        expect_refused(whole, status);
        HttpPeer dripping = connect();
        send_bytewise(dripping, std::string_view{beyond}.substr(0, needed));
        expect_refused(dripping, status);
        HttpPeer flooding = connect();
        EXPECT_TRUE(flooding.try_send(beyond + std::string(scaled(4'000'000), 'x')));
        expect_refused(flooding, status);
    }
};

INSTANTIATE_TEST_SUITE_P(Wires, HttpLimitsTest, every_wire, wire_name);

std::string get(std::string_view target, std::string_view fields = {}) {
    return std::string{"GET "}.append(target).append(" HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n");
}

std::string post(std::string_view fields, std::string_view body) {
    return std::string{"POST / HTTP/1.1\r\nHost: a\r\n"}.append(fields).append("\r\n").append(body);
}

TEST_P(HttpLimitsTest, of_the_request_line) {
    serve({}, {.max_request_line_bytes = 40});
    // "GET /… HTTP/1.1" and its end of a line.
    const std::string target = "/" + std::string(40 - 16, 'a');
    expect_limit(get(target), get(target + "a"), 414, 41);
}

TEST_P(HttpLimitsTest, of_the_head) {
    serve({}, {.max_request_line_bytes = 40, .max_header_bytes = 100});
    const std::size_t empty = get("/", "X: \r\n").size();
    const std::string fields = "X: " + std::string(100 - empty, 'a');
    expect_limit(get("/", fields + "\r\n"), get("/", fields + "a\r\n"), 431, 101);
}

TEST_P(HttpLimitsTest, of_the_number_of_fields) {
    serve({}, {.max_headers = 3});
    const std::string beyond = get("/", "A: 1\r\nB:\r\nC: 3\r\n");
    expect_limit(get("/", "A: 1\r\nB:\r\n"), beyond, 431, beyond.size());
    const std::string chunks = "1\r\na\r\n0\r\nA: 1\r\nB: 2\r\nC: 3\r\n";
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    const std::string trailing = post(chunked, chunks + "D: 4\r\n\r\n");
    expect_limit(post(chunked, chunks + "\r\n"), trailing, 431, trailing.size());
}

TEST_P(HttpLimitsTest, of_trailers) {
    serve({}, {.max_request_line_bytes = 40, .max_header_bytes = 100});
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    const std::string chunks = "0\r\nA: " + std::string(100 - 3 - 4, 'a');
    const std::string beyond = post(chunked, chunks + "a\r\n\r\n");
    expect_limit(post(chunked, chunks + "\r\n\r\n"), beyond, 431, beyond.size());
    HttpPeer endless = connect();
    send_bytewise(endless, post(chunked, chunks + "aaaaa"));
    expect_refused(endless, 431);
}

TEST_P(HttpLimitsTest, of_the_body) {
    serve({}, {.max_body_bytes = 20});
    const std::string body(20, 'b');
    const std::string beyond = post("Content-Length: 21\r\n", body + "b");
    expect_limit(post("Content-Length: 20\r\n", body), beyond, 413, beyond.size() - 21);
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    const std::string chunks = "a\r\n0123456789\r\n5\r\n01234\r\n";
    const std::string more = post(chunked, chunks + "6\r\n012345\r\n0\r\n\r\n");
    expect_limit(post(chunked, chunks + "5\r\n01234\r\n0\r\n\r\n"), more, 413, more.size() - 7);
    HttpPeer huge = connect();
    huge.send(post("Content-Length: 18446744073709551615\r\n", ""));
    expect_refused(huge, 413);
}

TEST_P(HttpLimitsTest, of_the_body_by_its_head) {
    serve({.on_head =
               [](const Request& request) {
                   const bool large = request.header("Large").has_value();
                   return BodyRules{.mode = BodyMode::streamed, .max_bytes = large ? 1000u : 10u};
               }},
          {.max_body_bytes = 20});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.ask("POST", "/", "Large: 1\r\n", std::string(1000, 'x')).status, 200u);
    EXPECT_EQ(peer.ask("POST", "/", "", std::string(10, 'x')).status, 200u);
    EXPECT_EQ(peer.ask("POST", "/", "", std::string(11, 'x')).status, 413u);
    EXPECT_TRUE(peer.is_closed());
    HttpPeer chunked = connect();
    chunked.send(post("Transfer-Encoding: chunked\r\n", "b\r\n01234567890\r\n0\r\n\r\n"));
    EXPECT_EQ(chunked.read().status, 413u);
    EXPECT_TRUE(chunked.is_closed());
    EXPECT_EQ(http_seen.seen().aborts, 1u) << "the second one's stream; the first one's never began";
}

TEST_P(HttpLimitsTest, of_the_requests_of_a_connection) {
    serve({}, {.max_requests = 3});
    HttpPeer peer = connect();
    for (const bool last : {false, false, true}) {
        const Answer answer = peer.get("/");
        EXPECT_EQ(answer.status, 200u);
        EXPECT_EQ(answer.says_close(), last);
    }
    EXPECT_TRUE(peer.is_closed());
    HttpPeer pipelining = connect();
    for (int i = 0; i < 5; ++i) pipelining.send(get("/"));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(pipelining.read().status, 200u);
    EXPECT_TRUE(pipelining.is_closed());
    EXPECT_EQ(http_seen.seen().requests.size(), 6u);
}

TEST_P(HttpLimitsTest, a_refusal_is_not_lost_behind_answers_that_wait) {
    // A handler's answers fill what may be pending; somewhere the bad request comes when there is no room.
    serve({.on_request = [](const Request&, Response& response) { response.send(pattern(0, 100'000)); }});
    for (std::size_t before = 8; before < 16; ++before) {
        HttpPeer peer = connect(4096);
        std::string packet;
        for (std::size_t i = 0; i < before; ++i) packet += get("/");
        peer.send(packet + "BAD\r\n\r\n");
        settle();
        for (std::size_t i = 0; i < before; ++i) ASSERT_EQ(peer.read().body, pattern(0, 100'000));
        EXPECT_EQ(peer.read().status, 400u) << "behind " << before;
        EXPECT_TRUE(peer.is_closed());
    }
}

TEST_P(HttpLimitsTest, what_is_sent_ahead_is_held_back_and_answered) {
    std::atomic<std::uint64_t> received = 0;
    Gate go_on;
    http::ResponseId first;
    serve({.on_request = [&](const Request& request, Response& response) {
        if (request.path() != "/first") {
            response.send(request.path());
            return;
        }
        first = response.later();
        go_on.open();
    }});
    HttpPeer peer = connect();
    std::string ahead;
    constexpr std::size_t count = 20'000;
    for (std::size_t i = 0; i < count; ++i) ahead += get("/" + std::to_string(i));
    std::thread sender{[&] { peer.send(get("/first") + ahead); }};
    ASSERT_TRUE(go_on.wait());
    turn_all(engine);
    received = server->counters().bytes_received;
    EXPECT_LT(received, 700'000u) << "it must be held back";
    EXPECT_EQ(server->respond(first, [](Response& response) { response.send("first"); }), Result::ok);
    EXPECT_EQ(peer.read().body, "first");
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(peer.read().body, "/" + std::to_string(i));
    sender.join();
}

TEST_P(HttpLimitsTest, the_last_answer_is_not_lost_when_more_was_sent_ahead) {
    http::ResponseId id;
    Gate asked;
    serve({.on_request = [&](const Request&, Response& response) {
        id = response.later();
        asked.open();
    }});
    HttpPeer peer = connect();
    peer.send(get("/"));
    ASSERT_TRUE(asked.wait());
    std::thread sender{[&] { peer.try_send(std::string(2'000'000, 'x')); }};
    ASSERT_TRUE(eventually([&] { return server->counters().bytes_received > 64 * 1024; }));
    EXPECT_EQ(server->respond(id,
                              [](Response& response) {
                                  response.close_after();
                                  response.send("last");
                              }),
              Result::ok);
    EXPECT_EQ(peer.read().body, "last");
    EXPECT_TRUE(peer.is_closed());
    sender.join();
}

TEST_P(HttpLimitsTest, an_answer_before_the_body_is_not_lost) {
    serve({.on_head = streamed,
           .on_request = [](const Request&, Response& response) { response.status(403).send("no"); }});
    HttpPeer peer = connect();
    EXPECT_TRUE(peer.try_send(post("Content-Length: 1000000\r\n", std::string(1'000'000, 'x'))));
    const Answer answer = peer.read();
    EXPECT_EQ(answer.status, 403u);
    EXPECT_EQ(answer.body, "no");
    EXPECT_TRUE(answer.says_close());
    EXPECT_TRUE(peer.is_closed());
}

TEST_P(HttpLimitsTest, a_client_that_does_not_read_is_not_heard) {
    serve({.on_request = [](const Request& request, Response& response) {
        response.send(std::string{request.path()} + std::string(2000, '.'));
    }});
    constexpr std::size_t count = 10'000;
    std::string requests;
    for (std::size_t i = 0; i < count; ++i) requests += get("/" + std::to_string(i));
    HttpPeer peer = connect(4096);
    std::thread sender{[&] { peer.send(requests); }};
    ASSERT_TRUE(http_seen.wait_for_requests(1));
    turn_all(engine);
    EXPECT_LT(server->counters().bytes_pending, 2 * ConnectionOptions{}.high_watermark_bytes);
    EXPECT_FALSE(http_seen.wait_until([](const HttpSeen& told) { return told.requests.size() >= count; }, 0ms));
    for (std::size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(peer.read().body.starts_with("/" + std::to_string(i) + ".")) << i;
    }
    sender.join();
}

using HttpDeadlinesTest = HttpLimitsTest;
INSTANTIATE_TEST_SUITE_P(Wires, HttpDeadlinesTest, testing::Values(Wire::tcp, Wire::tls), wire_name);

TEST_P(HttpDeadlinesTest, nothing_at_all_is_closed_without_a_word) {
    serve({}, {.header_timeout = soon});
    HttpPeer silent = connect();
    HttpPeer blank = connect();
    blank.send("\r\n\r");
    EXPECT_TRUE(silent.is_closed());
    EXPECT_TRUE(blank.is_closed());
    EXPECT_EQ(http_seen.seen().refusals.size(), 0u);
}

TEST_P(HttpDeadlinesTest, between_requests_is_closed_without_a_word) {
    serve({}, {.keep_alive_timeout = soon});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/").status, 200u);
    EXPECT_EQ(peer.get("/").status, 200u);
    EXPECT_TRUE(peer.is_closed());
    EXPECT_EQ(http_seen.seen().refusals.size(), 0u);
}

TEST_P(HttpDeadlinesTest, a_head_that_is_not_finished) {
    serve({}, {.header_timeout = soon});
    for (const bool after_another : {false, true}) {
        HttpPeer peer = connect();
        if (after_another) {
            EXPECT_EQ(peer.get("/").status, 200u);
        }
        peer.send("GET / HT");
        expect_refused(peer, 408);
    }
}

TEST_P(HttpDeadlinesTest, a_body_that_does_not_go_on) {
    serve({}, {.body_progress_timeout = soon, .min_body_progress_bytes = 10});
    for (const std::string& begun : {post("Content-Length: 100\r\n", ""), post("Content-Length: 100\r\n", "abc"),
                                     post("Transfer-Encoding: chunked\r\n", "1\r\n"),
                                     post("Transfer-Encoding: chunked\r\n", "1;a\r\nx\r\n0\r\nA: b\r\n")}) {
        HttpPeer peer = connect();
        peer.send(begun);
        expect_refused(peer, 408);
    }
    EXPECT_EQ(http_seen.seen().requests.size(), 0u);
}

TEST_P(HttpDeadlinesTest, clients_that_drip) {
    struct Case {
        std::string begun;
        Options options;
    };
    for (const Case& c :
         {Case{"GET / HTTP/1.1\r\nX: ", {.header_timeout = soon}},
          Case{post("Content-Length: 1000000\r\n", ""),
               {.body_progress_timeout = soon, .min_body_progress_bytes = 500'000}},
          Case{post("Content-Length: 1000000\r\n", ""),
               {.body_timeout = 3 * soon, .body_progress_timeout = soon, .min_body_progress_bytes = 1}}}) {
        serve({}, c.options);
        HttpPeer peer = connect();
        peer.send(c.begun);
        ASSERT_TRUE(eventually([&] {
            peer.try_send("x");
            return http_seen.seen().refusals.size() == 1;
        }));
        expect_refused(peer, 408);
    }
}

TEST_P(HttpDeadlinesTest, a_body_that_goes_on_slowly_is_waited_for) {
    serve({}, {.body_progress_timeout = soon, .min_body_progress_bytes = 1});
    HttpPeer peer = connect();
    const auto begun = Clock::now();
    peer.send(post("Transfer-Encoding: chunked\r\n", ""));
    while (Clock::now() < begun + 3 * soon) {
        peer.send("1\r\nx\r\n");
        settle();
    }
    peer.send("0\r\n\r\n");
    EXPECT_EQ(peer.read().status, 200u);
}

TEST_P(HttpDeadlinesTest, rest_while_the_handler_does_not_want_the_body) {
    http::ResponseId id;
    serve({.on_head = streamed,
           .on_body =
               [&](const Request&, Response& response, Bytes) {
                   if (std::exchange(id, response.id()) != response.id()) response.pause_receiving();
               }},
          {.body_timeout = 2 * soon, .body_progress_timeout = soon, .min_body_progress_bytes = 10});
    HttpPeer peer = connect();
    peer.send(post("Content-Length: 20\r\n", "0123456789"));
    ASSERT_TRUE(http_seen.wait_for_streamed(10));
    const auto paused = Clock::now();
    peer.send("0123456789");
    ASSERT_TRUE(eventually([&] { return Clock::now() > paused + 3 * soon; }));
    EXPECT_EQ(http_seen.seen().streamed, "0123456789");
    EXPECT_EQ(server->respond(id, [](Response& response) { response.resume_receiving(); }), Result::ok);
    EXPECT_EQ(peer.read().status, 200u) << "the time of the pause does not count";
    EXPECT_EQ(http_seen.seen().streamed, "01234567890123456789");
}

TEST_P(HttpDeadlinesTest, an_answer_that_does_not_come) {
    for (const bool by_a_stream : {false, true}) {
        http::ResponseId id;
        const HttpHooks silent{.on_body_end = [](const Request&, Response&) {}};
        serve({.on_request =
                   [&](const Request& request, Response& response) {
                       id = by_a_stream ? response.attach(std::make_unique<RecordingStream>(http_seen, request, silent))
                                        : response.later();
                   }},
              {.answer_timeout = soon});
        HttpPeer peer = connect();
        peer.send(get("/"));
        EXPECT_EQ(peer.read().status, 503u);
        EXPECT_TRUE(peer.is_closed());
        EXPECT_EQ(http_seen.seen().aborts, by_a_stream ? 1u : 0u);
        static_cast<void>(server->respond(id, [](Response&) { ADD_FAILURE() << "the answer was given"; }));
        settle();
    }
}

TEST_P(HttpDeadlinesTest, none_of_0_is_one) {
    serve(
        {.on_request = [this](const Request& request, Response& response) { answer_later(request, response, "late"); }},
        {.header_timeout = 0ms,
         .body_timeout = 0ms,
         .body_progress_timeout = 0ms,
         .answer_timeout = 0ms,
         .keep_alive_timeout = 0ms});
    HttpPeer peer = connect();
    for (int round = 0; round < 2; ++round) {
        send_bytewise(peer, post("Content-Length: 3\r\n", "abc"));
        EXPECT_EQ(peer.read().body, "late");
    }
}

TEST(HttpOptionsTest, bad_ones_are_told) {
    Engine engine;
    Recorder seen;
    HttpRecorder http_seen{seen};
    struct Case {
        Options options;
        ConnectionOptions connection;
        std::string_view named;
    };
    for (const Case& c :
         {Case{{.max_request_line_bytes = 0}, {}, "max_request_line_bytes"},
          Case{{.max_header_bytes = 100}, {}, "max_header_bytes"},
          Case{{.max_header_bytes = std::size_t{3} << 30U}, {}, "max_header_bytes"},
          Case{{.max_headers = 0}, {}, "max_headers"}, Case{{.header_timeout = -1ms}, {}, "timeout"},
          Case{{.body_timeout = -1ms}, {}, "timeout"}, Case{{.body_progress_timeout = -1ms}, {}, "timeout"},
          Case{{.answer_timeout = -1ms}, {}, "timeout"}, Case{{.keep_alive_timeout = -1ms}, {}, "timeout"},
          Case{{.server_name = "a\r\nb"}, {}, "server_name"},
          Case{{},
               {.high_watermark_bytes = 100, .low_watermark_bytes = 10, .max_pending_bytes = 1000},
               "max_pending_bytes"}}) {
        http::Server<RecordingHandler> server{engine,
                                              {.endpoint = "tcp://127.0.0.1:0", .connection = c.connection},
                                              c.options,
                                              std::ref(http_seen),
                                              HttpHooks{}};
        const Status status = server.start();
        EXPECT_EQ(status.error(), Errc::invalid_option) << c.named;
        EXPECT_THAT(status.message(), testing::HasSubstr(std::string{c.named}));
    }
}

}  // namespace
}  // namespace pollux::test
