// HTTP clients: what they send, in which forms the answer comes, and what is refused before anything is sent.
#include <array>
#include <thread>

#include "net/http_client_support.h"
#include "net/tls_support.h"

namespace pollux::test {
namespace {

using http::ClientExchange;
using http::ClientRequest;
using http::ClientResponse;
using Field = http::Header;

INSTANTIATE_TEST_SUITE_P(Net, HttpClientTest, each_transport, setting_name);

TEST_P(HttpClientTest, get_in_one_line) {
    const auto client = make_client();
    std::future<ClientResponse> future = client->get(url("/path?query#fragment"));
    RawSocket peer = listener.accept();
    const SentRequest request = read_request(peer);
    EXPECT_EQ(request.head, "GET /path?query HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
    peer.send(answer_of("hello", "X-A: 1\r\nx-a: 2\r\n"));
    const ClientResponse response = outcome(std::move(future));
    ASSERT_TRUE(response) << response.error.message();
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.reason, "OK");
    EXPECT_EQ(response.minor_version, 1u);
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.url, url("/path?query"));
    EXPECT_EQ(response.headers, (std::vector<Field>{{"Content-Length", "5"}, {"X-A", "1"}, {"x-a", "2"}}));
    EXPECT_EQ(response.header("X-a"), "1");
    EXPECT_EQ(response.header("X-B"), std::nullopt);
}

TEST_P(HttpClientTest, every_method) {
    const auto client = make_client();
    struct Case {
        std::function<std::future<ClientResponse>()> send;
        std::string line;
        std::string body{};
        bool has_length = false;
    };
    const std::array<Case, 9> cases{{
        {[&] { return client->get(url()); }, "GET / HTTP/1.1"},
        {[&] { return client->head(url()); }, "HEAD / HTTP/1.1"},
        {[&] { return client->post(url(), "a body", "text/plain"); }, "POST / HTTP/1.1", "a body", true},
        {[&] { return client->put(url(), ""); }, "PUT / HTTP/1.1", "", true},
        {[&] { return client->patch(url(), "x"); }, "PATCH / HTTP/1.1", "x", true},
        {[&] { return client->del(url()); }, "DELETE / HTTP/1.1"},
        {[&] { return client->options(url("")); }, "OPTIONS * HTTP/1.1"},
        {[&] { return client->trace(url()); }, "TRACE / HTTP/1.1"},
        {[&] { return client->send({.method = "PROPFIND", .url = url()}); }, "PROPFIND / HTTP/1.1"},
    }};
    RawSocket peer;
    for (const Case& one : cases) {
        std::future<ClientResponse> future = one.send();
        if (!peer.valid()) peer = listener.accept();
        const SentRequest request = read_request(peer);
        EXPECT_EQ(request.line(), one.line);
        EXPECT_EQ(request.body, one.body) << one.line;
        EXPECT_EQ(request.head.find("Content-Length") != std::string::npos, one.has_length) << one.line;
        EXPECT_EQ(request.has_line("Content-Type: text/plain"), one.body == "a body");
        peer.send(one.line.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" : answer_of("hello"));
        const ClientResponse response = outcome(std::move(future));
        EXPECT_EQ(response.body, one.line.starts_with("HEAD") ? "" : "hello") << one.line;
    }
    EXPECT_EQ(client->counters().connections_opened, 1u) << "one connection for all of them";
}

TEST_P(HttpClientTest, fields_of_the_request) {
    const auto client = make_client({.user_agent = "Test/1"});
    std::future<ClientResponse> future = client->send(
        {.url = url(), .headers = {{"X-A", "1"}, {"host", "other.test"}, {"X-A", "2"}, {"Cookie", "a=b"}}});
    RawSocket peer = listener.accept();
    EXPECT_EQ(read_request(peer).head,
              "GET / HTTP/1.1\r\nHost: other.test\r\nX-A: 1\r\nX-A: 2\r\nCookie: a=b\r\nUser-Agent: Test/1\r\n\r\n");
    peer.send(answer_of(""));
    EXPECT_TRUE(outcome(std::move(future)));
    future = client->send({.url = url(), .headers = {{"user-agent", "mine"}}});
    EXPECT_TRUE(read_request(peer).has_line("user-agent: mine"));
    peer.send(answer_of(""));
    EXPECT_TRUE(outcome(std::move(future)));
}

TEST_P(HttpClientTest, by_callback_on_the_clients_reactor) {
    const auto client = make_client();
    std::promise<ClientResponse> promise;
    const http::RequestId id = client->send({.url = url()}, [&](ClientResponse response) {
        EXPECT_TRUE(client->reactor().is_current());
        promise.set_value(std::move(response));
    });
    EXPECT_TRUE(id);
    const RawSocket peer = serve_one(answer_of("hello"));
    EXPECT_EQ(outcome(promise.get_future()).body, "hello");
}

TEST_P(HttpClientTest, by_handler_as_it_comes) {
    const auto client = make_client();
    ClientRecord record;
    client->send({.url = url()}, recording(record, client->reactor()));
    RawSocket peer = serve_one("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n");
    ASSERT_TRUE(record.wait_until([](const auto& now) { return now.heads == 1; }));
    EXPECT_EQ(record.seen().status, 201u);
    EXPECT_EQ(record.seen().url, url());
    peer.send("3\r\nabc\r\n");
    ASSERT_TRUE(record.wait_until([](const auto& now) { return now.body == "abc"; }));
    EXPECT_FALSE(record.seen().over());
    peer.send("2\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n");
    ASSERT_TRUE(record.wait_for_outcome());
    const ClientRecord::Seen heard = record.seen();
    EXPECT_EQ(heard.body, "abcde");
    EXPECT_EQ(heard.fields, "Transfer-Encoding=chunked;");
    EXPECT_EQ(heard.trailers, "X-Sum=7;");
    EXPECT_EQ(heard.ends, 1u);
    EXPECT_EQ(heard.violations, "");
}

TEST_P(HttpClientTest, from_many_threads) {
    const auto client = make_client({.max_connections_per_host = 3});
    constexpr std::size_t threads = 4;
    const std::size_t requests = scaled(200);
    std::vector<std::thread> senders;
    for (std::size_t thread = 0; thread < threads; ++thread) {
        senders.emplace_back([&, thread] {
            for (std::size_t number = 0; number < requests; ++number) {
                const std::string word = std::to_string(thread) + "." + std::to_string(number);
                const ClientResponse response = outcome(client->post(url(), word));
                ASSERT_EQ(response.body, word) << response.error.message();
            }
        });
    }
    // Echoes on three connections until they end.
    std::vector<std::thread> echoes;
    for (int connection = 0; connection < 3; ++connection) {
        echoes.emplace_back([&] {
            RawSocket peer = listener.accept();
            while (true) {
                const SentRequest request = read_request(peer);
                if (request.head.empty() || !peer.send(answer_of(request.body))) return;
            }
        });
    }
    for (std::thread& sender : senders) sender.join();
    EXPECT_EQ(client->counters().connections_opened, 3u);
    EXPECT_EQ(client->counters().requests, 0u);
    engine.stop();  // ends the connections, and with them the echoes
    for (std::thread& echo : echoes) echo.join();
}

TEST_P(HttpClientTest, what_cannot_be_sent_is_refused) {
    const auto client = make_client();
    const std::pair<ClientRequest, Errc> requests[] = {
        {{.url = "ftp://a/"}, Errc::invalid_url},
        {{.url = ""}, Errc::invalid_url},
        {{.url = "http://a/\r\nX: y"}, Errc::invalid_url},
        {{.url = std::string{"http://a/\0", 10}}, Errc::invalid_url},
        {{.url = "http://user:password@a/"}, Errc::invalid_url},
        {{.method = "", .url = url()}, Errc::invalid_request},
        {{.method = "GET /x HTTP/1.1\r\n", .url = url()}, Errc::invalid_request},
        {{.method = "CONNECT", .url = url()}, Errc::invalid_request},
        {{.url = url(), .headers = {{"X\r\nY", "z"}}}, Errc::invalid_request},
        {{.url = url(), .headers = {{"X", "y\r\nZ: 1"}}}, Errc::invalid_request},
        {{.url = url(), .headers = {{"X", std::string{"\0", 1}}}}, Errc::invalid_request},
        {{.url = url(), .headers = {{"Content-Length", "5"}}}, Errc::invalid_request},
        {{.url = url(), .headers = {{"Transfer-Encoding", "chunked"}}}, Errc::invalid_request},
        {{.url = url(), .headers = {{"Connection", "close"}}}, Errc::invalid_request},
        {{.url = url(), .headers = {{"Host", "a"}, {"host", "b"}}}, Errc::invalid_request},
        {{.method = "TRACE", .url = url(), .body = "x"}, Errc::invalid_request},
        {{.url = url(), .body = "x", .streamed = true}, Errc::invalid_request},
        {{.url = url(), .body = "x", .content_length = 1}, Errc::invalid_request},
    };
    for (const auto& [request, error] : requests) {
        EXPECT_EQ(outcome(client->send(request)).error, error) << testing::PrintToString(request.url) << request.method;
    }
    EXPECT_EQ(client->counters().connections_opened, 0u);
    EXPECT_EQ(client->counters().requests, 0u);
}

TEST_P(HttpClientTest, mistakes_in_the_options) {
    const auto expect = [&](http::ClientOptions options, Errc error, std::string_view name) {
        http::Client client{engine, std::move(options)};
        const Status status = client.status();
        EXPECT_EQ(status.error(), error) << name;
        EXPECT_NE(status.message().find(name), std::string::npos) << status;
        EXPECT_EQ(outcome(client.get("http://127.0.0.1:1/")).error, error) << "and every request is told";
    };
    expect({.endpoint = "nowhere"}, Errc::invalid_endpoint, "nowhere");
    expect({.endpoint = "udp://127.0.0.1:1"}, Errc::invalid_endpoint, "udp://127.0.0.1:1");
    expect({.endpoint = "tcp://*:80"}, Errc::invalid_endpoint, "tcp://*:80");
    expect({.tls = server_context()}, Errc::invalid_option, "tls");
    expect({.connection = {.high_watermark_bytes = 0}}, Errc::invalid_option, "high_watermark_bytes");
    expect({.reactor = 9}, Errc::invalid_option, "reactor");
    expect({.connect_timeout = 0ms}, Errc::invalid_option, "connect_timeout");
    expect({.header_timeout = -1ms}, Errc::invalid_option, "timeout");
    expect({.max_connections_per_host = 0}, Errc::invalid_option, "max_connections_per_host");
    expect({.max_requests = 0}, Errc::invalid_option, "max_requests");
    expect({.pipeline_depth = 0}, Errc::invalid_option, "pipeline_depth");
    expect({.max_header_bytes = 0}, Errc::invalid_option, "max_header_bytes");
    expect({.user_agent = "a\r\nb"}, Errc::invalid_option, "user_agent");
}

TEST_P(HttpClientTest, nobody_there) {
    const auto client = make_client();
    listener.close();
    const ClientResponse response = outcome(client->get(url()));
    EXPECT_EQ(response.error, std::errc::connection_refused) << response.error.message();
    EXPECT_TRUE(eventually([&] { return client->counters().connections == 0; }));
}

TEST_P(HttpClientTest, a_name_without_an_address) {
    if (!tcp()) GTEST_SKIP() << "names are for TCP";
    const auto client = make_client();
    EXPECT_EQ(outcome(client->get("http://name.invalid/")).error, Errc::name_not_resolved);
}

TEST_P(HttpClientTest, lives_on_the_reactor_it_was_given) {
    for (std::size_t index = 0; index < engine.reactors(); ++index) {
        const auto client = make_client({.reactor = index});
        EXPECT_EQ(client->reactor().index(), index);
    }
}

TEST_P(HttpClientTest, made_before_the_engine_starts) {
    Engine late{{.reactors = GetParam().reactors}};
    http::Client client{late, {.endpoint = listener.endpoint()}};
    std::future<ClientResponse> future = client.get(url());
    ASSERT_TRUE(late.start());
    const RawSocket peer = serve_one(answer_of("late"));
    EXPECT_EQ(outcome(std::move(future)).body, "late");
}

TEST_P(HttpClientTest, destroyed_before_the_engine_starts) {
    Engine late{{.reactors = GetParam().reactors}};
    std::future<ClientResponse> future;
    {
        http::Client client{late, {.endpoint = listener.endpoint()}};
        future = client.get(url());
    }
    EXPECT_EQ(outcome(std::move(future)).error, Errc::cancelled);
}

TEST_P(HttpClientTest, after_the_engine_has_stopped) {
    const auto client = make_client();
    std::future<ClientResponse> waiting = client->get(url());
    RawSocket peer = listener.accept();
    ASSERT_FALSE(read_request(peer).head.empty());
    engine.stop();
    engine.wait();
    EXPECT_EQ(outcome(std::move(waiting)).error, Errc::stopped);
    EXPECT_EQ(outcome(client->get(url())).error, Errc::stopped);
    const http::Client late{engine};
    EXPECT_EQ(client->counters().connections, 0u);
    EXPECT_EQ(client->counters().requests, 0u);
}

}  // namespace
}  // namespace pollux::test
