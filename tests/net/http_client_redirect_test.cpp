// Redirects: where they lead, what is sent there, and which are not followed.
#include "net/http_client_support.h"

namespace pollux::test {
namespace {

using http::ClientRequest;
using http::ClientResponse;

using HttpClientRedirectTest = HttpClientTest;
INSTANTIATE_TEST_SUITE_P(Net, HttpClientRedirectTest, each_transport, setting_name);

std::string redirect(std::string_view status, std::string_view location, std::string_view body = "moved") {
    return answer_of(body, "Location: " + std::string{location} + "\r\n", std::string{status} + " Elsewhere");
}

TEST_P(HttpClientRedirectTest, is_followed_on_the_same_connection) {
    const auto client = make_client();
    ClientRecord record;
    client->send({.url = url("/a/b?c")}, recording(record, client->reactor()));
    const RawSocket peer = serve_one(redirect("302", "../d?e#f"));
    EXPECT_EQ(read_request(peer).line(), "GET /d?e HTTP/1.1");
    peer.send(answer_of("here"));
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.seen().heads, 1u) << "the redirect itself is not told";
    EXPECT_EQ(record.seen().body, "here");
    EXPECT_EQ(record.seen().url, url("/d?e"));
    EXPECT_EQ(client->counters().connections_opened, 1u);
}

TEST_P(HttpClientRedirectTest, what_becomes_of_method_and_body) {
    struct Case {
        std::string status;
        std::string method;
        std::string next;
        bool keeps_body;
    };
    const Case cases[] = {
        {"301", "POST", "GET", false},   {"302", "POST", "GET", false}, {"303", "POST", "GET", false},
        {"307", "POST", "POST", true},   {"308", "POST", "POST", true}, {"301", "PUT", "PUT", true},
        {"302", "PATCH", "PATCH", true}, {"303", "PUT", "GET", false},  {"303", "DELETE", "GET", false},
    };
    const auto client = make_client();
    RawSocket peer;
    for (const auto& [status, method, next, keeps_body] : cases) {
        std::future<ClientResponse> future = client->send(
            {.method = method, .url = url(), .headers = {{"Content-Type", "a/b"}, {"X-A", "1"}}, .body = "body"});
        if (!peer.valid()) peer = listener.accept();
        EXPECT_EQ(read_request(peer).body, "body");
        peer.send(redirect(status, "/next"));
        const SentRequest request = read_request(peer);
        EXPECT_EQ(request.line(), next + " /next HTTP/1.1") << status << method;
        EXPECT_EQ(request.body, keeps_body ? "body" : "") << status << method;
        EXPECT_EQ(request.has_line("Content-Type: a/b"), keeps_body) << status << method;
        EXPECT_TRUE(request.has_line("X-A: 1"));
        peer.send(answer_of("ok"));
        EXPECT_EQ(outcome(std::move(future)).body, "ok");
    }
    std::future<ClientResponse> future = client->head(url());
    ASSERT_FALSE(read_request(peer).head.empty());
    peer.send("HTTP/1.1 303 Elsewhere\r\nLocation: /next\r\n\r\n");
    EXPECT_EQ(read_request(peer).line(), "HEAD /next HTTP/1.1");
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_EQ(outcome(std::move(future)).status, 200u);
}

TEST_P(HttpClientRedirectTest, secrets_stay_with_the_origin_they_are_for) {
    const RawListener other{Transport::tcp};
    const std::string elsewhere = tcp() ? other.address().to_string() : "elsewhere.test";
    const auto client = make_client();
    std::future<ClientResponse> future = client->send({.url = url(),
                                                       .headers = {{"authorization", "Basic x"},
                                                                   {"Cookie", "a=b"},
                                                                   {"Proxy-Authorization", "y"},
                                                                   {"Host", "virtual.test"},
                                                                   {"Accept", "*/*"}}});
    const RawSocket first = serve_one(redirect("302", "/same"));
    const SentRequest same = read_request(first);
    EXPECT_TRUE(same.has_line("authorization: Basic x"));
    EXPECT_TRUE(same.has_line("Host: virtual.test"));
    first.send(redirect("302", "http://" + elsewhere + "/"));
    const RawSocket second = tcp() ? other.accept() : listener.accept();
    EXPECT_EQ(read_request(second).head, "GET / HTTP/1.1\r\nHost: " + elsewhere + "\r\nAccept: */*\r\n\r\n");
    second.send(answer_of("there"));
    const ClientResponse response = outcome(std::move(future));
    EXPECT_EQ(response.body, "there");
    EXPECT_EQ(response.url, "http://" + elsewhere + "/");
}

TEST_P(HttpClientRedirectTest, has_a_bound) {
    const auto client = make_client({.max_redirects = 3});
    std::future<ClientResponse> future = client->get(url());
    const RawSocket peer = serve_one(redirect("302", "/1"));
    for (int i = 0; i < 3; ++i) {
        ASSERT_FALSE(read_request(peer).head.empty());
        peer.send(redirect("302", "/round"));
    }
    EXPECT_EQ(outcome(std::move(future)).error, Errc::too_many_redirects);
}

/// The other way round is in http_client_server_test.cpp: it takes a server with TLS.
TEST_P(HttpClientRedirectTest, from_plain_to_encrypted) {
    const auto client = make_client();
    ClientRecord record;
    const http::RequestId id = client->send({.url = url()}, recording(record, client->reactor()));
    const RawSocket peer = serve_one(redirect("302", "https://" + host() + "/"));
    const RawSocket encrypted = listener.accept();
    EXPECT_EQ(encrypted.receive(1), "\x16") << "a TLS handshake";
    client->cancel(id);
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.error(), Errc::cancelled);
}

TEST_P(HttpClientRedirectTest, what_is_not_followed_is_handed_on) {
    const auto client = make_client();
    RawSocket peer;
    const auto ask = [&](ClientRequest request, std::string_view answer) {
        request.url = url();
        std::future<ClientResponse> future = client->send(std::move(request));
        if (!peer.valid()) peer = listener.accept();
        EXPECT_FALSE(read_request(peer).head.empty());
        peer.send(answer);
        return outcome(std::move(future));
    };
    for (const std::string_view location : {"ftp://a/", "mailto:x", "http://", "http://user@a/", "/a b"}) {
        EXPECT_EQ(ask({}, redirect("302", location)).header("Location"), location);
    }
    EXPECT_EQ(ask({}, answer_of("x", "", "302 Found")).status, 302u) << "no Location";
    EXPECT_EQ(ask({}, answer_of("x", "Location: /a\r\nLocation: /b\r\n", "302 Found")).status, 302u);
    EXPECT_EQ(ask({}, redirect("300", "/a")).status, 300u);
    EXPECT_EQ(ask({}, redirect("304", "/a", "")).status, 304u);
    EXPECT_EQ(ask({}, redirect("201", "/a")).status, 201u);
    EXPECT_EQ(ask({.max_redirects = 0}, redirect("302", "/a")).body, "moved");
    EXPECT_EQ(client->counters().connections_opened, 1u);
}

TEST_P(HttpClientRedirectTest, a_streamed_body_cannot_be_sent_again) {
    const auto client = make_client();
    ClientRecord record;
    client->send({.method = "PUT", .url = url(), .streamed = true},
                 recording(record, client->reactor(), {.on_drain = [](auto& exchange) {
                               EXPECT_EQ(exchange.write("x"), Result::ok);
                               EXPECT_EQ(exchange.end(), Result::ok);
                           }}));
    const RawSocket peer = listener.accept();
    ASSERT_FALSE(read_request(peer).head.empty());
    EXPECT_EQ(read_chunked(peer), "1\r\nx\r\n0\r\n\r\n");
    peer.send(redirect("307", "/next"));
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.seen().status, 307u);

    ClientRecord post;
    client->send({.method = "POST", .url = url(), .streamed = true},
                 recording(post, client->reactor(),
                           {.on_drain = [](auto& exchange) { EXPECT_EQ(exchange.end(), Result::ok); }}));
    ASSERT_FALSE(read_request(peer).head.empty());
    EXPECT_EQ(read_chunked(peer), "0\r\n\r\n");
    peer.send(redirect("303", "/result"));
    EXPECT_EQ(read_request(peer).head, "GET /result HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
    peer.send(answer_of("done"));
    ASSERT_TRUE(post.wait_for_outcome());
    EXPECT_EQ(post.seen().body, "done");
}

TEST_P(HttpClientRedirectTest, a_long_body_of_a_redirect_is_not_read) {
    const auto client = make_client();
    for (const std::string_view framing :
         {"Content-Length: 1000000", "Transfer-Encoding: chunked", "X: until the end"}) {
        std::future<ClientResponse> future = client->get(url());
        const RawSocket first =
            serve_one("HTTP/1.1 302 Found\r\nLocation: /next\r\n" + std::string{framing} + "\r\n\r\n");
        if (framing.starts_with("Transfer")) first.send("20000\r\n" + std::string(0x20000, 'x'));
        const RawSocket second = listener.accept();
        EXPECT_EQ(read_request(second).line(), "GET /next HTTP/1.1") << framing;
        second.send(answer_of("x", "Connection: close\r\n"));
        EXPECT_EQ(outcome(std::move(future)).body, "x");
    }
}

}  // namespace
}  // namespace pollux::test
