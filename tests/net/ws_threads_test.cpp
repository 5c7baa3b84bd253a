// Sending and closing by id, from other threads and while the WebSocket goes away.
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using ws::MessageType;
using ws::WebSocket;

class WsThreadsTest : public WsTest, public testing::WithParamInterface<std::size_t> {
protected:
    WsThreadsTest() : WsTest(Wire::tcp, GetParam()) {}

    /// Sends by id, however full the mailbox is.
    Result insist(ConnectionId id, MessageType type, Bytes message) {
        Result result = Result::would_block;
        while ((result = ws::send(engine, id, type, message)) == Result::would_block) std::this_thread::yield();
        return result;
    }
    Result insist(ConnectionId id, std::string_view message) {
        return insist(id, MessageType::text, as_bytes(message));
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsThreadsTest, testing::Values(1u, 2u));

TEST_P(WsThreadsTest, the_order_of_each_thread_is_kept_both_ways) {
    constexpr std::size_t threads = 3;
    const std::size_t count = scaled(2000);
    serve();
    open_client();
    ASSERT_TRUE(seen.wait_for_opens(1) && client_seen.wait_for_opens(1));
    std::vector<std::thread> senders;
    for (std::size_t thread = 0; thread < threads; ++thread) {
        senders.emplace_back([&, thread] {
            for (std::size_t i = 0; i < count; ++i) {
                const std::string message = std::to_string(thread) + ":" + std::to_string(i);
                EXPECT_EQ(insist(seen.id(), message), Result::ok);
                EXPECT_EQ(insist(client_seen.id(), message), Result::ok);
            }
        });
    }
    for (std::thread& sender : senders) sender.join();
    for (WsRecorder* recorder : {&ws_seen, &ws_client_seen}) {
        ASSERT_TRUE(recorder->wait_for_messages(threads * count));
        std::vector<std::size_t> next(threads);
        for (const SeenMessage& message : recorder->seen().messages) {
            const auto thread = static_cast<std::size_t>(message.data.at(0) - '0');
            ASSERT_EQ(message.data, std::to_string(thread) + ":" + std::to_string(next.at(thread)++));
        }
    }
}

TEST_P(WsThreadsTest, messages_of_every_size_by_id) {
    serve();
    WsPeer peer = join();
    ASSERT_TRUE(seen.wait_for_opens(1));
    for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u, 300'000u}) {
        ASSERT_EQ(insist(seen.id(), MessageType::binary, as_bytes(pattern(0, size))), Result::ok);
        ASSERT_EQ(peer.read(), binary(pattern(0, size)));
    }
    EXPECT_EQ(ws::send(engine, seen.id(), as_bytes(std::string(600'000, 'x'))), Result::too_large)
        << "more than half of a mailbox";
    peer.shake_hands_and_close();
}

TEST_P(WsThreadsTest, by_id_on_the_own_reactor_it_is_as_if_by_the_socket) {
    serve({.on_message = [this](WebSocket& socket, MessageType, Bytes) {
        EXPECT_EQ(socket.send("1"), Result::ok);
        EXPECT_EQ(ws::send(engine, socket.id(), "2"), Result::ok);
        EXPECT_EQ(ws::ping(engine, socket.id(), as_bytes("3")), Result::ok);
        EXPECT_EQ(socket.send("4"), Result::ok);
        EXPECT_EQ(ws::close(engine, socket.id(), 4000, "5"), Result::ok);
        EXPECT_FALSE(socket.is_open());
        EXPECT_EQ(ws::send(engine, socket.id(), "too late"), Result::closed);
        EXPECT_EQ(ws::ping(engine, socket.id()), Result::closed);
        EXPECT_EQ(ws::close(engine, socket.id()), Result::closed);
    }});
    WsPeer peer = join();
    peer.send(text("go"));
    EXPECT_EQ(peer.read(), text("1"));
    EXPECT_EQ(peer.read(), text("2"));
    EXPECT_EQ(peer.read(), ping("3"));
    EXPECT_EQ(peer.read(), text("4"));
    EXPECT_EQ(peer.read(), close(4000, "5"));
    peer.send(close(4000));
    EXPECT_TRUE(peer.is_closed());
}

TEST_P(WsThreadsTest, stale_ids_and_those_of_no_websocket_are_closed) {
    EXPECT_EQ(ws::send(engine, {}, "nobody"), Result::closed);
    serve();
    WsPeer peer = join();
    ASSERT_TRUE(seen.wait_for_opens(1));
    const ConnectionId id = seen.id();
    peer.send(close(1000));
    EXPECT_EQ(peer.read_close(), 1000);
    EXPECT_TRUE(peer.is_closed());
    peer.socket().close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    settle();  // the id is stale once the turn of `on_close` is over
    EXPECT_EQ(ws::send(engine, id, "too late"), Result::closed);
    EXPECT_EQ(ws::ping(engine, id), Result::closed);
    EXPECT_EQ(ws::close(engine, id), Result::closed);
    // The slot may be another one's by now.
    WsPeer next = join();
    EXPECT_EQ(ws::send(engine, id, "too late"), Result::closed);
    next.shake_hands_and_close();
}

TEST_P(WsThreadsTest, a_task_finds_the_socket_of_an_id) {
    serve();
    WsPeer peer = join();
    ASSERT_TRUE(seen.wait_for_opens(1));
    const ConnectionId id = seen.id();
    const auto on_each_reactor = [&](const std::function<void(WebSocket*)>& work) {
        for (std::size_t index = 0; index < engine.reactors(); ++index) {
            run_on(engine.reactor(index), [&, index] { work(ws::find(engine.reactor(index), id)); });
        }
    };
    std::size_t found = 0;
    on_each_reactor([&](WebSocket* socket) {
        if (socket == nullptr) return;
        ++found;
        EXPECT_EQ(socket->id(), id);
        EXPECT_TRUE(socket->reactor().is_current());
        EXPECT_EQ(socket->send("found"), Result::ok);
    });
    EXPECT_EQ(found, 1u);
    EXPECT_EQ(peer.read(), text("found"));
    peer.send(close(1000));
    EXPECT_EQ(peer.read_close(), 1000);
    peer.socket().close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    on_each_reactor([](WebSocket* socket) { EXPECT_EQ(socket, nullptr); });
}

TEST_P(WsThreadsTest, what_is_sent_to_a_connection_that_speaks_http_is_dropped) {
    ConnectionId id;
    Gate asked;
    Recorder http_connections;  // outlives the server
    HttpRecorder http_seen{http_connections};
    {
        http::Server<RecordingHandler> http{engine,
                                            {.endpoint = fresh_endpoint(Transport::tcp)},
                                            {},
                                            std::ref(http_seen),
                                            HttpHooks{.on_open = [&](Connection& connection) {
                                                id = connection.id();
                                                EXPECT_EQ(ws::send(engine, id, "no frame"), Result::closed);
                                                EXPECT_EQ(ws::close(engine, id), Result::closed);
                                                asked.open();
                                            }}};
        ASSERT_TRUE(http.start());
        HttpPeer peer{http.address()};
        ASSERT_TRUE(asked.wait());
        static_cast<void>(ws::send(engine, id, "no frame"));
        static_cast<void>(ws::ping(engine, id));
        settle();
        EXPECT_EQ(peer.get("/").status, 200u) << "nothing came before it";
    }
    http_connections.expect_in_order("http");
}

TEST_P(WsThreadsTest, sends_race_with_closes_of_every_kind) {
    const std::size_t rounds = scaled(60);
    serve(echoing());
    for (std::size_t round = 0; round < rounds; ++round) {
        WsPeer peer = join();
        ASSERT_TRUE(seen.wait_for_opens(round + 1));
        const ConnectionId id = seen.id(round);
        std::vector<std::thread> senders;
        for (int thread = 0; thread < 2; ++thread) {
            senders.emplace_back([this, id] {
                // Not so many that the peer could become a slow consumer.
                for (int i = 0; i < 5000 && insist(id, "message") == Result::ok; ++i) ws::ping(engine, id);
            });
        }
        switch (round % 5) {
            case 0:
                EXPECT_EQ(ws::close(engine, id, 4000), Result::ok);
                break;
            case 1:
                peer.send(close(4000));
                break;
            case 2:
                peer.socket().reset();
                break;
            case 3:
                EXPECT_EQ(engine.abort(id), Result::ok);
                break;
            case 4:
                EXPECT_EQ(engine.close(id), Result::ok);
                break;
        }
        if (round % 5 != 2) {
            std::optional<WsFrame> frame;
            while ((frame = peer.read()) && frame->opcode != Opcode::close) {
                EXPECT_TRUE(frame == text("message") || frame == ping());
            }
            EXPECT_TRUE(frame || round % 5 == 3) << "the connection ended without a Close frame";
            peer.try_send(close(4000));
            peer.socket().close();
        }
        EXPECT_TRUE(seen.wait_for_closes(round + 1));
        for (std::thread& sender : senders) sender.join();
    }
}

TEST_P(WsThreadsTest, sends_of_a_client_race_with_its_reconnects) {
    serve();
    open_client({}, {.reconnect = {.enabled = true, .delay = 0ms}});
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    std::atomic<bool> go_on{true};
    std::vector<std::thread> senders;
    for (int thread = 0; thread < 2; ++thread) {
        senders.emplace_back([&] {
            while (go_on) {
                static_cast<void>(client->send("message"));
                static_cast<void>(client->ping());
            }
        });
    }
    for (std::size_t round = 1; round <= scaled(30); ++round) {
        client->reconnect();
        ASSERT_TRUE(client_seen.wait_for_opens(round + 1));
    }
    go_on = false;
    for (std::thread& sender : senders) sender.join();
    client->stop();
    EXPECT_EQ(client->send("stopped"), Result::closed);
    EXPECT_FALSE(client->connected());
    for (const SeenMessage& message : ws_seen.seen().messages) EXPECT_EQ(message.data, "message");
}

TEST_P(WsThreadsTest, one_that_does_not_read_ends_when_others_send_too_much) {
    serve({}, {}, {.connection = {.max_pending_bytes = 2 * 1024 * 1024}});
    WsPeer silent = join();
    ASSERT_TRUE(seen.wait_for_opens(1));
    const std::string message(64 * 1024, 'x');
    Result result = Result::ok;
    for (int i = 0; i < 10'000 && result == Result::ok; ++i) result = insist(seen.id(), message);
    EXPECT_EQ(result, Result::closed);
    const SeenClose end = ws_seen.close();
    EXPECT_EQ(end.cause, CloseReason::slow_consumer);
    EXPECT_EQ(end.code, ws::close_code::abnormal);
}

}  // namespace
}  // namespace pollux::test
