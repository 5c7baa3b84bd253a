// The pool of HTTP clients: which connection a request goes on, bounds, dead connections, pipelining.
#include "net/http_client_support.h"

namespace pollux::test {
namespace {

using http::ClientResponse;

using HttpClientPoolTest = HttpClientTest;
INSTANTIATE_TEST_SUITE_P(Net, HttpClientPoolTest, each_transport, setting_name);

TEST_P(HttpClientPoolTest, connections_are_kept_unless_the_server_says_close) {
    const auto client = make_client();
    std::future<ClientResponse> future = client->get(url());
    const RawSocket first = serve_one(answer_of("1"));
    EXPECT_EQ(outcome(std::move(future)).body, "1");
    EXPECT_EQ(client->counters().idle_connections, 1u);
    future = client->get(url("/again"));
    EXPECT_EQ(read_request(first).line(), "GET /again HTTP/1.1");
    first.send(answer_of("2", "Connection: close\r\n"));
    EXPECT_EQ(outcome(std::move(future)).body, "2");
    EXPECT_EQ(first.receive(1), "");
    EXPECT_EQ(client->counters().connections_opened, 1u);
    EXPECT_EQ(client->counters().idle_connections, 0u);
}

TEST_P(HttpClientPoolTest, further_requests_wait) {
    const auto client = make_client({.max_connections_per_host = 2});
    std::vector<std::future<ClientResponse>> futures;
    for (int i = 0; i < 5; ++i) futures.push_back(client->get(url("/" + std::to_string(i))));
    RawSocket peers[] = {listener.accept(), listener.accept()};
    turn_all(engine);
    EXPECT_EQ(client->counters().connections, 2u);
    EXPECT_EQ(client->counters().requests, 5u);
    for (int i = 0; i < 5; ++i) {
        const SentRequest request = read_request(peers[i % 2]);
        peers[i % 2].send(answer_of(request.line()));
        // One after the other, so that it is known which connection is free.
        ASSERT_TRUE(eventually([&] { return client->counters().requests == static_cast<std::size_t>(4 - i); }));
    }
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(outcome(std::move(futures[static_cast<std::size_t>(i)])).body,
                  "GET /" + std::to_string(i) + " HTTP/1.1");
    }
}

TEST_P(HttpClientPoolTest, requests_have_a_bound) {
    const auto client = make_client({.max_connections_per_host = 1, .max_requests = 3});
    std::vector<std::future<ClientResponse>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(client->get(url()));
    EXPECT_EQ(outcome(client->get(url())).error, Errc::too_many_requests);
    const RawSocket peer = serve_one(answer_of(""));
    EXPECT_TRUE(outcome(std::move(futures[0])));
    futures.push_back(client->get(url()));
    for (std::size_t i = 1; i < futures.size(); ++i) {
        ASSERT_FALSE(read_request(peer).head.empty());
        peer.send(answer_of(""));
        EXPECT_TRUE(outcome(std::move(futures[i])));
    }
}

TEST_P(HttpClientPoolTest, idle_connections_have_a_bound_and_a_time) {
    const auto client =
        make_client({.max_connections_per_host = 3, .max_idle_connections = 2, .keep_alive_timeout = 100ms});
    std::vector<std::future<ClientResponse>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(client->get(url()));
    const RawSocket peers[] = {listener.accept(), listener.accept(), listener.accept()};
    ASSERT_TRUE(eventually([&] { return client->counters().connections_opened == 3; }));
    for (std::size_t i = 0; i < 3; ++i) {
        ASSERT_FALSE(read_request(peers[i]).head.empty());
        peers[i].send(answer_of(""));
        ASSERT_TRUE(eventually([&] { return client->counters().requests == 2 - i; }));
    }
    EXPECT_EQ(peers[0].receive(1), "") << "what was used longest ago goes";
    EXPECT_EQ(client->counters().idle_connections, 2u);
    EXPECT_EQ(peers[1].receive(1), "");
    EXPECT_EQ(peers[2].receive(1), "");
    EXPECT_EQ(client->counters().idle_connections, 0u);
}

TEST_P(HttpClientPoolTest, no_idle_connections_at_all) {
    const auto client = make_client({.max_idle_connections = 0});
    for (int i = 0; i < 3; ++i) {
        std::future<ClientResponse> future = client->get(url());
        const RawSocket peer = serve_one(answer_of("x"));
        EXPECT_EQ(outcome(std::move(future)).body, "x");
        EXPECT_EQ(peer.receive(1), "");
    }
    EXPECT_EQ(client->counters().connections_opened, 3u);
}

TEST_P(HttpClientPoolTest, a_kept_connection_that_turns_out_to_be_dead) {
    const auto client = make_client();
    std::future<ClientResponse> future = client->get(url());
    RawSocket first = serve_one(answer_of("1"));
    EXPECT_TRUE(outcome(std::move(future)));
    future = client->put(url(), "body");
    EXPECT_EQ(read_request(first).body, "body");
    first.close();  // it had been closed before the request came
    const RawSocket second = listener.accept();
    EXPECT_EQ(read_request(second).body, "body");
    second.send(answer_of("2"));
    EXPECT_EQ(outcome(std::move(future)).body, "2");
    EXPECT_EQ(client->counters().retries, 1u);
}

TEST_P(HttpClientPoolTest, what_cannot_be_repeated_is_not) {
    const auto client = make_client();
    const auto on_kept_connection = [&](std::string_view method, std::string_view answered) {
        std::future<ClientResponse> future = client->get(url());
        RawSocket peer = serve_one(answer_of(""));
        EXPECT_TRUE(outcome(std::move(future)));
        future = client->send({.method = std::string{method}, .url = url(), .body = "x"});
        EXPECT_EQ(read_request(peer).body, "x");
        peer.send(answered);
        peer.close();
        EXPECT_EQ(outcome(std::move(future)).error, Errc::closed_by_peer) << method << answered;
    };
    on_kept_connection("POST", "");
    on_kept_connection("PATCH", "");
    on_kept_connection("LOCK", "");
    on_kept_connection("PUT", "H");
    on_kept_connection("PUT", "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(client->counters().retries, 0u);
}

TEST_P(HttpClientPoolTest, repeating_has_an_end) {
    const auto client = make_client({.max_connections_per_host = 1});
    std::future<ClientResponse> future = client->get(url());
    RawSocket peer = serve_one(answer_of(""));
    EXPECT_TRUE(outcome(std::move(future)));
    future = client->get(url());
    ASSERT_FALSE(read_request(peer).head.empty());
    peer.close();
    peer = serve_one("");
    peer.close();
    EXPECT_EQ(outcome(std::move(future)).error, Errc::closed_by_peer) << "the second one was a fresh connection";
}

TEST_P(HttpClientPoolTest, the_servers_close_is_noticed_while_idle) {
    const auto client = make_client();
    std::future<ClientResponse> future = client->get(url());
    serve_one(answer_of("")).close();
    EXPECT_TRUE(outcome(std::move(future)));
    EXPECT_TRUE(eventually([&] { return client->counters().connections == 0; }));
    future = client->post(url(), "x");
    const RawSocket peer = serve_one(answer_of("fresh"));
    EXPECT_EQ(outcome(std::move(future)).body, "fresh");
}

TEST_P(HttpClientPoolTest, hosts_have_connections_of_their_own) {
    if (!tcp()) GTEST_SKIP() << "two ports";
    const RawListener other{Transport::tcp};
    const auto client = make_client({.max_connections_per_host = 1});
    std::future<ClientResponse> future = client->get(url());
    std::future<ClientResponse> other_future = client->get("http://" + other.address().to_string() + "/");
    const RawSocket peer = listener.accept();
    const RawSocket other_peer = other.accept();
    peer.send(answer_of("one"));
    other_peer.send(answer_of("other"));
    EXPECT_EQ(outcome(std::move(future)).body, "one");
    EXPECT_EQ(outcome(std::move(other_future)).body, "other");
}

TEST_P(HttpClientPoolTest, given_up_while_waiting_and_under_way) {
    const auto client = make_client({.max_connections_per_host = 1});
    ClientRecord under_way;
    ClientRecord waiting;
    const http::RequestId first = client->send({.url = url("/1")}, recording(under_way, client->reactor()));
    const http::RequestId second = client->send({.url = url("/2")}, recording(waiting, client->reactor()));
    std::future<ClientResponse> third = client->get(url("/3"));
    const RawSocket peer = serve_one("HTTP/1.1 200 OK\r\n");
    client->cancel(second);
    ASSERT_TRUE(waiting.wait_for_outcome());
    EXPECT_EQ(waiting.error(), Errc::cancelled);
    client->cancel(first);
    ASSERT_TRUE(under_way.wait_for_outcome());
    EXPECT_EQ(under_way.error(), Errc::cancelled);
    EXPECT_EQ(peer.receive(1), "");
    const RawSocket next = listener.accept();
    EXPECT_EQ(read_request(next).line(), "GET /3 HTTP/1.1");
    next.send(answer_of("3"));
    EXPECT_EQ(outcome(std::move(third)).body, "3");
    client->cancel(first);  // stale: nothing happens
    turn_all(engine);
    EXPECT_EQ(under_way.seen().violations, "");
}

// Pipelining.

class HttpClientPipelineTest : public HttpClientTest {
protected:
    /// A client whose one connection has shown that it is kept.
    void SetUp() override {
        HttpClientTest::SetUp();
        if (IsSkipped()) return;
        client = make_client({.max_connections_per_host = 1, .pipeline_depth = 4});
        std::future<ClientResponse> future = client->get(url("/first"));
        peer = serve_one(answer_of(""));
        ASSERT_TRUE(outcome(std::move(future)));
    }

    void TearDown() override {
        client.reset();
        peer.close();
        HttpClientTest::TearDown();
    }

    std::vector<std::future<ClientResponse>> send(int count, std::string_view method = "GET") {
        std::vector<std::future<ClientResponse>> futures;
        for (int i = 0; i < count; ++i) {
            futures.push_back(client->send({.method = std::string{method}, .url = url("/" + std::to_string(i))}));
        }
        return futures;
    }

    static std::string line(std::size_t number) { return "GET /" + std::to_string(number) + " HTTP/1.1"; }

    std::unique_ptr<http::Client> client;
    RawSocket peer;
};

INSTANTIATE_TEST_SUITE_P(Net, HttpClientPipelineTest, each_transport, setting_name);

TEST_P(HttpClientPipelineTest, sent_without_waiting_up_to_the_depth) {
    std::vector<std::future<ClientResponse>> futures = send(5);
    std::string answers;
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(read_request(peer).line(), line(i));
        answers += answer_of("answer " + std::to_string(i));
    }
    turn_all(engine);
    EXPECT_EQ(client->counters().requests, 5u);
    peer.send(answers);
    EXPECT_EQ(read_request(peer).line(), line(4));
    peer.send(answer_of("answer 4"));
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(outcome(std::move(futures[i])).body, "answer " + std::to_string(i));
    }
}

TEST_P(HttpClientPipelineTest, never_what_cannot_be_repeated) {
    std::vector<std::future<ClientResponse>> futures = send(2, "POST");
    EXPECT_EQ(read_request(peer).line(), "POST /0 HTTP/1.1");
    turn_all(engine);
    peer.send(answer_of("0"));
    EXPECT_EQ(outcome(std::move(futures[0])).body, "0") << "had the other one been there, it would be unexpected";
    EXPECT_EQ(read_request(peer).line(), "POST /1 HTTP/1.1");
    peer.send(answer_of("1"));
    EXPECT_EQ(outcome(std::move(futures[1])).body, "1");
}

TEST_P(HttpClientPipelineTest, the_rest_is_sent_again_one_by_one_when_the_server_closes) {
    for (const bool says_close : {false, true}) {
        std::vector<std::future<ClientResponse>> futures = send(3);
        for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(read_request(peer).line(), line(i));
        peer.send(answer_of("0", says_close ? "Connection: close\r\n" : ""));
        peer.close();
        peer = listener.accept();
        for (std::size_t i = 1; i < 3; ++i) {
            EXPECT_EQ(read_request(peer).line(), line(i));
            peer.send(answer_of(std::to_string(i)));
        }
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(outcome(std::move(futures[i])).body, std::to_string(i)) << says_close;
        }
    }
}

TEST_P(HttpClientPipelineTest, giving_one_up_does_not_harm_those_before_it) {
    std::vector<std::future<ClientResponse>> futures = send(1);
    ClientRecord record;
    const http::RequestId given_up = client->send({.url = url("/x")}, recording(record, client->reactor()));
    futures.push_back(client->get(url("/2")));
    for (int i = 0; i < 3; ++i) ASSERT_FALSE(read_request(peer).head.empty());
    client->cancel(given_up);
    ASSERT_TRUE(record.wait_for_outcome());
    peer.send(answer_of("0"));
    EXPECT_EQ(outcome(std::move(futures[0])).body, "0");
    peer = listener.accept();  // the answer that nobody wants would come next
    EXPECT_EQ(read_request(peer).line(), line(2));
    peer.send(answer_of("2"));
    EXPECT_EQ(outcome(std::move(futures[1])).body, "2");
}

}  // namespace
}  // namespace pollux::test
