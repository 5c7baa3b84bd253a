// Answers that come in pieces, late, cut off or wrong, from a server whose every byte is the test's.
#include "net/http_client_support.h"

namespace pollux::test {
namespace {

using http::ClientResponse;

using HttpClientAnswerTest = HttpClientTest;
INSTANTIATE_TEST_SUITE_P(Net, HttpClientAnswerTest, each_transport, setting_name);

constexpr std::string_view chunked_answer =
    "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: "
    "1\r\n\r\n";

void expect_hello(const ClientResponse& response) {
    ASSERT_TRUE(response) << response.error.message();
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.body, "hello world");
    EXPECT_EQ(response.header("X-A"), "b");
    ASSERT_EQ(response.trailers.size(), 1u);
    EXPECT_EQ(response.trailers[0].name, "X-Sum");
}

TEST_P(HttpClientAnswerTest, split_at_every_byte) {
    const auto client = make_client();
    RawSocket peer;
    for (std::size_t split = 0; split <= chunked_answer.size(); ++split) {
        std::future<ClientResponse> future = client->get(url());
        if (!peer.valid()) peer = listener.accept();
        ASSERT_FALSE(read_request(peer).head.empty());
        peer.send(chunked_answer.substr(0, split));
        turn_all(engine, 3);
        peer.send(chunked_answer.substr(split));
        expect_hello(outcome(std::move(future)));
        ASSERT_FALSE(HasFailure()) << "split at " << split;
    }
    EXPECT_EQ(client->counters().connections_opened, 1u);
}

TEST_P(HttpClientAnswerTest, byte_by_byte) {
    const auto client = make_client();
    std::future<ClientResponse> future = client->get(url());
    const RawSocket peer = serve_one("");
    for (const char byte : chunked_answer) {
        peer.send({&byte, 1});
        turn_all(engine, 2);
    }
    expect_hello(outcome(std::move(future)));
}

TEST_P(HttpClientAnswerTest, closed_at_every_byte) {
    const auto client = make_client();
    for (const std::string_view answer :
         {chunked_answer, std::string_view{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"}}) {
        for (std::size_t size = 0; size < answer.size(); ++size) {
            std::future<ClientResponse> future = client->get(url());
            serve_one(answer.substr(0, size)).close();
            EXPECT_EQ(outcome(std::move(future)).error, Errc::closed_by_peer) << "after " << size << " bytes";
        }
    }
    EXPECT_TRUE(eventually([&] { return client->counters().connections == 0; }));
    EXPECT_EQ(client->counters().retries, 0u) << "fresh connections are not tried again";
}

TEST_P(HttpClientAnswerTest, reset_while_it_waits) {
    if (!tcp()) GTEST_SKIP() << "Unix sockets have no reset";
    const auto client = make_client();
    std::future<ClientResponse> future = client->get(url());
    serve_one("HTTP/1.1 200 OK\r\n").reset();
    EXPECT_EQ(outcome(std::move(future)).error, std::errc::connection_reset);
}

TEST_P(HttpClientAnswerTest, a_body_until_the_end) {
    const auto client = make_client();
    std::future<ClientResponse> future = client->get(url());
    serve_one("HTTP/1.0 200 OK\r\n\r\nall of it").close();
    const ClientResponse response = outcome(std::move(future));
    EXPECT_EQ(response.body, "all of it") << response.error.message();
    EXPECT_EQ(response.minor_version, 0u);
    EXPECT_TRUE(eventually([&] { return client->counters().connections == 0; }));
}

TEST_P(HttpClientAnswerTest, answers_without_a_body_leave_the_connection_usable) {
    const auto client = make_client();
    std::future<ClientResponse> future = client->head(url());
    const RawSocket peer = serve_one("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    ClientResponse response = outcome(std::move(future));
    EXPECT_EQ(response.header("Content-Length"), "1000000000000") << response.error.message();
    EXPECT_EQ(response.body, "");
    for (const std::string status : {"204 No Content", "304 Not Modified"}) {
        future = client->get(url());
        ASSERT_FALSE(read_request(peer).head.empty());
        peer.send("HTTP/1.1 " + status + "\r\nContent-Length: 5\r\n\r\n");
        response = outcome(std::move(future));
        EXPECT_EQ(std::to_string(response.status) + " " + response.reason, status);
    }
    EXPECT_EQ(client->counters().connections_opened, 1u);
}

TEST_P(HttpClientAnswerTest, what_is_no_answer_fails_the_request) {
    const auto client = make_client();
    for (const std::string_view answer :
         {"hello\r\n\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
          "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
          "HTTP/1.1 200 OK\r\n folded\r\n\r\n"}) {
        std::future<ClientResponse> future = client->get(url());
        const RawSocket peer = serve_one(answer);
        EXPECT_EQ(outcome(std::move(future)).error, Errc::protocol_error) << answer;
        EXPECT_EQ(peer.receive(1), "") << "the connection is of no use any more: " << answer;
    }
}

TEST_P(HttpClientAnswerTest, what_nobody_asked_for_ends_the_connection) {
    const auto client = make_client();
    std::future<ClientResponse> future = client->get(url());
    const RawSocket behind = serve_one(answer_of("x") + answer_of("smuggled"));
    EXPECT_EQ(outcome(std::move(future)).body, "x");
    EXPECT_EQ(behind.receive(1), "");
    future = client->get(url());
    const RawSocket idle = serve_one(answer_of("y"));
    EXPECT_EQ(outcome(std::move(future)).body, "y");
    idle.send(answer_of("smuggled"));
    EXPECT_EQ(idle.receive(1), "");
    future = client->get(url());
    const RawSocket fresh = serve_one(answer_of("z"));
    EXPECT_EQ(outcome(std::move(future)).body, "z");
}

TEST_P(HttpClientAnswerTest, limits_of_head_and_body) {
    const auto client = make_client({.max_header_bytes = 200, .max_headers = 5, .max_body_bytes = 100});
    const std::string hundred(100, 'x');
    const std::string chunk = "\r\n\r\n32\r\n" + std::string(50, 'x') + "\r\n33\r\n" + std::string(51, 'x') + "\r\n";
    for (const std::string& answer :
         {answer_of("", "X: " + std::string(200, 'x') + "\r\n"), answer_of("", "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\n"),
          answer_of(hundred + "y"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" + chunk,
          "HTTP/1.1 200 OK\r\n\r\n" + hundred + "y"}) {
        std::future<ClientResponse> future = client->get(url());
        const RawSocket peer = serve_one(answer);
        EXPECT_EQ(outcome(std::move(future)).error, Errc::too_large) << answer;
    }
    std::future<ClientResponse> future = client->get(url());
    const RawSocket peer = serve_one(answer_of(hundred));
    EXPECT_EQ(outcome(std::move(future)).body, hundred);
    future = client->send({.url = url(), .max_body_bytes = 101});
    ASSERT_FALSE(read_request(peer).head.empty());
    peer.send(answer_of(hundred + "y"));
    EXPECT_EQ(outcome(std::move(future)).body, hundred + "y") << "a request may have a limit of its own";
}

TEST_P(HttpClientAnswerTest, a_length_that_is_too_much_is_not_set_aside) {
    const auto client = make_client({.max_body_bytes = std::uint64_t{1} << 60});
    std::future<ClientResponse> future = client->get(url());
    serve_one("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\nx").close();
    EXPECT_EQ(outcome(std::move(future)).error, Errc::closed_by_peer);
}

TEST_P(HttpClientAnswerTest, the_header_deadline) {
    const auto client = make_client({.header_timeout = 50ms});
    for (const std::string_view begun : {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n"}) {
        std::future<ClientResponse> future = client->get(url());
        const RawSocket peer = serve_one(begun);
        EXPECT_EQ(outcome(std::move(future)).error, Errc::timed_out) << begun;
        EXPECT_EQ(peer.receive(1), "");
    }
    std::future<ClientResponse> future = client->get(url());
    const RawSocket peer = serve_one("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
    std::this_thread::sleep_for(150ms);
    peer.send("x");
    EXPECT_EQ(outcome(std::move(future)).body, "x") << "a body has no such deadline";
}

TEST_P(HttpClientAnswerTest, the_deadline_for_all_of_it) {
    const auto client = make_client({.timeout = 80ms});
    std::future<ClientResponse> future = client->get(url());
    const RawSocket peer = serve_one("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
    EXPECT_EQ(outcome(std::move(future)).error, Errc::timed_out);
    EXPECT_EQ(peer.receive(1), "");
    future = client->send({.url = url(), .timeout = 0ms});
    const RawSocket patient = serve_one("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
    std::this_thread::sleep_for(200ms);
    patient.send("x");
    EXPECT_EQ(outcome(std::move(future)).body, "x") << "none for this one";
}

TEST_P(HttpClientAnswerTest, an_early_answer_ends_the_upload) {
    const auto client = make_client();
    ClientRecord record;
    client->send({.method = "POST", .url = url(), .streamed = true}, recording(record, client->reactor()));
    RawSocket peer = listener.accept();
    ASSERT_FALSE(read_request(peer).head.empty());
    ASSERT_TRUE(record.wait_until([](const auto& now) { return now.drains == 1; }));
    peer.send(answer_of("no", "", "413 Content Too Large"));
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.seen().status, 413u);
    EXPECT_EQ(record.seen().body, "no");
    EXPECT_EQ(peer.receive(1), "") << "what follows would be taken for the body";
}

}  // namespace
}  // namespace pollux::test
