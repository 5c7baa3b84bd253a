// Messages to every WebSocket of a server, and what becomes of those that do not read.
#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using ws::MessageType;
using ws::WebSocket;

/// The wire and the number of reactors.
using BroadcastSetting = std::tuple<Wire, std::size_t>;

class WsBroadcastTest : public WsTest, public testing::WithParamInterface<BroadcastSetting> {
protected:
    WsBroadcastTest() : WsTest(std::get<0>(GetParam()), std::get<1>(GetParam())) {}

    [[nodiscard]] std::vector<WsPeer> join_many(std::size_t count) {
        std::vector<WsPeer> peers;
        for (std::size_t i = 0; i < count; ++i) peers.push_back(join());
        EXPECT_TRUE(seen.wait_for_opens(count));
        return peers;
    }

    /// Broadcasts, however full the mailboxes are.
    void insist(MessageType type, Bytes data) {
        Result result = Result::would_block;
        while ((result = server->broadcast(type, data)) == Result::would_block) std::this_thread::yield();
        EXPECT_EQ(result, Result::ok);
    }
};

INSTANTIATE_TEST_SUITE_P(
    Net, WsBroadcastTest, testing::Combine(every_wire, testing::Values(1u, 2u)), [](const auto& setting) {
        return wire_name({std::get<0>(setting.param), 0}) + "_" + std::to_string(std::get<1>(setting.param));
    });

TEST_P(WsBroadcastTest, reach_everyone_in_order) {
    serve();
    std::vector<WsPeer> peers = join_many(10);
    const std::size_t sizes[] = {0, 1, 125, 126, 10'000, 65535, 65536, 100'000};
    for (const std::size_t size : sizes) insist(MessageType::binary, as_bytes(pattern(size, size)));
    EXPECT_EQ(server->broadcast("text"), Result::ok);
    EXPECT_EQ(server->broadcast(ws::PreparedMessage{"prepared"}), Result::ok);
    EXPECT_EQ(ws::broadcast(*server, "by the function"), Result::ok);
    for (WsPeer& peer : peers) {
        for (const std::size_t size : sizes) ASSERT_EQ(peer.read(), binary(pattern(size, size)));
        EXPECT_EQ(peer.read(), text("text"));
        EXPECT_EQ(peer.read(), text("prepared"));
        EXPECT_EQ(peer.read(), text("by the function"));
        peer.shake_hands_and_close();
    }
}

TEST_P(WsBroadcastTest, keep_their_place_between_other_sends_of_the_thread) {
    serve();
    std::vector<WsPeer> peers = join_many(1);
    const std::size_t rounds = scaled(1000);
    for (std::size_t round = 0; round < rounds; ++round) {
        const std::string message = std::to_string(round);
        ASSERT_TRUE(eventually([&] {
            return (round % 3 == 0 ? server->broadcast(message) : ws::send(engine, seen.id(), message)) == Result::ok;
        }));
    }
    for (std::size_t round = 0; round < rounds; ++round) ASSERT_EQ(peers[0].read(), text(std::to_string(round)));
    peers[0].shake_hands_and_close();
}

TEST_P(WsBroadcastTest, from_a_callback_keep_the_order_with_send) {
    const ws::PreparedMessage second{"2"};
    serve({.on_message = [&](WebSocket& socket, MessageType, Bytes) {
        EXPECT_EQ(socket.send("1"), Result::ok);
        EXPECT_EQ(server->broadcast_on(socket.reactor(), second), Result::ok);
        EXPECT_EQ(socket.send("3"), Result::ok);
        EXPECT_EQ(server->broadcast_on(socket.reactor(), second), Result::ok);
        EXPECT_EQ(socket.ping("4"), Result::ok);
    }});
    std::vector<WsPeer> peers = join_many(1);
    for (int round = 0; round < 20; ++round) {
        peers[0].send(text("go"));
        ASSERT_EQ(peers[0].read(), text("1"));
        ASSERT_EQ(peers[0].read(), text("2"));
        ASSERT_EQ(peers[0].read(), text("3"));
        ASSERT_EQ(peers[0].read(), text("2"));
        ASSERT_EQ(peers[0].read(), ping("4"));
    }
    peers[0].shake_hands_and_close();
}

TEST_P(WsBroadcastTest, a_handler_reaches_the_others_by_its_connection) {
    serve({.on_message = [](WebSocket& socket, MessageType type, Bytes data) {
        EXPECT_EQ(ws::broadcast(*socket.connection().server(), type, data), Result::ok);
    }});
    std::vector<WsPeer> peers = join_many(4);
    for (WsPeer& speaker : peers) {
        speaker.send(text("to all"));
        for (WsPeer& peer : peers) ASSERT_EQ(peer.read(), text("to all"));
    }
    for (WsPeer& peer : peers) peer.shake_hands_and_close();
}

TEST_P(WsBroadcastTest, reach_clients_of_ours_that_deflate) {
    const ws::Deflate deflate{.enabled = true, .memory = ws::DeflateMemory::per_connection, .min_bytes = 0};
    serve(echoing(), {.socket = {.deflate = deflate}});
    open_client({}, {.socket = {.deflate = deflate}});
    ASSERT_TRUE(seen.wait_for_opens(1) && client_seen.wait_for_opens(1));
    const std::string message(1000, 'x');
    for (std::size_t round = 1; round <= 20; ++round) {
        ASSERT_EQ(client->send(message), Result::ok);
        ASSERT_EQ(server->broadcast(message), Result::ok);
        ASSERT_TRUE(ws_client_seen.wait_for_messages(2 * round));
    }
    for (const SeenMessage& one : ws_client_seen.seen().messages) EXPECT_EQ(one.data, message);
}

TEST_P(WsBroadcastTest, those_that_close_get_nothing_more) {
    serve({.on_message = [](WebSocket& socket, MessageType, Bytes) { socket.close(); }});
    std::vector<WsPeer> peers = join_many(3);
    insist(MessageType::text, as_bytes("to all"));
    for (WsPeer& peer : peers) EXPECT_EQ(peer.read(), text("to all"));
    peers[0].send(text("close"));
    EXPECT_EQ(peers[0].read_close(), ws::close_code::normal);
    peers[1].send(close(4000));
    EXPECT_EQ(peers[1].read_close(), 4000);
    insist(MessageType::text, as_bytes("to those that are open"));
    EXPECT_EQ(peers[2].read(), text("to those that are open"));
    peers[0].send(close(ws::close_code::normal));
    EXPECT_TRUE(peers[0].is_closed());
    EXPECT_TRUE(peers[1].is_closed());
    peers[2].shake_hands_and_close();
}

TEST_P(WsBroadcastTest, of_a_server_that_is_stopped_are_closed) {
    serve();
    server->stop();
    EXPECT_EQ(server->broadcast("nobody"), Result::closed);
}

// A server of both.

/// A WebSocket of the router's: the record is the test's.
class MixedServerTest : public HttpTest {
protected:
    void SetUp() override {
        HttpTest::SetUp();
        const auto upgrade = [this](const http::Request& request, http::Response& response) {
            if (request.raw_path() == "/ws") {
                EXPECT_EQ(ws::upgrade<WsRecording>(response, {}, std::ref(ws_seen), WsHooks{}), Result::ok);
            } else if (request.raw_path() == "/later") {
                answer_later(request, response, "later");
            } else {
                response.send("answer");
            }
        };
        serve({.on_request = upgrade});
    }

    void TearDown() override {
        HttpTest::TearDown();
        upgraded.expect_in_order("upgraded");
    }

    [[nodiscard]] WsPeer join_socket() const {
        WsPeer peer{Role::client, RawSocket::connect(server->address())};
        EXPECT_EQ(peer.upgrade("/ws").status, 101u);
        return peer;
    }

    Recorder upgraded;
    WsRecorder ws_seen{upgraded};
};

TEST_F(MixedServerTest, connections_that_speak_http_get_nothing) {
    HttpPeer silent = connect();
    HttpPeer asked = connect();
    EXPECT_EQ(asked.get("/").body, "answer");
    HttpPeer kept = connect();
    kept.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    WsPeer socket = join_socket();
    ASSERT_TRUE(upgraded.wait_for_opens(1));
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(ws::broadcast(*server, "to sockets"), Result::ok);
        EXPECT_EQ(socket.read(), text("to sockets"));
        EXPECT_EQ(asked.get("/").body, "answer");
    }
    EXPECT_EQ(kept.read().body, "later");
    EXPECT_EQ(silent.get("/").body, "answer");
    socket.shake_hands_and_close();
}

TEST_F(MixedServerTest, upgrades_race_with_broadcasts) {
    std::atomic<bool> go_on{true};
    std::thread announcer{[&] {
        while (go_on) {
            static_cast<void>(ws::broadcast(*server, "tick"));
            std::this_thread::sleep_for(20us);  // so that members keep up
        }
    }};
    for (std::size_t round = 0; round < scaled(200) && !HasFailure(); ++round) {
        HttpPeer page = connect();
        EXPECT_EQ(page.get("/").body, "answer");
        WsPeer socket = join_socket();
        EXPECT_EQ(socket.read(), text("tick")) << "the first frame is a whole one";
        socket.send(close(1000));
        std::optional<WsFrame> frame;
        while ((frame = socket.read()) == text("tick")) {
        }
        EXPECT_EQ(frame, close(1000));
        EXPECT_TRUE(socket.is_closed());
    }
    go_on = false;
    announcer.join();
}

// Those that do not read.

class WsSlowConsumerTest : public WsTest {
protected:
    static ServerOptions narrow(SlowConsumer slow_consumer) {
        return {.connection = {.kernel_send_buffer_bytes = 16 * kibibyte,
                               .high_watermark_bytes = 256 * kibibyte,
                               .low_watermark_bytes = 64 * kibibyte,
                               .max_pending_bytes = 1024 * kibibyte},
                .slow_consumer = slow_consumer};
    }

    const std::string message = pattern(0, 32 * kibibyte);
};

TEST_F(WsSlowConsumerTest, is_closed_and_the_others_lose_nothing) {
    serve({}, {}, narrow(SlowConsumer::close));
    WsPeer silent = join({}, 16 * 1024);
    WsPeer reader = join();
    ASSERT_TRUE(seen.wait_for_opens(2));
    std::size_t sent = 0;
    for (; sent < 2000 && seen.seen().closes == 0; ++sent) {
        ASSERT_TRUE(eventually([&] { return server->broadcast(as_bytes(message)) == Result::ok; }));
        ASSERT_EQ(reader.read(), binary(message)) << sent;
    }
    EXPECT_EQ(ws_seen.close().cause, CloseReason::slow_consumer);
    EXPECT_EQ(ws_seen.close().code, ws::close_code::abnormal);
    EXPECT_EQ(server->broadcast("the last"), Result::ok);
    EXPECT_EQ(reader.read(), text("the last"));
    reader.shake_hands_and_close();
}

TEST_F(WsSlowConsumerTest, is_waited_for_and_gets_everything) {
    Recorder drains;  // outlives the server
    ServerOptions options = narrow(SlowConsumer::wait);
    options.on_broadcast_drain = [&](Reactor&) { drains.mark(); };
    serve({}, {}, std::move(options));
    WsPeer slow = join({}, 16 * 1024);
    ASSERT_TRUE(seen.wait_for_opens(1));
    std::size_t sent = 0;
    for (int refused_in_a_row = 0; refused_in_a_row < 5 && sent < 2000;) {
        const Result result = server->broadcast(as_bytes(message));
        ASSERT_TRUE(result == Result::ok || result == Result::would_block) << to_string(result);
        refused_in_a_row = result == Result::ok ? 0 : refused_in_a_row + 1;
        if (result == Result::ok) {
            ++sent;
        } else {
            settle();
        }
    }
    ASSERT_LT(sent, 2000u) << "the silent member did not hold back the broadcast";
    for (std::size_t i = 0; i < sent; ++i) ASSERT_EQ(slow.read(), binary(message)) << i;
    ASSERT_TRUE(drains.wait_for_marks(1));
    EXPECT_EQ(server->broadcast("free again"), Result::ok);
    EXPECT_EQ(slow.read(), text("free again"));
    slow.shake_hands_and_close();
    client.reset();
    server.reset();
}

}  // namespace
}  // namespace pollux::test
