// The blocking client: straight-line code against servers that behave and peers that do not.
#include <array>
#include <span>

#include "support.h"

namespace pollux::test {
namespace {

using BlockingClientTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, BlockingClientTest, everywhere, setting_name);

TEST_P(BlockingClientTest, connects_sends_and_receives) {
    auto server = serve({.on_data = echo});
    for (const bool own_engine : {true, false}) {
        const auto client = own_engine ? std::make_unique<BlockingClient>() : std::make_unique<BlockingClient>(engine);
        EXPECT_FALSE(client->connected());
        Status status = client->connect(endpoint_of(server->address()));
        ASSERT_TRUE(status) << status;
        EXPECT_TRUE(client->connected());
        for (int round = 0; round < 100; ++round) {
            status = client->send("hello");
            ASSERT_TRUE(status) << status;
            ASSERT_EQ(receive_text(*client, 5), "hello");
        }
        status = client->close();
        EXPECT_TRUE(status) << status;
        EXPECT_FALSE(client->connected());
    }
    EXPECT_TRUE(seen.wait_for_closes(2));
}

TEST_P(BlockingClientTest, connects_again_after_close) {
    auto server = serve({.on_data = echo});
    BlockingClient client{engine};
    for (int round = 0; round < 10; ++round) {
        const Status status = client.connect(endpoint_of(server->address()));
        ASSERT_TRUE(status) << status;
        ASSERT_TRUE(client.send("again"));
        ASSERT_EQ(receive_text(client, 5), "again");
        ASSERT_TRUE(client.close());
    }
}

TEST_P(BlockingClientTest, receive_takes_what_is_there) {
    auto server = serve({.on_open = [](Connection& connection) { connection.send("0123456789"); }});
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(endpoint_of(server->address())));
    std::string heard;
    while (heard.size() < 10) {
        std::array<std::byte, 3> buffer{};
        std::size_t received = 0;
        ASSERT_TRUE(client.receive(buffer, received));
        ASSERT_GT(received, 0u);
        ASSERT_LE(received, 3u);
        heard += as_text(Bytes{buffer}.first(received));
    }
    EXPECT_EQ(heard, "0123456789");
}

TEST_P(BlockingClientTest, the_end_of_the_stream_is_a_success_of_no_bytes) {
    auto server = serve({.on_open = [](Connection& connection) {
        connection.send("last");
        connection.close();
    }});
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(endpoint_of(server->address())));
    std::array<std::byte, 10> buffer{};
    std::size_t received = 77;
    const Status status = client.receive_exactly(buffer, received);
    EXPECT_EQ(status.error(), Errc::closed_by_peer) << status;
    EXPECT_EQ(received, 4u);
    EXPECT_EQ(as_text(Bytes{buffer}.first(4)), "last");
    for (int again = 0; again < 2; ++again) {
        received = 77;
        EXPECT_TRUE(client.receive(buffer, received));
        EXPECT_EQ(received, 0u);
    }
}

TEST_P(BlockingClientTest, half_closes) {
    auto server = serve({.on_end = [this](Connection& connection) {
        EXPECT_EQ(connection.send("you said: " + seen.seen().received), Result::ok);
        connection.close();
    }});
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(endpoint_of(server->address())));
    ASSERT_TRUE(client.send("good bye"));
    const Status status = client.close_send();
    ASSERT_TRUE(status) << status;
    EXPECT_EQ(receive_text(client, 18), "you said: good bye");
    std::array<std::byte, 1> buffer{};
    std::size_t received = 1;
    EXPECT_TRUE(client.receive(buffer, received));
    EXPECT_EQ(received, 0u);
    EXPECT_FALSE(client.send("more")) << "no send after close_send";
}

TEST_P(BlockingClientTest, sends_more_than_fits_anywhere_in_pieces) {
    constexpr std::size_t size = 24 * mebibyte;  // above max_pending_bytes and every mailbox
    const RawListener listener{transport()};
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(listener.endpoint()));
    const RawSocket peer = listener.accept();
    RawSocket::Rest rest;
    std::thread reader{[&] { rest = peer.receive_rest(); }};
    const Status status = client.send(pattern(0, size), 4 * patience);
    EXPECT_TRUE(status) << status;
    EXPECT_TRUE(client.close_send());
    reader.join();
    EXPECT_EQ(rest.bytes.size(), size);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
}

TEST_P(BlockingClientTest, holds_back_a_peer_that_sends_too_much) {
    const RawListener listener{transport()};
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(listener.endpoint()));
    const RawSocket peer = listener.accept();
    std::size_t pushed = 0;
    for (int idle = 0; idle < 3;) {
        const std::size_t sent = peer.send_some(pattern(pushed, 128 * 1024));
        pushed += sent;
        idle = sent != 0 ? 0 : idle + 1;
        if (sent == 0) turn_all(engine);
        ASSERT_LT(pushed, 256 * mebibyte) << "the client buffers without end";
    }
    EXPECT_TRUE(matches_pattern(receive_text(client, pushed), 0));
    ASSERT_TRUE(peer.send("and on"));
    EXPECT_EQ(receive_text(client, 6), "and on");
}

TEST_P(BlockingClientTest, receive_runs_out_of_time) {
    auto server = serve({.on_data = echo});
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(endpoint_of(server->address())));
    std::array<std::byte, 10> buffer{};
    std::size_t received = 77;
    const Clock::time_point start = Clock::now();
    EXPECT_EQ(client.receive(buffer, received, 50ms).error(), Errc::timed_out);
    EXPECT_GE(Clock::now() - start, 50ms);
    EXPECT_EQ(received, 0u);
    ASSERT_TRUE(client.send("1234"));
    EXPECT_EQ(client.receive_exactly(buffer, received, 100ms).error(), Errc::timed_out);
    EXPECT_TRUE(client.connected()) << "a timeout of receive ends nothing";
    ASSERT_TRUE(client.send("ping"));
}

TEST_P(BlockingClientTest, send_runs_out_of_time_when_the_peer_does_not_read) {
    const RawListener listener{transport()};
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(listener.endpoint()));
    const RawSocket peer = listener.accept();
    EXPECT_EQ(client.send(std::string(64 * mebibyte, 'x'), 100ms).error(), Errc::timed_out);
}

TEST_P(BlockingClientTest, close_runs_out_of_time_when_the_peer_does_not_close) {
    const RawListener listener{transport()};
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(listener.endpoint()));
    const RawSocket peer = listener.accept();
    const Status status = client.close(50ms);
    EXPECT_EQ(status.error(), Errc::timed_out) << status;
}

TEST_P(BlockingClientTest, nobody_there_is_told_with_the_endpoint) {
    std::string target;
    {
        const RawListener listener{transport()};
        target = listener.endpoint();
    }
    BlockingClient client{engine};
    const Status status = client.connect(target);
    EXPECT_EQ(status.error(), tcp() ? std::errc::connection_refused : std::errc::no_such_file_or_directory) << status;
    EXPECT_NE(status.message().find(target), std::string::npos) << status;
    EXPECT_FALSE(client.connected());
    EXPECT_FALSE(client.send("x"));
    std::array<std::byte, 1> buffer{};
    std::size_t received = 1;
    EXPECT_FALSE(client.receive(buffer, received));
    EXPECT_EQ(received, 0u);
    EXPECT_FALSE(client.close_send());
    EXPECT_EQ(client.connect("nonsense").error(), Errc::invalid_endpoint);
}

TEST_P(BlockingClientTest, connect_runs_out_of_time) {
    if (!tcp()) GTEST_SKIP() << "a Unix connect is never in between";
    const RawListener hole{Transport::tcp, 0};
    std::vector<RawSocket> waiting;
    for (int index = 0; index < 8; ++index) waiting.push_back(RawSocket::connect_without_waiting(hole.address()));
    BlockingClient client{engine};
    const Clock::time_point start = Clock::now();
    const Status status = client.connect(hole.endpoint(), 100ms);
    EXPECT_TRUE(status.error() == Errc::timed_out || status.error() == std::errc::timed_out) << status;
    EXPECT_GE(Clock::now() - start, 100ms);
    EXPECT_FALSE(client.connected());
}

TEST_P(BlockingClientTest, a_reset_is_an_error) {
    const RawListener listener{transport()};
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(listener.endpoint()));
    ASSERT_TRUE(client.send("unread"));
    RawSocket peer = listener.accept();
    peer.reset();
    std::array<std::byte, 1> buffer{};
    std::size_t received = 1;
    const Status status = client.receive(buffer, received);
    EXPECT_EQ(received, 0u);
    if (tcp()) {
        EXPECT_EQ(status.error(), std::errc::connection_reset) << status;
    }
    EXPECT_TRUE(eventually([&] { return !client.connected(); }));
    EXPECT_FALSE(client.send("x"));
}

TEST_P(BlockingClientTest, never_on_a_reactor) {
    auto server = serve({.on_data = echo});
    BlockingClient client{engine};
    ASSERT_TRUE(client.connect(endpoint_of(server->address())));
    run_on(engine.reactor(0), [&] {
        std::array<std::byte, 1> buffer{};
        std::size_t received = 1;
        EXPECT_EQ(client.connect(endpoint_of(server->address())).error(), Errc::wrong_thread);
        EXPECT_EQ(client.send("x").error(), Errc::wrong_thread);
        EXPECT_EQ(client.receive(buffer, received).error(), Errc::wrong_thread);
        EXPECT_EQ(received, 0u);
        EXPECT_EQ(client.receive_exactly(buffer, received).error(), Errc::wrong_thread);
        EXPECT_EQ(client.close().error(), Errc::wrong_thread);
    });
    ASSERT_TRUE(client.send("fine"));
    EXPECT_EQ(receive_text(client, 4), "fine");
}

TEST_P(BlockingClientTest, destroyed_while_connected) {
    auto server = serve({.on_data = echo});
    {
        BlockingClient client;
        ASSERT_TRUE(client.connect(endpoint_of(server->address())));
    }
    {
        BlockingClient client{engine};
        ASSERT_TRUE(client.connect(endpoint_of(server->address())));
    }
    EXPECT_TRUE(seen.wait_for_closes(2));
}

TEST_P(BlockingClientTest, the_engine_stops_under_it) {
    auto server = serve({.on_data = echo});
    Engine stopping;
    ASSERT_TRUE(stopping.start());
    BlockingClient client{stopping};
    ASSERT_TRUE(client.connect(endpoint_of(server->address())));
    std::thread stopper{[&] { stopping.stop(); }};
    std::array<std::byte, 1> buffer{};
    std::size_t received = 1;
    (void)client.receive(buffer, received);
    EXPECT_EQ(received, 0u);
    stopper.join();
    stopping.wait();
    EXPECT_FALSE(client.connected());
    EXPECT_FALSE(client.send("x"));
}

}  // namespace
}  // namespace pollux::test
