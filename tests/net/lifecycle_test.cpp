// Servers and engines that start, stop, restart and are destroyed at every awkward moment.
#include "support.h"

namespace pollux::test {
namespace {

using LifecycleTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, LifecycleTest, everywhere, setting_name);

enum class Place : std::uint8_t { on_open, on_data, on_end, on_drain, on_timer, on_close, task };

/// Hooks that do `act` in one callback.
Hooks hooks_for(Place place, const std::function<void(Connection&)>& act) {
    switch (place) {
        case Place::on_open:
            return {.on_open = act};
        case Place::on_data:
            return {.on_data = [act](Connection& connection, Bytes) { act(connection); }};
        case Place::on_end:
            return {.on_end = act};
        case Place::on_timer:
            return {.on_timer = act};
        case Place::on_close:
            return {.on_close = [act](Connection& connection, CloseReason, std::error_code) { act(connection); }};
        case Place::on_drain:
            return {.on_open = [](Connection& connection) { send_until_refused(connection, pattern(0, 64 * 1024)); },
                    .on_drain = act};
        case Place::task:
            return {.on_data = [act](Connection& connection, Bytes) {
                connection.reactor().post([&connection, act] { act(connection); });
            }};
    }
    return {};
}

/// What the peer does to bring that callback about.
void provoke(Place place, const RawSocket& peer) {
    if (place == Place::on_data || place == Place::task) (void)peer.send("x");
    if (place == Place::on_end || place == Place::on_close) peer.finish_sending();
}

TEST_P(LifecycleTest, stop_closes_everything_and_start_begins_anew) {
    auto server = serve({.on_data = echo});
    EXPECT_TRUE(server->running());
    const Status again = server->start();
    EXPECT_EQ(again.error(), Errc::already_started) << again;
    for (std::size_t round = 0; round < 5; ++round) {
        const SocketAddress address = server->address();
        std::vector<RawSocket> peers;
        for (int index = 0; index < 4; ++index) {
            peers.push_back(RawSocket::connect(address));
            ASSERT_TRUE(peers.back().send("hi"));
            ASSERT_EQ(peers.back().receive(2), "hi");
        }
        std::thread readers{[&] {
            for (RawSocket& peer : peers) {
                EXPECT_EQ(peer.receive_rest().error, 0);
                peer.close();
            }
        }};
        server->stop();
        EXPECT_EQ(seen.seen().closes, 4 * (round + 1)) << "stop waits for every on_close";
        readers.join();
        EXPECT_FALSE(server->running());
        EXPECT_EQ(server->address(), SocketAddress{});
        EXPECT_EQ(server->port(), 0);
        EXPECT_EQ(server->connections(), 0u);
        EXPECT_FALSE(RawSocket::connect(address).valid());
        server->stop();  // again changes nothing
        const Status status = server->start();
        ASSERT_TRUE(status) << status;
    }
    EXPECT_EQ(server->counters().accepted, 20u) << "counters survive";
    EXPECT_EQ(server->counters().bytes_received, 40u);
    for (std::size_t index = 0; index < 20; ++index) EXPECT_EQ(seen.reason(index), CloseReason::shutdown);
}

TEST_P(LifecycleTest, restart_keeps_the_address_even_if_the_system_chose_the_port) {
    auto server = serve({.on_data = echo});
    const SocketAddress address = server->address();
    for (int round = 0; round < 5; ++round) {
        const RawSocket peer = RawSocket::connect(address);
        ASSERT_TRUE(peer.send("hi"));
        ASSERT_EQ(peer.receive(2), "hi");
        peer.finish_sending();
        const Status status = server->restart();
        ASSERT_TRUE(status) << status;
        EXPECT_EQ(server->address(), address);
        EXPECT_EQ(peer.receive_rest().error, 0);
    }
}

TEST_P(LifecycleTest, stop_inside_each_callback) {
    for (const Place place : {Place::on_open, Place::on_data, Place::on_end, Place::on_timer, Place::on_close}) {
        SCOPED_TRACE(static_cast<int>(place));
        Recorder record;
        const auto stop = [](Connection& connection) { connection.server()->stop(); };
        Server<Recording> server{engine, {.endpoint = endpoint()}, std::ref(record), hooks_for(place, stop)};
        ASSERT_TRUE(server.start());
        RawSocket peer = RawSocket::connect(server.address());
        provoke(place, peer);
        (void)peer.receive_rest();
        peer.close();
        ASSERT_TRUE(record.wait_for_closes(1));
        EXPECT_TRUE(eventually([&] { return !server.running(); }));
        // The rest of the stop happens in the loop, so the address may be taken for a moment.
        EXPECT_TRUE(eventually([&] { return server.start().ok(); }));
        const RawSocket next = RawSocket::connect(server.address());
        EXPECT_TRUE(record.wait_for_opens(2));
    }
}

void destroy_server_inside(Place place, Engine& engine, const std::string& endpoint) {
    SCOPED_TRACE(static_cast<int>(place));
    Recorder record;
    std::mutex mutex;
    std::unique_ptr<Server<Recording>> holder;
    const auto destroy = [&](Connection& connection) {
        std::unique_ptr<Server<Recording>> doomed;
        {
            std::lock_guard lock{mutex};
            doomed = std::move(holder);
        }
        if (!doomed) return;
        EXPECT_NE(connection.server(), nullptr);
        doomed.reset();
        EXPECT_EQ(connection.server(), nullptr);
        (void)connection.send("into the void");  // the connection ends in the loop; until then it may take bytes
        record.mark();
    };
    holder = std::make_unique<Server<Recording>>(engine, ServerOptions{.endpoint = endpoint}, std::ref(record),
                                                 hooks_for(place, destroy));
    ASSERT_TRUE(holder->start());
    const SocketAddress address = holder->address();
    std::vector<RawSocket> peers;
    for (int index = 0; index < 6; ++index) {
        RawSocket peer = RawSocket::connect(address);
        if (!peer.valid()) break;  // the server is gone already
        peers.push_back(std::move(peer));
    }
    for (const RawSocket& peer : peers) provoke(place, peer);
    for (RawSocket& peer : peers) {
        (void)peer.receive_rest();
        peer.close();
    }
    ASSERT_TRUE(record.wait_for_marks(1));
    ASSERT_TRUE(record.wait_until([](const auto& now) { return now.closes == now.opens && now.handlers == 0; }))
        << "every on_close must come although the server is gone";
    turn_all(engine, 3);
    EXPECT_FALSE(RawSocket::connect(address).valid());
    record.expect_in_order("server");
}

TEST_P(LifecycleTest, destroyed_in_on_open) {
    destroy_server_inside(Place::on_open, engine, endpoint());
}
TEST_P(LifecycleTest, destroyed_in_on_data) {
    destroy_server_inside(Place::on_data, engine, endpoint());
}
TEST_P(LifecycleTest, destroyed_in_on_end) {
    destroy_server_inside(Place::on_end, engine, endpoint());
}
TEST_P(LifecycleTest, destroyed_in_on_drain) {
    destroy_server_inside(Place::on_drain, engine, endpoint());
}
TEST_P(LifecycleTest, destroyed_in_a_timer) {
    destroy_server_inside(Place::on_timer, engine, endpoint());
}
TEST_P(LifecycleTest, destroyed_in_on_close) {
    destroy_server_inside(Place::on_close, engine, endpoint());
}
TEST_P(LifecycleTest, destroyed_in_a_task) {
    destroy_server_inside(Place::task, engine, endpoint());
}

TEST_P(LifecycleTest, destroyed_while_peers_are_busy) {
    auto server = serve({.on_data = echo});
    const SocketAddress address = server->address();
    std::vector<std::thread> peers;
    std::atomic<int> busy{0};
    for (int index = 0; index < 4; ++index) {
        peers.emplace_back([&] {
            const RawSocket peer = RawSocket::connect(address);
            for (int round = 0; peer.send("ping") && peer.receive(4) == "ping"; ++round) {
                if (round == 10) ++busy;
            }
        });
    }
    ASSERT_TRUE(eventually([&] { return busy == 4; }));
    server.reset();
    EXPECT_EQ(seen.seen().closes, 4u) << "the destructor waits for every on_close";
    EXPECT_EQ(seen.seen().handlers, 0u);
    for (std::thread& peer : peers) peer.join();
    const CloseReason reason = seen.reason();
    EXPECT_TRUE(reason == CloseReason::aborted || reason == CloseReason::shutdown) << to_string(reason);
}

TEST_P(LifecycleTest, the_engine_stops_while_everything_is_busy) {
    auto server = serve({.on_data = echo});
    const SocketAddress address = server->address();
    std::atomic<int> busy{0};
    std::vector<std::thread> threads;
    for (int index = 0; index < 4; ++index) {
        threads.emplace_back([&] {  // echo, without ever letting up
            const RawSocket peer = RawSocket::connect(address);
            for (int round = 0; peer.send(pattern(0, 8192)); ++round) {
                if (peer.receive(8192).size() != 8192) break;
                if (round == 5) ++busy;
            }
        });
    }
    ASSERT_TRUE(seen.wait_for_opens(4));
    std::atomic<bool> over{false};
    threads.emplace_back([&] {  // connections that come all the time
        while (!over) {
            const RawSocket peer = RawSocket::connect(address);
            if (peer.valid()) (void)peer.send("x");
        }
    });
    threads.emplace_back([&] {  // broadcasts until it is over
        while (server->broadcast("news") != Result::closed) std::this_thread::yield();
    });
    threads.emplace_back([&] {  // tasks until it is over
        while (engine.post(0, [] {}) != Result::closed) std::this_thread::yield();
    });
    threads.emplace_back([&] {  // foreign sends until it is over
        const ConnectionId id = seen.id();
        while (engine.send(id, "x") != Result::closed) std::this_thread::yield();
    });
    ASSERT_TRUE(eventually([&] { return busy > 0; }));
    engine.stop();
    engine.wait();
    EXPECT_FALSE(engine.running());
    over = true;
    server->stop();
    for (std::thread& thread : threads) thread.join();
    const Recorder::Seen now = seen.seen();
    EXPECT_EQ(now.opens, now.closes);
    EXPECT_EQ(server->broadcast("late"), Result::closed);
    EXPECT_EQ(engine.post(0, [] {}), Result::closed);
}

TEST_P(LifecycleTest, engine_stop_drains_what_is_pending) {
    auto server = serve(
        {.on_open = [](Connection& connection) { EXPECT_EQ(connection.send(pattern(0, 8 * mebibyte)), Result::ok); }});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    engine.stop();
    const RawSocket::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.error, 0);
    EXPECT_EQ(rest.bytes.size(), 8 * mebibyte);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
    peer.finish_sending();
    engine.wait();
    EXPECT_EQ(seen.reason(), CloseReason::shutdown);
}

TEST_P(LifecycleTest, engine_stop_does_not_wait_for_ever_for_a_stubborn_peer) {
    Engine impatient{{.reactors = GetParam().reactors, .stop_timeout = 100ms}};
    ASSERT_TRUE(impatient.start());
    ConnectionOptions options;
    options.close_timeout = 1h;
    Server<Recording> server{
        impatient,
        {.endpoint = endpoint(), .connection = options},
        std::ref(seen),
        Hooks{.on_open = [](Connection& connection) { connection.send(pattern(0, 12 * mebibyte)); }}};
    ASSERT_TRUE(server.start());
    const RawSocket peer = RawSocket::connect(server.address(), 16 * 1024);
    ASSERT_TRUE(seen.wait_for_opens(1));
    impatient.stop();
    impatient.wait();
    EXPECT_EQ(seen.seen().closes, 1u);
    const CloseReason reason = seen.reason();
    EXPECT_TRUE(reason == CloseReason::shutdown || reason == CloseReason::close_timeout) << to_string(reason);
}

TEST_P(LifecycleTest, the_engine_may_be_stopped_inside_a_callback) {
    auto server = serve({.on_data = [this](Connection& connection, Bytes) {
        EXPECT_EQ(connection.send("bye"), Result::ok);
        engine.stop();
        engine.stop();
    }});
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(peer.send("stop"));
    EXPECT_EQ(peer.receive_rest().bytes, "bye");
    peer.close();
    engine.wait();
    EXPECT_FALSE(engine.running());
    EXPECT_EQ(seen.reason(), CloseReason::shutdown);
}

TEST_P(LifecycleTest, connections_that_came_before_the_engine_started_are_served) {
    Engine late{{.reactors = GetParam().reactors}};
    Server<Recording> server{late, {.endpoint = endpoint()}, std::ref(seen), Hooks{.on_data = echo}};
    ASSERT_TRUE(server.start());
    std::vector<RawSocket> peers;
    for (int index = 0; index < 5; ++index) {
        peers.push_back(RawSocket::connect(server.address()));
        ASSERT_TRUE(peers.back().valid());
        ASSERT_TRUE(peers.back().send("early"));
    }
    ASSERT_TRUE(late.start());
    for (const RawSocket& peer : peers) EXPECT_EQ(peer.receive(5), "early");
}

}  // namespace
}  // namespace pollux::test
