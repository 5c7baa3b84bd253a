// Our HTTP client with our HTTP server, over TCP, TLS and Unix sockets.
#include <pollux/http/server.h>

#include "net/http_client_support.h"
#include "net/tls_support.h"

namespace pollux::test {
namespace {

using http::ClientRequest;
using http::ClientResponse;

/// Gives a streamed body back as it comes.
class EchoStream final : public http::Stream {
public:
    void on_body(const http::Request& /*request*/, http::Response& response, Bytes bytes) override {
        waiting_.append(as_text(bytes));
        flush(response);
        if (!waiting_.empty()) response.pause_receiving();
    }
    void on_body_end(const http::Request& /*request*/, http::Response& response) override {
        ended_ = true;
        flush(response);
    }
    void on_drain(http::Response& response) override {
        flush(response);
        if (waiting_.empty() && !ended_) response.resume_receiving();
    }

private:
    void flush(http::Response& response) {
        if (!waiting_.empty() && response.write(waiting_) == Result::ok) waiting_.clear();
        if (ended_ && waiting_.empty()) response.end();
    }

    std::string waiting_;
    bool ended_ = false;
};

class Service final : public http::Handler {
public:
    http::BodyRules on_head(const http::Request& request) override {
        if (request.raw_path() == "/stream") return {.mode = http::BodyMode::streamed, .max_bytes = 1 << 30};
        return {.max_bytes = 64 << 20};
    }

    void on_request(const http::Request& request, http::Response& response) override {
        if (request.raw_path() == "/stream") {
            response.attach(std::make_unique<EchoStream>());
            response.begin();
        } else if (request.raw_path() == "/redirect") {
            response.status(302).header("Location", request.raw_query());
            response.send("elsewhere");
        } else if (request.method() == http::Method::trace) {
            response.send_trace(request);
        } else {
            response.header("X-Method", request.method_name());
            response.header("X-Host", request.host());
            response.send(request.body());
        }
    }
};

/// Over which a client and a server talk.
enum class Road : std::uint8_t { tcp, unix_domain, tls, tls_over_unix };

class HttpClientServerTest : public EngineTest, public testing::WithParamInterface<Road> {
protected:
    HttpClientServerTest() : EngineTest(1, transport()) {}

    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        server = std::make_unique<http::Server<Service>>(
            engine,
            ServerOptions{.endpoint = fresh_endpoint(transport()), .tls = secure() ? server_context() : TlsContext{}},
            http::Options{});
        const Status status = server->start();
        ASSERT_TRUE(status) << status;
        client = make_client();
    }

    void TearDown() override {
        client.reset();
        server.reset();
        EngineTest::TearDown();
    }

    static Transport transport() {
        return GetParam() == Road::tcp || GetParam() == Road::tls ? Transport::tcp : Transport::unix_domain;
    }
    static bool secure() { return GetParam() == Road::tls || GetParam() == Road::tls_over_unix; }

    std::unique_ptr<http::Client> make_client(http::ClientOptions options = {}) {
        if (transport() == Transport::unix_domain) options.endpoint = endpoint_of(server->address());
        if (secure() && !options.tls) options.tls = client_context();
        return std::make_unique<http::Client>(engine, std::move(options));
    }

    [[nodiscard]] std::string url(std::string_view path = "/", std::string_view host = "localhost") const {
        const std::string port = transport() == Transport::tcp ? ":" + std::to_string(server->port()) : "";
        return (secure() ? "https://" : "http://") + std::string{host} + port + std::string{path};
    }

    std::unique_ptr<http::Server<Service>> server;
    std::unique_ptr<http::Client> client;
};

std::string road_name(const testing::TestParamInfo<Road>& info) {
    constexpr const char* names[] = {"tcp", "unix", "tls", "tls_over_unix"};
    return names[static_cast<std::size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Net, HttpClientServerTest,
                         testing::Values(Road::tcp, Road::unix_domain, Road::tls, Road::tls_over_unix), road_name);

TEST_P(HttpClientServerTest, every_method) {
    for (const std::string method : {"GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"}) {
        const ClientResponse response = outcome(client->send({.method = method, .url = url("/x"), .body = "a body"}));
        ASSERT_TRUE(response) << method << response.error.message();
        EXPECT_EQ(response.status, 200u) << method;
        EXPECT_EQ(response.body, "a body") << method;
        EXPECT_EQ(response.header("X-Method"), method);
    }
    const ClientResponse head = outcome(client->head(url("/x")));
    EXPECT_EQ(head.status, 200u) << head.error.message();
    EXPECT_EQ(head.body, "");
    const ClientResponse trace =
        outcome(client->send({.method = "TRACE", .url = url("/x"), .headers = {{"X-A", "1"}}}));
    EXPECT_EQ(trace.body.substr(0, trace.body.find("\r\n")), "TRACE /x HTTP/1.1") << trace.error.message();
    EXPECT_EQ(client->counters().connections_opened, 1u);
}

TEST_P(HttpClientServerTest, bodies_of_all_sizes) {
    for (const std::size_t size : {0u, 1u, 16'383u, 16'384u, 16'385u, 262'144u, 5'000'000u}) {
        const std::string body = pattern(size, size);
        const ClientResponse response = outcome(client->post(url(), body));
        ASSERT_TRUE(response) << size << ": " << response.error.message();
        EXPECT_TRUE(response.body == body) << size;
    }
}

TEST_P(HttpClientServerTest, streamed_both_ways_at_once) {
    constexpr std::uint64_t size = std::uint64_t{16} << 20;
    ClientRecord record;
    PatternSource source{size, 100'000};
    client->send({.method = "POST", .url = url("/stream"), .streamed = true},
                 recording(record, client->reactor(), {.on_drain = [&](auto& exchange) { source.pump(exchange); }}));
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.seen().ends, 1u) << record.error().message();
    EXPECT_EQ(record.seen().body.size(), size);
    EXPECT_TRUE(matches_pattern(record.seen().body, 0));
}

TEST_P(HttpClientServerTest, many_at_once) {
    for (const std::size_t depth : {1u, 8u}) {
        const auto busy = make_client({.max_connections_per_host = 4, .pipeline_depth = depth});
        std::vector<std::future<ClientResponse>> futures;
        const std::size_t count = scaled(2000);
        for (std::size_t i = 0; i < count; ++i) futures.push_back(busy->put(url(), std::to_string(i)));
        for (std::size_t i = 0; i < count; ++i) {
            const ClientResponse response = outcome(std::move(futures[i]));
            ASSERT_EQ(response.body, std::to_string(i)) << response.error.message();
        }
        EXPECT_LE(busy->counters().connections_opened, 4u);
    }
}

TEST_P(HttpClientServerTest, a_server_that_restarts) {
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(outcome(client->put(url(), "x")).body, "x");
        ASSERT_TRUE(server->restart());
    }
    EXPECT_EQ(outcome(client->put(url(), "x")).body, "x");
}

TEST_P(HttpClientServerTest, redirects) {
    EXPECT_EQ(outcome(client->get(url("/redirect?/x"))).url, url("/x"));
    if (!secure()) return;
    EXPECT_EQ(outcome(client->get(url("/redirect?http://localhost/x"))).error, Errc::insecure_redirect);
    const auto careless = make_client({.allow_insecure_redirects = true});
    const ClientResponse response = outcome(careless->get(url("/redirect?http://localhost:1/x")));
    EXPECT_TRUE(response.error) << "nobody there speaks without TLS";
    EXPECT_NE(response.error, Errc::insecure_redirect);
}

TEST_P(HttpClientServerTest, the_server_must_be_who_it_should_be) {
    if (!secure()) GTEST_SKIP() << "TLS only";
    const auto trusting_others = make_client({.tls = TlsContext::client()});
    EXPECT_EQ(outcome(trusting_others->get(url())).error.category(), certificate_category());
    const auto redirected = make_client({.endpoint = endpoint_of(server->address())});
    const ClientResponse other_name = outcome(redirected->get("https://other.test/"));
    EXPECT_EQ(other_name.error.category(), certificate_category()) << other_name.error.message();
    TlsClientOptions careless;
    careless.verification = TlsVerification::insecure_none;
    EXPECT_TRUE(outcome(make_client({.tls = TlsContext::client(careless)})->get(url())));
}

TEST_P(HttpClientServerTest, verifies_by_default) {
    if (!secure()) GTEST_SKIP() << "TLS only";
    http::ClientOptions options;
    if (transport() == Transport::unix_domain) options.endpoint = endpoint_of(server->address());
    http::Client plain{engine, options};
    EXPECT_EQ(outcome(plain.get(url())).error.category(), certificate_category()) << "nobody told whom to trust";
}

TEST_P(HttpClientServerTest, what_is_said_without_tls_to_a_server_with_it) {
    if (GetParam() != Road::tls) GTEST_SKIP() << "TLS over TCP only";
    const ClientResponse response = outcome(client->get("http://localhost:" + std::to_string(server->port()) + "/"));
    EXPECT_TRUE(response.error) << "an alert is no answer";
}

}  // namespace
}  // namespace pollux::test
