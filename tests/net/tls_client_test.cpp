// Pollux's clients over TLS: reconnecting, stopping, the blocking client, names.
#include <array>
#include <span>

#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsClientTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsClientTest, everywhere, setting_name);

TEST_P(TlsClientTest, comes_back_to_a_server_that_restarts) {
    auto server = serve_tls({.on_data = echo});
    ClientOptions options = secure_client_of(server->address());
    options.reconnect = quickly;
    auto client =
        connect_client(std::move(options),
                       {.on_open = [](Connection& connection) { EXPECT_EQ(connection.send("hello"), Result::ok); }});
    ASSERT_TRUE(client_seen.wait_for_bytes(5));
    for (std::size_t round = 1; round <= 3; ++round) {
        const Status status = server->restart();
        ASSERT_TRUE(status) << status;
        ASSERT_TRUE(client_seen.wait_for_bytes(5 * (round + 1)));
        EXPECT_GE(client_seen.seen().closes, round);
        EXPECT_EQ(client_seen.seen().handlers, 1u) << "one handler over all reconnects";
        EXPECT_NE(client_seen.id(round), client_seen.id(round - 1));
    }
    client->stop();
    EXPECT_EQ(client_seen.seen().closes, client_seen.seen().opens);
    EXPECT_EQ(client_seen.seen().handlers, 0u) << "stop waits until the handler is destroyed";
}

TEST_P(TlsClientTest, comes_back_when_asked_to) {
    auto server = serve_tls();
    ClientOptions options = secure_client_of(server->address());
    options.reconnect = quickly;
    auto client = connect_client(std::move(options));
    for (std::size_t round = 1; round <= 3; ++round) {
        ASSERT_TRUE(client_seen.wait_for_opens(round));
        ASSERT_TRUE(eventually([&] { return client->connected(); }));
        client->reconnect();
    }
    EXPECT_TRUE(client_seen.wait_for_opens(4));
    EXPECT_TRUE(client_seen.wait_for_closes(3));
    for (std::size_t round = 0; round < 3; ++round) EXPECT_EQ(client_seen.reason(round), CloseReason::local_close);
}

TEST_P(TlsClientTest, tries_a_failed_handshake_again_and_counts) {
    const RawListener listener{transport()};
    ClientOptions options = secure_client_of(listener.address());
    options.reconnect = quickly;
    auto client = connect_client(std::move(options));
    for (unsigned attempt = 1; attempt <= 3; ++attempt) {
        (void)listener.accept().send("no TLS here, whatever it was that you said\r\n");
        ASSERT_TRUE(client_seen.wait_for_connect_errors(attempt));
        const ConnectError failure = client_seen.seen().connect_errors[attempt - 1];
        EXPECT_EQ(failure.attempt, attempt);
        EXPECT_TRUE(failure.will_retry);
        EXPECT_FALSE(client->connected());
    }
    TlsPeer peer{listener.accept(), TlsRole::server, {.identity = "server-ecdsa"}};
    ASSERT_TRUE(peer.handshake()) << peer.failure();
    EXPECT_TRUE(client_seen.wait_for_opens(1));
    EXPECT_EQ(client_seen.seen().handlers, 1u);
}

TEST_P(TlsClientTest, is_not_connected_and_has_no_id_before_the_handshake_is_done) {
    const RawListener listener{transport()};
    auto client = connect_client(secure_client_of(listener.address()));
    TlsPeer peer{listener.accept(), TlsRole::server, {.identity = "server-ecdsa"}};
    ASSERT_TRUE(peer.hear());
    turn_all(engine, 3);
    EXPECT_FALSE(client->connected());
    EXPECT_EQ(client->connection_id(), ConnectionId{});
    EXPECT_EQ(client->send("too early"), Result::closed);
    EXPECT_EQ(client_seen.seen().opens, 0u);
    ASSERT_TRUE(peer.handshake()) << peer.failure();
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    EXPECT_TRUE(eventually([&] { return client->send("now") == Result::ok; }));
    EXPECT_EQ(peer.receive(3), "now");
}

TEST_P(TlsClientTest, other_threads_send) {
    auto server = serve_tls({.on_data = echo});
    auto client = connect_client(secure_client_of(server->address()));
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    const std::size_t messages = scaled(2000);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (std::size_t number = 0; number < messages; ++number) {
                ASSERT_TRUE(eventually([&] { return client->send("0123456789") == Result::ok; }));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(client_seen.wait_for_bytes(4 * messages * 10));
    EXPECT_EQ(client_seen.seen().received.size(), 4 * messages * 10);
}

TEST_P(TlsClientTest, stop_drains_what_is_pending) {
    constexpr std::size_t size = 4 * mebibyte;
    TlsPair pair{engine, transport(), Side::client, client_seen, {.on_open = [](Connection& connection) {
                     EXPECT_EQ(connection.send(pattern(0, size)), Result::ok);
                 }}};
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    std::thread stopper{[&] { pair.client->stop(); }};
    const TlsPeer::Rest rest = pair.peer.receive_rest();
    EXPECT_TRUE(pair.peer.finish_sending());
    pair.peer.close();
    stopper.join();
    EXPECT_EQ(rest.end, TlsEnd::close_notify);
    EXPECT_EQ(rest.bytes.size(), size);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
}

TEST_P(TlsClientTest, stopped_and_started_again_many_times) {
    auto server = serve_tls({.on_data = echo});
    Client<Recording> client{engine, secure_client_of(server->address()), std::ref(client_seen)};
    for (std::size_t round = 0; round < scaled(60); ++round) {
        ASSERT_TRUE(client.start());
        // At once, after a moment, and when it is connected.
        if (round % 3 == 1) turn_all(engine, static_cast<int>(round % 7));
        if (round % 3 == 2) {
            ASSERT_TRUE(eventually([&] { return client.connected(); }));
        }
        client.stop();
        EXPECT_FALSE(client.connected());
        const Recorder::Seen now = client_seen.seen();
        ASSERT_EQ(now.opens, now.closes);
        ASSERT_EQ(now.handlers, 0u);
    }
}

TEST_P(TlsClientTest, stopped_during_the_handshake) {
    const RawListener listener{transport()};
    auto client = connect_client(secure_client_of(listener.address()));
    TlsPeer peer{listener.accept(), TlsRole::server, {.identity = "server-ecdsa"}};
    ASSERT_TRUE(peer.hear());
    client->stop();
    EXPECT_EQ(client_seen.seen().opens, 0u);
    EXPECT_EQ(client_seen.seen().handlers, 0u);
    EXPECT_NE(peer.socket().receive_rest().error, EAGAIN);
}

TEST_P(TlsClientTest, the_blocking_client) {
    auto server = serve_tls({.on_data = echo});
    for (const bool own_engine : {true, false}) {
        const auto client = own_engine ? std::make_unique<BlockingClient>() : std::make_unique<BlockingClient>(engine);
        for (int round = 0; round < 3; ++round) {
            Status status = client->connect(secure_client_of(server->address()));
            ASSERT_TRUE(status) << status;
            EXPECT_TRUE(client->connected());
            status = client->send("hello");
            ASSERT_TRUE(status) << status;
            EXPECT_EQ(receive_text(*client, 5), "hello");
            status = client->close();
            EXPECT_TRUE(status) << status;
        }
    }
    EXPECT_TRUE(seen.wait_for_closes(6));
}

TEST_P(TlsClientTest, the_blocking_client_half_closes) {
    auto server = serve_tls({.on_end = [this](Connection& connection) {
        EXPECT_EQ(connection.send("you said: " + seen.seen().received), Result::ok);
        connection.close();
    }});
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(secure_client_of(server->address())));
    ASSERT_TRUE(client.send("good bye"));
    const Status status = client.close_send();
    ASSERT_TRUE(status) << status;
    EXPECT_EQ(receive_text(client, 18), "you said: good bye");
    std::array<std::byte, 1> buffer{};
    std::size_t received = 1;
    EXPECT_TRUE(client.receive(buffer, received));
    EXPECT_EQ(received, 0u);
}

TEST_P(TlsClientTest, the_blocking_client_tells_what_failed) {
    auto server = serve_tls();
    BlockingClient client{engine};
    ClientOptions options = secure_client_of(server->address());
    options.server_name = "somebody.else.test";
    const Status status = client.connect(std::move(options));
    EXPECT_FALSE(status);
    EXPECT_EQ(status.error().category(), certificate_category()) << status;
    EXPECT_FALSE(client.connected());
}

TEST_P(TlsClientTest, the_blocking_client_notices_a_truncation) {
    const RawListener listener{transport()};
    BlockingClient client{engine};
    Status connected;
    std::thread connecting{[&] { connected = client.connect(secure_client_of(listener.address())); }};
    TlsPeer peer{listener.accept(), TlsRole::server, {.identity = "server-ecdsa"}};
    EXPECT_TRUE(peer.handshake()) << peer.failure();
    connecting.join();
    ASSERT_TRUE(connected) << connected;
    ASSERT_TRUE(peer.send("half a"));
    peer.close();
    EXPECT_EQ(receive_text(client, 6), "half a");
    std::array<std::byte, 10> buffer{};
    std::size_t received = 1;
    EXPECT_FALSE(client.receive(buffer, received)) << "an end that TLS did not say is no success";
    EXPECT_EQ(received, 0u);
}

TEST_P(TlsClientTest, mistakes_in_the_options_are_told_by_start) {
    const auto expect_refused = [&](ClientOptions options, const char* name) {
        Client<Recording> client{engine, std::move(options), std::ref(client_seen)};
        const Status status = client.start();
        EXPECT_FALSE(status);
        EXPECT_NE(status.message().find(name), std::string::npos) << status;
    };
    const RawListener listener{transport()};
    expect_refused({.endpoint = listener.endpoint(), .tls = server_context(), .server_name = "localhost"}, "tls");
    expect_refused({.endpoint = listener.endpoint(),
                    .tls = TlsContext::client({.trust = {.ca_file = certificate_file("missing.pem")}}),
                    .server_name = "localhost"},
                   "missing.pem");
    if (!tcp()) expect_refused({.endpoint = listener.endpoint(), .tls = client_context()}, "server_name");
    ClientOptions no_time = secure_client_of(listener.address());
    no_time.connection.handshake_timeout = 0ms;
    expect_refused(std::move(no_time), "handshake_timeout");

    Server<Recording> server{engine, {.endpoint = endpoint(), .tls = client_context()}, std::ref(seen)};
    EXPECT_FALSE(server.start());
    Server<Recording> missing{
        engine, {.endpoint = endpoint(), .tls = TlsContext::server(server_options("missing"))}, std::ref(seen)};
    const Status status = missing.start();
    EXPECT_FALSE(status);
    EXPECT_NE(status.message().find("missing.pem"), std::string::npos) << status;
}

}  // namespace
}  // namespace pollux::test
