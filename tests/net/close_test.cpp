// How connections end: draining, deadlines, half-closes, resets, silence.
#include <algorithm>
#include <cerrno>

#include "common/process.h"
#include "support.h"

namespace pollux::test {
namespace {

using CloseTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, CloseTest, everywhere, setting_name);

TEST_P(CloseTest, a_graceful_close_drains_what_is_pending) {
    for (const Side side : {Side::server, Side::client}) {
        Recorder record;
        Pair pair{engine, transport(), side, record, {.on_open = [](Connection& connection) {
                      EXPECT_EQ(connection.send(pattern(0, 12 * mebibyte)), Result::ok);
                      connection.close();
                      EXPECT_EQ(connection.state(), ConnectionState::closing);
                      EXPECT_EQ(connection.send("late"), Result::closed);
                  }}};
        const RawSocket::Rest rest = pair.peer.receive_rest();
        EXPECT_EQ(rest.error, 0);
        EXPECT_EQ(rest.bytes.size(), 12 * mebibyte);
        EXPECT_TRUE(matches_pattern(rest.bytes, 0));
        pair.peer.close();
        ASSERT_TRUE(record.wait_for_closes(1));
        EXPECT_EQ(record.reason(), CloseReason::local_close);
    }
}

TEST_P(CloseTest, the_engine_closes_by_id) {
    auto server = serve({.on_data = echo});
    const RawSocket first = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_EQ(engine.send(seen.id(), "bye"), Result::ok);
    EXPECT_EQ(engine.close(seen.id()), Result::ok);
    const RawSocket::Rest rest = first.receive_rest();
    EXPECT_EQ(rest.bytes, "bye") << "close comes after what the same thread sent before";
    EXPECT_EQ(rest.error, 0);
    first.finish_sending();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::local_close);

    const RawSocket second = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(2));
    EXPECT_EQ(engine.abort(seen.id(1)), Result::ok);
    const int error = second.receive_rest().error;
    EXPECT_TRUE(error == ECONNRESET || (!tcp() && error == 0)) << error;
    ASSERT_TRUE(seen.wait_for_closes(2));
    EXPECT_EQ(seen.reason(1), CloseReason::aborted);
    ASSERT_TRUE(eventually([&] { return !engine.is_alive(seen.id(1)); }));
    EXPECT_EQ(engine.close(seen.id(1)), Result::closed);
    EXPECT_EQ(engine.abort(seen.id(1)), Result::closed);
}

TEST_P(CloseTest, a_peer_that_never_reads_runs_into_the_close_timeout) {
    ConnectionOptions options;
    options.close_timeout = 100ms;
    Clock::time_point closing;
    auto server = serve(
        {.on_open =
             [&](Connection& connection) {
                 closing = connection.reactor().now();
                 EXPECT_EQ(connection.send(pattern(0, 12 * mebibyte)), Result::ok);
                 connection.close();
             },
         .on_close = [&](Connection&, CloseReason,
                         std::error_code) { EXPECT_GE(Clock::now() - closing, 100ms) << "closed before its time"; }},
        {.connection = options});
    const RawSocket peer = RawSocket::connect(server->address(), 16 * 1024);
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::close_timeout);
}

TEST_P(CloseTest, a_peer_that_never_closes_runs_into_the_close_timeout) {
    ConnectionOptions options;
    options.close_timeout = 100ms;
    auto server = serve({.on_open =
                             [](Connection& connection) {
                                 connection.send("bye");
                                 connection.close();
                             }},
                        {.connection = options});
    const RawSocket peer = RawSocket::connect(server->address());
    EXPECT_EQ(peer.receive_rest().bytes, "bye");
    ASSERT_TRUE(seen.wait_for_closes(1));
    const CloseReason reason = seen.reason();
    EXPECT_TRUE(reason == CloseReason::close_timeout || reason == CloseReason::local_close) << to_string(reason);
}

TEST_P(CloseTest, a_peer_that_sends_for_ever_does_not_hold_up_a_close) {
    ConnectionOptions options;
    options.close_timeout = 200ms;
    auto server =
        serve({.on_data = [](Connection& connection, Bytes) { connection.close(); }}, {.connection = options});
    const RawSocket peer = RawSocket::connect(server->address());
    while (peer.send(pattern(0, 16 * 1024))) {
        // What comes after close() is discarded, and in the end the kernel tells us that nobody listens.
    }
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_LE(seen.seen().received.size(), EngineOptions{}.receive_buffer_bytes) << "no on_data after close()";
}

TEST_P(CloseTest, a_half_closed_peer_gets_its_whole_answer) {
    auto server = serve({.on_end = [](Connection& connection) {
        EXPECT_TRUE(connection.is_open());
        EXPECT_EQ(connection.send(pattern(0, 5 * mebibyte)), Result::ok);
        connection.close();
    }});
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(peer.send("question"));
    peer.finish_sending();
    const RawSocket::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.error, 0);
    EXPECT_EQ(rest.bytes.size(), 5 * mebibyte);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().received, "question");
    EXPECT_EQ(seen.seen().ends, 1u);
}

TEST_P(CloseTest, a_half_closed_peer_may_be_served_for_long) {
    // on_end does not close; bytes go out from other turns and another thread until somebody closes.
    auto server = serve({.on_end = [](Connection&) {}});
    const RawSocket peer = RawSocket::connect(server->address());
    peer.finish_sending();
    ASSERT_TRUE(seen.wait_until([](const auto& now) { return now.ends == 1; }));
    for (int round = 0; round < 20; ++round) {
        ASSERT_EQ(engine.send(seen.id(), "more"), Result::ok);
        ASSERT_EQ(peer.receive(4), "more");
        turn_all(engine, 2);
    }
    EXPECT_EQ(seen.seen().ends, 1u);
    EXPECT_EQ(seen.seen().closes, 0u);
    EXPECT_EQ(engine.close(seen.id()), Result::ok);
    EXPECT_EQ(peer.receive_rest().error, 0);
    ASSERT_TRUE(seen.wait_for_closes(1));
}

TEST_P(CloseTest, a_half_closed_idle_connection_costs_no_cpu) {
    auto server = serve({.on_end = [](Connection&) {}});
    const RawSocket peer = RawSocket::connect(server->address());
    peer.finish_sending();
    ASSERT_TRUE(seen.wait_until([](const auto& now) { return now.ends == 1; }));
    const auto before = processor_time();
    std::this_thread::sleep_for(300ms);
    EXPECT_LT(processor_time() - before, 200ms) << "a reactor spins on the end of a stream";
}

TEST_P(CloseTest, we_half_close_and_go_on_receiving) {
    for (const Side side : {Side::server, Side::client}) {
        Recorder record;
        Pair pair{engine, transport(), side, record, {.on_open = [](Connection& connection) {
                      EXPECT_EQ(connection.send(pattern(0, 4 * mebibyte)), Result::ok);
                      connection.close_send();
                      EXPECT_EQ(connection.send("late"), Result::closed);
                  }}};
        const RawSocket::Rest rest = pair.peer.receive_rest();
        EXPECT_EQ(rest.error, 0);
        EXPECT_EQ(rest.bytes.size(), 4 * mebibyte);
        EXPECT_TRUE(matches_pattern(rest.bytes, 0));
        ASSERT_TRUE(pair.peer.send(pattern(0, 3 * mebibyte)));
        ASSERT_TRUE(record.wait_for_bytes(3 * mebibyte));
        EXPECT_TRUE(matches_pattern(record.seen().received, 0));
        EXPECT_EQ(record.seen().closes, 0u);
        pair.peer.finish_sending();
        ASSERT_TRUE(record.wait_for_closes(1));
        EXPECT_EQ(record.seen().ends, 1u);
        EXPECT_TRUE(record.reason() == CloseReason::peer_closed || record.reason() == CloseReason::local_close);
    }
}

TEST_P(CloseTest, a_reset_while_idle) {
    auto server = serve({.on_open = [](Connection& connection) { connection.send("unread"); }});
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    ASSERT_TRUE(eventually([&] { return server->counters().bytes_sent == 6; }));
    peer.reset();  // on a Unix socket the unread bytes make it one
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::peer_reset);
    EXPECT_TRUE(seen.seen().errors[0]) << "the system's error belongs to a reset";
}

TEST_P(CloseTest, a_reset_in_the_middle_of_a_large_send) {
    for (const Side side : {Side::server, Side::client}) {
        Recorder record;
        Pair pair{engine, transport(), side, record, {.on_open = [](Connection& connection) {
                      EXPECT_EQ(connection.send(pattern(0, 12 * mebibyte)), Result::ok);
                  }}};
        EXPECT_EQ(pair.peer.receive(100'000), pattern(0, 100'000));
        pair.peer.reset();
        ASSERT_TRUE(record.wait_for_closes(1));
        EXPECT_EQ(record.reason(), CloseReason::peer_reset);
    }
}

TEST_P(CloseTest, a_reset_while_closing_gracefully) {
    auto server = serve({.on_open = [](Connection& connection) {
        EXPECT_EQ(connection.send(pattern(0, 12 * mebibyte)), Result::ok);
        connection.close();
    }});
    RawSocket peer = RawSocket::connect(server->address());
    EXPECT_EQ(peer.receive(1000), pattern(0, 1000));
    peer.reset();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::peer_reset) << "not everything was handed to the kernel";
}

TEST_P(CloseTest, a_reset_is_noticed_while_receiving_is_paused) {
    auto server = serve({.on_open = [](Connection& connection) {
        connection.send("unread");
        connection.pause_receiving();
    }});
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    ASSERT_TRUE(eventually([&] { return server->counters().bytes_sent == 6; }));
    ASSERT_TRUE(peer.send("never read"));
    peer.reset();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::peer_reset);
    EXPECT_EQ(seen.seen().received, "");
}

TEST_P(CloseTest, a_paused_connection_whose_peer_has_closed_costs_no_cpu) {
    auto server = serve({.on_open = [](Connection& connection) { connection.pause_receiving(); }});
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    ASSERT_TRUE(peer.send("bytes before the end"));
    peer.finish_sending();
    turn_all(engine);
    const auto before = processor_time();
    std::this_thread::sleep_for(300ms);
    EXPECT_LT(processor_time() - before, 200ms) << "a reactor spins on a paused connection";
    peer.close();
}

TEST_P(CloseTest, silence_ends_a_connection_after_the_idle_timeout) {
    ConnectionOptions options;
    options.idle_timeout = 100ms;
    for (const Side side : {Side::server, Side::client}) {
        Recorder record;
        Clock::time_point opened;
        Clock::duration lived{};
        Pair pair{engine,
                  transport(),
                  side,
                  record,
                  {.on_open = [&](Connection& connection) { opened = connection.reactor().now(); },
                   .on_close = [&](Connection&, CloseReason, std::error_code) { lived = Clock::now() - opened; }},
                  options};
        ASSERT_TRUE(record.wait_for_closes(1));
        EXPECT_EQ(record.reason(), CloseReason::idle_timeout);
        EXPECT_GE(lived, 100ms);
        (void)pair.peer.receive_rest();
    }
}

TEST_P(CloseTest, bytes_either_way_keep_a_connection_alive) {
    ConnectionOptions options;
    options.idle_timeout = 400ms;
    auto server = serve({.on_data = [](Connection&, Bytes) {}}, {.connection = options});
    // The machine may be so busy that one of the threads sleeps through the timeout: then this attempt says nothing.
    bool kept_alive = false;
    for (std::size_t attempt = 0; attempt < 10 && !kept_alive; ++attempt) {
        const RawSocket talker = RawSocket::connect(server->address());
        ASSERT_TRUE(seen.wait_for_opens(2 * attempt + 1));
        const RawSocket listener = RawSocket::connect(server->address());
        ASSERT_TRUE(seen.wait_for_opens(2 * attempt + 2));
        const ConnectionId listening = seen.id(2 * attempt + 1);
        kept_alive = true;
        for (const Clock::time_point start = Clock::now(); kept_alive && Clock::now() - start < 1s;) {
            kept_alive = talker.send("x") && engine.send(listening, "y") == Result::ok;
            std::this_thread::sleep_for(20ms);
        }
        ASSERT_TRUE(seen.wait_for_closes(2 * attempt + 2));  // they fall silent
        EXPECT_EQ(seen.reason(2 * attempt), CloseReason::idle_timeout);
        EXPECT_EQ(seen.reason(2 * attempt + 1), CloseReason::idle_timeout);
    }
    EXPECT_TRUE(kept_alive) << "closed although bytes went to and fro";
}

TEST_P(CloseTest, a_closed_connection_is_not_found_by_its_id) {
    auto server = serve({.on_close = [](Connection& connection, CloseReason, std::error_code) {
        // Its slot may still be taken, but it must not be of use.
        if (Connection* found = connection.reactor().find(connection.id())) {
            EXPECT_EQ(found->send("x"), Result::closed);
        }
    }});
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    const ConnectionId id = seen.id();
    for (std::size_t index = 0; index < engine.reactors(); ++index) {
        run_on(engine.reactor(index), [&] { EXPECT_EQ(Reactor::current()->find(id), nullptr); });
    }
    EXPECT_EQ(engine.send(id, "x"), Result::closed);
}

TEST_P(CloseTest, one_connection_closes_another_inside_its_callback) {
    // Each connection aborts the one that opened before it on the same reactor: also one whose event is already
    // waiting.
    struct LastOnReactor {
        std::mutex mutex;
        std::vector<ConnectionId> last = std::vector<ConnectionId>(2);
    } memory;
    auto server = serve({.on_data = [&](Connection& connection, Bytes) {
        std::lock_guard lock{memory.mutex};
        ConnectionId& last = memory.last[connection.reactor().index()];
        if (Connection* other = connection.reactor().find(last); other != nullptr && other != &connection) {
            other->abort();
        }
        last = connection.id();
    }});
    const std::size_t count = scaled(200);
    std::vector<RawSocket> peers;
    for (std::size_t index = 0; index < count; ++index) peers.push_back(RawSocket::connect(server->address()));
    ASSERT_TRUE(seen.wait_for_opens(count));
    for (RawSocket& peer : peers) (void)peer.send("x");
    ASSERT_TRUE(seen.wait_for_closes(count - engine.reactors()));
    for (RawSocket& peer : peers) peer.close();
    EXPECT_TRUE(seen.wait_for_closes(count));
}

}  // namespace
}  // namespace pollux::test
