// Bodies that are streamed, up and down, held back and let go; and clients that are destroyed at awkward moments.
#include "net/http_client_support.h"

namespace pollux::test {
namespace {

using http::ClientExchange;
using http::ClientResponse;

using HttpClientStreamTest = HttpClientTest;
INSTANTIATE_TEST_SUITE_P(Net, HttpClientStreamTest, each_transport, setting_name);

constexpr std::uint64_t large = std::uint64_t{8} << 20;

TEST_P(HttpClientStreamTest, up_with_a_length) {
    const auto client = make_client();
    ClientRecord record;
    PatternSource source{large, 50'000};
    client->send({.method = "PUT", .url = url(), .streamed = true, .content_length = large},
                 recording(record, client->reactor(), {.on_drain = [&](auto& exchange) { source.pump(exchange); }}));
    const RawSocket peer = listener.accept();
    const SentRequest request = read_request(peer);
    EXPECT_TRUE(request.has_line("Content-Length: " + std::to_string(large)));
    EXPECT_EQ(request.body.size(), large);
    EXPECT_TRUE(matches_pattern(request.body, 0));
    peer.send(answer_of("thanks"));
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.seen().body, "thanks");
    EXPECT_GT(record.seen().drains, 1u) << "it was held back";
    EXPECT_EQ(record.seen().violations, "");
    EXPECT_EQ(client->counters().idle_connections, 1u);
}

TEST_P(HttpClientStreamTest, up_in_chunks_with_trailers) {
    const auto client = make_client();
    ClientRecord record;
    client->send({.method = "POST", .url = url(), .streamed = true},
                 recording(record, client->reactor(), {.on_drain = [](ClientExchange& exchange) {
                               EXPECT_EQ(exchange.write("hello"), Result::ok);
                               EXPECT_EQ(exchange.write(""), Result::ok) << "no chunk: that would be the last";
                               EXPECT_EQ(exchange.write(" world"), Result::ok);
                               const http::Field trailers[] = {{"X-Sum", "1"}};
                               EXPECT_EQ(exchange.end(trailers), Result::ok);
                               EXPECT_EQ(exchange.write("more"), Result::closed);
                               EXPECT_EQ(exchange.end(), Result::closed);
                           }}));
    const RawSocket peer = listener.accept();
    EXPECT_TRUE(read_request(peer).has_line("Transfer-Encoding: chunked"));
    constexpr std::string_view framed = "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n";
    EXPECT_EQ(peer.receive(framed.size()), framed);
    peer.send(answer_of(""));
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.seen().ends, 1u);
}

TEST_P(HttpClientStreamTest, up_in_many_chunks) {
    const auto client = make_client();
    ClientRecord record;
    PatternSource source{large, 65'536};
    client->send({.method = "PUT", .url = url(), .streamed = true},
                 recording(record, client->reactor(), {.on_drain = [&](auto& exchange) { source.pump(exchange); }}));
    const RawSocket peer = listener.accept();
    ASSERT_FALSE(read_request(peer).head.empty());
    std::uint64_t received = 0;
    for (std::uint64_t left = large; left != 0; left -= 65'536) {
        ASSERT_EQ(peer.receive(7), "10000\r\n");
        ASSERT_TRUE(matches_pattern(peer.receive(65'536), received));
        received += 65'536;
        ASSERT_EQ(peer.receive(2), "\r\n");
    }
    EXPECT_EQ(peer.receive(5), "0\r\n\r\n");
    peer.send(answer_of(""));
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.seen().ends, 1u);
}

TEST_P(HttpClientStreamTest, up_from_another_thread) {
    const auto client = make_client();
    ClientRecord record;
    const http::RequestId id =
        client->send({.method = "POST", .url = url(), .streamed = true}, recording(record, client->reactor()));
    const RawSocket peer = listener.accept();
    ASSERT_FALSE(read_request(peer).head.empty());
    ASSERT_TRUE(record.wait_until([](const auto& now) { return now.drains == 1; }));
    for (const std::string_view word : {"one", "two"}) {
        client->access(id, [=](ClientExchange& exchange) { EXPECT_EQ(exchange.write(word), Result::ok); });
        EXPECT_EQ(peer.receive(8), "3\r\n" + std::string{word} + "\r\n");
    }
    client->access(id, [](ClientExchange& exchange) { EXPECT_EQ(exchange.end(), Result::ok); });
    EXPECT_EQ(peer.receive(5), "0\r\n\r\n");
    peer.send(answer_of(""));
    ASSERT_TRUE(record.wait_for_outcome());
    bool called = false;
    client->access(id, [&](ClientExchange&) { called = true; });
    turn_all(engine);
    EXPECT_FALSE(called) << "the id is stale";
}

TEST_P(HttpClientStreamTest, up_not_as_promised) {
    const auto client = make_client();
    const auto fails = [&](std::optional<std::uint64_t> length, std::function<void(ClientExchange&)> work) {
        ClientRecord record;
        client->send({.method = "POST", .url = url(), .streamed = true, .content_length = length},
                     recording(record, client->reactor(), {.on_drain = std::move(work)}));
        const RawSocket peer = listener.accept();
        ASSERT_TRUE(record.wait_for_outcome());
        EXPECT_EQ(record.error(), Errc::invalid_request);
        EXPECT_EQ(record.seen().violations, "");
        EXPECT_NE(peer.receive_rest().bytes.substr(0, 4), "") << "and the server sees a connection that breaks";
    };
    fails(5, [](ClientExchange& exchange) {
        EXPECT_EQ(exchange.write("123456"), Result::too_large);
        EXPECT_EQ(exchange.write("1234"), Result::ok);
        EXPECT_EQ(exchange.write("12"), Result::too_large);
        EXPECT_EQ(exchange.end(), Result::ok);
        EXPECT_EQ(exchange.write("5"), Result::closed);
    });
    fails({}, [](ClientExchange& exchange) {
        const http::Field trailers[] = {{"X", "a\r\nb"}};
        EXPECT_EQ(exchange.end(trailers), Result::ok);
    });
}

TEST_P(HttpClientStreamTest, a_whole_body_larger_than_any_buffer) {
    const auto client = make_client(
        {.connection = {.high_watermark_bytes = 65'536, .low_watermark_bytes = 16'384, .max_pending_bytes = 1 << 20}});
    std::future<ClientResponse> future = client->put(url(), pattern(0, large));
    const RawSocket peer = listener.accept();
    const SentRequest request = read_request(peer);
    EXPECT_EQ(request.body.size(), large);
    EXPECT_TRUE(matches_pattern(request.body, 0));
    peer.send(answer_of("ok"));
    EXPECT_EQ(outcome(std::move(future)).body, "ok");
}

TEST_P(HttpClientStreamTest, down_held_back_and_let_go) {
    const auto client = make_client();
    ClientRecord record;
    const http::RequestId id = client->send(
        {.url = url()},
        recording(record, client->reactor(), {.on_head = [](auto& exchange) { exchange.pause_receiving(); }}));
    const RawSocket peer = serve_one("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large) + "\r\n\r\n");
    ASSERT_TRUE(record.wait_until([](const auto& now) { return now.heads == 1; }));
    const std::string body = pattern(0, large);
    std::thread sender{[&] { EXPECT_TRUE(peer.send(body)); }};
    turn_all(engine);
    EXPECT_EQ(record.seen().body, "");
    client->access(id, [](ClientExchange& exchange) { exchange.resume_receiving(); });
    ASSERT_TRUE(record.wait_for_outcome());
    sender.join();
    EXPECT_EQ(record.seen().body.size(), large);
    EXPECT_TRUE(matches_pattern(record.seen().body, 0));
    EXPECT_EQ(record.seen().violations, "");
}

TEST_P(HttpClientStreamTest, held_back_at_every_part) {
    const auto client = make_client();
    ClientRecord record;
    http::RequestId id{1};
    const auto hold = [&](ClientExchange& exchange) {
        exchange.pause_receiving();
        client->access(id, [](ClientExchange& later) {
            later.resume_receiving();
            later.pause_receiving();
            later.resume_receiving();
        });
    };
    ASSERT_EQ(client->send({.url = url()},
                           recording(record, client->reactor(),
                                     {.on_head = hold, .on_body = [&](auto& exchange, auto) { hold(exchange); }})),
              id);
    // Everything is there at once, and the end of the connection too.
    std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    for (int i = 0; i < 100; ++i) answer += "3\r\nabc\r\n";
    serve_one(answer + "0\r\nX: y\r\n\r\n").close();
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.seen().parts, 100u);
    EXPECT_EQ(record.seen().ends, 1u) << record.error().message();
    EXPECT_EQ(record.seen().trailers, "X=y;");
    EXPECT_EQ(record.seen().violations, "");
}

TEST_P(HttpClientStreamTest, an_answer_without_a_body_that_is_held_back) {
    const auto client = make_client();
    ClientRecord record;
    const http::RequestId id = client->send(
        {.url = url()},
        recording(record, client->reactor(), {.on_head = [](auto& exchange) { exchange.pause_receiving(); }}));
    const RawSocket peer = serve_one("HTTP/1.1 204 None\r\n\r\n");
    ASSERT_TRUE(record.wait_until([](const auto& now) { return now.heads == 1; }));
    turn_all(engine);
    EXPECT_FALSE(record.seen().over());
    client->access(id, [](ClientExchange& exchange) { exchange.resume_receiving(); });
    ASSERT_TRUE(record.wait_for_outcome());
    EXPECT_EQ(record.seen().ends, 1u);
}

TEST_P(HttpClientStreamTest, given_up_in_each_callback) {
    const auto client = make_client();
    const auto give_up = [](ClientExchange& exchange) { exchange.cancel(); };
    for (const ClientHooks& hooks :
         {ClientHooks{.on_head = give_up}, ClientHooks{.on_body = [&](auto&exchange, auto) { give_up(exchange); }},
          ClientHooks{.on_drain = give_up}}) {
        ClientRecord record;
        client->send({.method = "POST", .url = url(), .streamed = static_cast<bool>(hooks.on_drain)},
                     recording(record, client->reactor(), hooks));
        const RawSocket peer = listener.accept();
        ASSERT_FALSE(read_request(peer).head.empty());
        if (!hooks.on_drain) peer.send(answer_of("hello"));
        ASSERT_TRUE(record.wait_for_outcome());
        EXPECT_EQ(record.error(), Errc::cancelled);
        EXPECT_EQ(record.seen().violations, "");
        EXPECT_EQ(peer.receive(1), "");
    }
}

TEST_P(HttpClientStreamTest, callbacks_send_further_requests) {
    const auto client = make_client();
    std::promise<ClientResponse> promise;
    client->send({.url = url("/1")}, [&](ClientResponse first) {
        EXPECT_EQ(first.body, "1");
        client->send({.url = url("/2")}, [&](ClientResponse second) { promise.set_value(std::move(second)); });
    });
    const RawSocket peer = serve_one(answer_of("1"));
    EXPECT_EQ(read_request(peer).line(), "GET /2 HTTP/1.1");
    peer.send(answer_of("2"));
    EXPECT_EQ(outcome(promise.get_future()).body, "2");
}

TEST_P(HttpClientStreamTest, destroyed_in_each_callback) {
    for (int place = 0; place < 4; ++place) {
        auto client = make_client();
        const Reactor& reactor = client->reactor();
        ClientRecord record;
        Gate other_over;
        const auto destroy = [&, place](int here) {
            if (place == here) client.reset();
        };
        client->send({.url = url()}, [&](ClientResponse response) {
            EXPECT_EQ(response.error, Errc::cancelled);
            other_over.open();
        });
        client->send({.method = "POST", .url = url(), .streamed = place == 3},
                     recording(record, reactor,
                               {.on_head = [&](auto&) { destroy(0); },
                                .on_body = [&](auto&, auto) { destroy(1); },
                                .on_drain = [&](auto&) { destroy(3); },
                                .on_end = [&] { destroy(2); }}));
        RawSocket peers[] = {listener.accept(), listener.accept()};
        for (RawSocket& peer : peers) {
            if (read_request(peer).line().starts_with("POST") && place != 3) peer.send(answer_of("hello"));
        }
        ASSERT_TRUE(record.wait_for_outcome()) << place;
        ASSERT_TRUE(other_over.wait()) << place;
        // What was received with the callback's part may be told before the destruction.
        EXPECT_TRUE(record.error() == Errc::cancelled || record.seen().ends == 1) << place;
        EXPECT_EQ(record.seen().violations, "") << place;
    }
}

TEST_P(HttpClientStreamTest, destroyed_by_a_thread_while_requests_wait) {
    auto client = make_client({.max_connections_per_host = 2});
    std::vector<std::future<ClientResponse>> futures;
    for (int i = 0; i < 20; ++i) futures.push_back(client->get(url()));
    const RawSocket peer = serve_one("HTTP/1.1 200 OK\r\n");
    client.reset();
    for (auto& future : futures) {
        ASSERT_EQ(future.wait_for(0s), std::future_status::ready) << "the destructor waits for every outcome";
        EXPECT_EQ(future.get().error, Errc::cancelled);
    }
}

}  // namespace
}  // namespace pollux::test
