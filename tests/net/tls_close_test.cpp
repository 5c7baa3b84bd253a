// How TLS connections end: close_notify and the lack of it, half-closes, resets, deadlines, stops.
#include <algorithm>
#include <cerrno>

#include "common/process.h"
#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsCloseTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsCloseTest, everywhere, setting_name);

TEST_P(TlsCloseTest, a_graceful_close_drains_what_is_pending_and_says_so) {
    for (const TlsVersion version : both_versions) {
        for (const Side side : {Side::server, Side::client}) {
            Recorder record;
            TlsPair pair{engine,
                         transport(),
                         side,
                         record,
                         {.on_open =
                              [](Connection& connection) {
                                  EXPECT_EQ(connection.send(pattern(0, 6 * mebibyte)), Result::ok);
                                  connection.close();
                                  EXPECT_EQ(connection.state(), ConnectionState::closing);
                                  EXPECT_EQ(connection.send("late"), Result::closed);
                              }},
                         {},
                         only(version)};
            const TlsPeer::Rest rest = pair.peer.receive_rest();
            EXPECT_EQ(rest.end, TlsEnd::close_notify);
            EXPECT_EQ(rest.bytes.size(), 6 * mebibyte);
            EXPECT_TRUE(matches_pattern(rest.bytes, 0));
            EXPECT_EQ(pair.peer.socket().receive_rest().bytes, "") << "nothing comes after close_notify";
            pair.peer.close();
            ASSERT_TRUE(record.wait_for_closes(1));
            EXPECT_EQ(record.reason(), CloseReason::local_close) << "even if the peer just hangs up after it";
            EXPECT_EQ(record.seen().ends, 0u);
        }
    }
}

TEST_P(TlsCloseTest, the_peers_close_notify_is_an_orderly_end) {
    for (const TlsVersion version : both_versions) {
        for (const Side side : {Side::server, Side::client}) {
            Recorder record;
            TlsPair pair{engine, transport(), side, record, {}, {}, only(version)};
            ASSERT_TRUE(pair.peer.send("last words"));
            EXPECT_TRUE(pair.peer.shut_down());
            ASSERT_TRUE(record.wait_for_closes(1));
            EXPECT_EQ(record.reason(), CloseReason::peer_closed);
            EXPECT_FALSE(record.seen().errors[0]) << record.seen().errors[0].message();
            EXPECT_EQ(record.seen().received, "last words");
            EXPECT_EQ(record.seen().ends, 1u);
        }
    }
}

TEST_P(TlsCloseTest, a_stream_without_close_notify_is_truncated) {
    for (const TlsVersion version : both_versions) {
        for (const Side side : {Side::server, Side::client}) {
            Recorder record;
            TlsPair pair{engine, transport(), side, record, {}, {}, only(version)};
            ASSERT_TRUE(pair.peer.send("cut"));
            pair.peer.socket().finish_sending();
            (void)pair.peer.receive_rest();
            pair.peer.close();
            ASSERT_TRUE(record.wait_for_closes(1));
            EXPECT_EQ(record.reason(), CloseReason::tls_truncated);
            EXPECT_EQ(record.seen().received, "cut") << "what came whole is delivered";
        }
    }
}

TEST_P(TlsCloseTest, a_stream_cut_inside_a_record_is_truncated) {
    auto server = serve_tls();
    TlsPeer peer = join(*server);
    const std::string whole = peer.seal("whole");
    const std::string cut = peer.seal("never whole");
    ASSERT_TRUE(peer.socket().send(whole + cut.substr(0, cut.size() - 1)));
    peer.socket().finish_sending();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::tls_truncated);
    EXPECT_EQ(seen.seen().received, "whole");
}

TEST_P(TlsCloseTest, what_comes_after_close_notify_is_not_delivered) {
    auto server = serve_tls();
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.socket().send(in_order({peer.seal("before"), peer.seal_close_notify(), "any bytes at all"})));
    (void)peer.receive_rest();
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().received, "before");
    EXPECT_EQ(seen.seen().ends, 1u);
    const CloseReason reason = seen.reason();
    EXPECT_TRUE(reason == CloseReason::peer_closed || reason == CloseReason::peer_reset) << to_string(reason);
}

TEST_P(TlsCloseTest, the_engine_closes_by_id) {
    auto server = serve_tls({.on_data = echo});
    TlsPeer first = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_EQ(engine.send(seen.id(), "bye"), Result::ok);
    EXPECT_EQ(engine.close(seen.id()), Result::ok);
    const TlsPeer::Rest rest = first.receive_rest();
    EXPECT_EQ(rest.bytes, "bye") << "close comes after what the same thread sent before";
    EXPECT_EQ(rest.end, TlsEnd::close_notify);
    EXPECT_TRUE(first.finish_sending());
    first.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::local_close);

    TlsPeer second = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(2));
    EXPECT_EQ(engine.abort(seen.id(1)), Result::ok);
    const TlsEnd end = second.receive_rest().end;
    EXPECT_TRUE(end == TlsEnd::reset || end == TlsEnd::truncated) << "an abort says no close_notify";
    ASSERT_TRUE(seen.wait_for_closes(2));
    EXPECT_EQ(seen.reason(1), CloseReason::aborted);
    ASSERT_TRUE(eventually([&] { return !engine.is_alive(seen.id(1)); }));
    EXPECT_EQ(engine.close(seen.id(1)), Result::closed);
}

TEST_P(TlsCloseTest, a_peer_that_never_reads_runs_into_the_close_timeout) {
    ConnectionOptions options;
    options.close_timeout = 100ms;
    auto server = serve_tls({.on_open =
                                 [](Connection& connection) {
                                     EXPECT_EQ(connection.send(pattern(0, 12 * mebibyte)), Result::ok);
                                     connection.close();
                                 }},
                            {.connection = options});
    TlsPeer peer{RawSocket::connect(server->address(), 16 * 1024), TlsRole::client};
    ASSERT_TRUE(peer.handshake());
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::close_timeout);
}

TEST_P(TlsCloseTest, a_peer_that_sends_for_ever_does_not_hold_up_a_close) {
    ConnectionOptions options;
    options.close_timeout = 200ms;
    auto server =
        serve_tls({.on_data = [](Connection& connection, Bytes) { connection.close(); }}, {.connection = options});
    TlsPeer peer = join(*server);
    while (peer.send(pattern(0, 16 * 1024))) {
        // What comes after close() is discarded, and in the end the kernel tells us that nobody listens.
    }
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_LE(seen.seen().received.size(), EngineOptions{}.receive_buffer_bytes) << "no on_data after close()";
}

TEST_P(TlsCloseTest, no_data_is_delivered_after_a_close_in_the_same_segment) {
    auto server = serve_tls({.on_data = [](Connection& connection, Bytes) { connection.close(); }});
    TlsPeer peer = join(*server);
    std::string wire;
    for (int record = 0; record < 100; ++record) wire += peer.seal(std::string(16'384, 'x'));
    std::thread writer{[&] { (void)peer.socket().send(wire); }};
    (void)peer.receive_rest();
    writer.join();
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_LE(seen.seen().received.size(), EngineOptions{}.receive_buffer_bytes);
}

TEST_P(TlsCloseTest, a_half_closed_peer_gets_its_whole_answer) {
    auto server = serve_tls({.on_end = [](Connection& connection) {
        EXPECT_TRUE(connection.is_open());
        EXPECT_EQ(connection.send(pattern(0, 5 * mebibyte)), Result::ok);
        connection.close();
    }});
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.send("question"));
    ASSERT_TRUE(peer.finish_sending());
    const TlsPeer::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.end, TlsEnd::close_notify);
    EXPECT_EQ(rest.bytes.size(), 5 * mebibyte);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().received, "question");
    EXPECT_EQ(seen.seen().ends, 1u);
}

TEST_P(TlsCloseTest, a_half_closed_peer_may_be_served_for_long) {
    auto server = serve_tls({.on_end = [](Connection&) {}});
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.finish_sending());
    peer.socket().finish_sending();
    ASSERT_TRUE(seen.wait_until([](const auto& now) { return now.ends == 1; }));
    for (int round = 0; round < 20; ++round) {
        ASSERT_EQ(engine.send(seen.id(), "more"), Result::ok);
        ASSERT_EQ(peer.receive(4), "more");
        turn_all(engine, 2);
    }
    EXPECT_EQ(seen.seen().ends, 1u);
    EXPECT_EQ(seen.seen().closes, 0u);
    EXPECT_EQ(engine.close(seen.id()), Result::ok);
    EXPECT_EQ(peer.receive_rest().end, TlsEnd::close_notify);
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
}

TEST_P(TlsCloseTest, a_half_closed_idle_connection_costs_no_cpu) {
    auto server = serve_tls({.on_end = [](Connection&) {}});
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.finish_sending());
    peer.socket().finish_sending();
    ASSERT_TRUE(seen.wait_until([](const auto& now) { return now.ends == 1; }));
    const auto before = processor_time();
    std::this_thread::sleep_for(300ms);
    EXPECT_LT(processor_time() - before, 200ms) << "a reactor spins on the end of a stream";
}

TEST_P(TlsCloseTest, we_half_close_and_go_on_receiving) {
    for (const Side side : {Side::server, Side::client}) {
        Recorder record;
        TlsPair pair{engine, transport(), side, record, {.on_open = [](Connection& connection) {
                         EXPECT_EQ(connection.send(pattern(0, 4 * mebibyte)), Result::ok);
                         connection.close_send();
                         EXPECT_EQ(connection.send("late"), Result::closed);
                     }}};
        const TlsPeer::Rest rest = pair.peer.receive_rest();
        EXPECT_EQ(rest.end, TlsEnd::close_notify);
        EXPECT_EQ(rest.bytes.size(), 4 * mebibyte);
        EXPECT_TRUE(matches_pattern(rest.bytes, 0));
        ASSERT_TRUE(pair.peer.send(pattern(0, 3 * mebibyte)));
        ASSERT_TRUE(record.wait_for_bytes(3 * mebibyte));
        EXPECT_TRUE(matches_pattern(record.seen().received, 0));
        EXPECT_EQ(record.seen().closes, 0u);
        ASSERT_TRUE(pair.peer.finish_sending());
        pair.peer.close();
        ASSERT_TRUE(record.wait_for_closes(1));
        EXPECT_EQ(record.seen().ends, 1u);
        EXPECT_TRUE(record.reason() == CloseReason::peer_closed || record.reason() == CloseReason::local_close);
    }
}

TEST_P(TlsCloseTest, a_reset_while_idle) {
    auto server = serve_tls({.on_open = [](Connection& connection) { connection.send("unread"); }});
    TlsPeer peer = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    ASSERT_TRUE(eventually([&] { return server->counters().bytes_sent == 6; }));
    peer.socket().reset();  // on a Unix socket the unread bytes make it one
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::peer_reset) << "a reset is no truncation";
    EXPECT_TRUE(seen.seen().errors[0]) << "the system's error belongs to a reset";
}

TEST_P(TlsCloseTest, a_reset_in_the_middle_of_a_large_send) {
    for (const Side side : {Side::server, Side::client}) {
        Recorder record;
        TlsPair pair{engine, transport(), side, record, {.on_open = [](Connection& connection) {
                         // It sends while it encrypts, so the reset may come before it is done.
                         const Result result = connection.send(pattern(0, 12 * mebibyte));
                         EXPECT_TRUE(result == Result::ok || result == Result::closed) << to_string(result);
                     }}};
        EXPECT_EQ(pair.peer.receive(100'000), pattern(0, 100'000));
        pair.peer.socket().reset();
        ASSERT_TRUE(record.wait_for_closes(1));
        EXPECT_EQ(record.reason(), CloseReason::peer_reset);
    }
}

TEST_P(TlsCloseTest, silence_ends_a_connection_after_the_idle_timeout) {
    ConnectionOptions options;
    options.idle_timeout = 100ms;
    for (const Side side : {Side::server, Side::client}) {
        Recorder record;
        TlsPair pair{engine, transport(), side, record, {}, options};
        ASSERT_TRUE(record.wait_for_closes(1));
        EXPECT_EQ(record.reason(), CloseReason::idle_timeout);
        (void)pair.peer.receive_rest();
    }
}

TEST_P(TlsCloseTest, server_stop_drains_and_says_close_notify) {
    auto server = serve_tls(
        {.on_open = [](Connection& connection) { EXPECT_EQ(connection.send(pattern(0, 2 * mebibyte)), Result::ok); }});
    std::vector<TlsPeer> peers;
    for (int index = 0; index < 4; ++index) peers.push_back(join(*server));
    ASSERT_TRUE(seen.wait_for_opens(4));
    std::thread stopper{[&] { server->stop(); }};
    for (TlsPeer& peer : peers) {
        const TlsPeer::Rest rest = peer.receive_rest();
        EXPECT_EQ(rest.end, TlsEnd::close_notify);
        EXPECT_EQ(rest.bytes.size(), 2 * mebibyte);
        peer.close();
    }
    stopper.join();
    EXPECT_EQ(seen.seen().closes, 4u);
    for (std::size_t index = 0; index < 4; ++index) EXPECT_EQ(seen.reason(index), CloseReason::shutdown);
    const Status status = server->start();
    ASSERT_TRUE(status) << status;
    TlsPeer later = join(*server);
    EXPECT_EQ(later.receive(2 * mebibyte).size(), 2 * mebibyte);
}

TEST_P(TlsCloseTest, engine_stop_drains_and_says_close_notify) {
    Recorder record;
    Engine stopping{{.reactors = GetParam().reactors}};
    ASSERT_TRUE(stopping.start());
    Server<Recording> server{stopping,
                             {.endpoint = endpoint(), .tls = server_context()},
                             std::ref(record),
                             Hooks{.on_open = [](Connection& connection) {
                                 EXPECT_EQ(connection.send(pattern(0, 2 * mebibyte)), Result::ok);
                             }}};
    ASSERT_TRUE(server.start());
    TlsPeer peer = join(server);
    TlsPeer shaking = TlsPeer::connect(server.address());
    ASSERT_TRUE(shaking.socket().send(shaking.next_flight()));
    ASSERT_TRUE(shaking.hear());
    ASSERT_TRUE(record.wait_for_opens(1));
    stopping.stop();
    EXPECT_EQ(peer.receive_rest().end, TlsEnd::close_notify);
    peer.close();
    EXPECT_NE(shaking.socket().receive_rest().error, EAGAIN) << "who was shaking hands is let go";
    shaking.close();
    stopping.wait();
    EXPECT_EQ(record.seen().closes, 1u);
    EXPECT_EQ(record.reason(), CloseReason::shutdown);
    ASSERT_EQ(record.seen().handshake_errors.size(), 1u);
    EXPECT_EQ(record.seen().handshake_errors[0].reason, CloseReason::shutdown);
}

}  // namespace
}  // namespace pollux::test
