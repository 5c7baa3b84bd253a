// TLS peers that do not read: watermarks, bounds, held and paused receiving.
#include "backpressure_support.h"
#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsBackpressureTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsBackpressureTest, everywhere, setting_name);

/// What records add to what they carry, rounded up.
constexpr std::size_t with_overhead(std::size_t payload) {
    return payload + payload / 100 + 1024;
}

/// A peer with a small receive buffer that has shaken hands.
TlsPeer join_narrow(const ServerBase& server) {
    TlsPeer peer{RawSocket::connect(server.address(), narrow_buffer), TlsRole::client};
    EXPECT_TRUE(peer.handshake()) << peer.failure();
    return peer;
}

TEST_P(TlsBackpressureTest, sixty_four_mebibytes_through_a_slow_reader) {
    const std::uint64_t total = scaled(64 * mebibyte);
    Producer::Report report;
    Server<Producer> server{engine, {.endpoint = endpoint(), .tls = server_context()}, total, std::ref(report)};
    ASSERT_TRUE(server.start());
    TlsPeer peer = join_narrow(server);
    ASSERT_TRUE(eventually([&] { return report.refusals > 0; })) << "the watermark must hold back the producer";
    std::uint64_t received = 0;
    for (std::size_t turn = 0;; ++turn) {
        const std::string bytes = peer.receive_some(16 * 1024);
        if (bytes.empty()) break;
        ASSERT_TRUE(matches_pattern(bytes, received)) << "near byte " << received;
        received += bytes.size();
        if (turn % 16 == 0) std::this_thread::yield();
    }
    EXPECT_EQ(peer.end(), TlsEnd::close_notify);
    EXPECT_EQ(received, total);
    EXPECT_GT(report.drains, 0u);
    // Every refusal is answered by a drain; the last one opens the way to the end.
    EXPECT_GE(report.drains, report.refusals);
    EXPECT_LE(report.most_pending, with_overhead(ConnectionOptions{}.high_watermark_bytes + 64 * 1024));
    EXPECT_LE(server.counters().bytes_pending, ConnectionOptions{}.max_pending_bytes);
}

TEST_P(TlsBackpressureTest, one_drain_for_many_refusals) {
    auto server = serve_tls({.on_open =
                                 [](Connection& connection) {
                                     send_until_refused(connection, pattern(0, 64 * 1024));
                                     for (int again = 0; again < 10; ++again) {
                                         EXPECT_EQ(connection.send("x"), Result::would_block);
                                     }
                                 },
                             .on_drain = [](Connection& connection) { connection.close(); }});
    TlsPeer peer = join(*server);
    EXPECT_EQ(peer.receive_rest().end, TlsEnd::close_notify);
    ASSERT_TRUE(seen.wait_until([](const auto& now) { return now.drains == 1; }));
    turn_all(engine);
    EXPECT_EQ(seen.seen().drains, 1u);
}

TEST_P(TlsBackpressureTest, passing_the_high_watermark_is_followed_by_a_drain_too) {
    auto server = serve_tls(
        {.on_open = [](Connection& connection) { EXPECT_EQ(connection.send(pattern(0, 8 * mebibyte)), Result::ok); },
         .on_drain =
             [](Connection& connection) {
                 EXPECT_LE(connection.bytes_pending(), ConnectionOptions{}.low_watermark_bytes);
                 connection.close();
             }});
    TlsPeer peer = join_narrow(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));  // from here on nothing leaves the kernel but by our reading
    const TlsPeer::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.bytes.size(), 8 * mebibyte);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
    EXPECT_TRUE(seen.wait_until([](const auto& now) { return now.drains == 1; }));
}

TEST_P(TlsBackpressureTest, pending_counts_what_is_encrypted) {
    auto server = serve_tls({.on_open = [](Connection& connection) {
        const std::size_t accepted = send_until_refused(connection, pattern(0, 16 * 1024));
        EXPECT_GE(connection.bytes_pending(), ConnectionOptions{}.high_watermark_bytes);
        EXPECT_LE(connection.bytes_pending(), with_overhead(accepted));
        EXPECT_EQ(connection.counters().bytes_pending, connection.bytes_pending());
        connection.close();
    }});
    TlsPeer peer = join_narrow(*server);
    EXPECT_EQ(peer.receive_rest().end, TlsEnd::close_notify);
    EXPECT_TRUE(seen.wait_for_opens(1));
}

TEST_P(TlsBackpressureTest, nothing_is_accepted_that_could_never_fit) {
    ConnectionOptions options;
    options.max_pending_bytes = 2 * mebibyte;
    auto server = serve_tls({.on_open =
                                 [](Connection& connection) {
                                     EXPECT_EQ(connection.send(std::string(2 * mebibyte + 1, 'x')), Result::too_large);
                                     EXPECT_EQ(connection.bytes_pending(), 0u) << "all or nothing";
                                     EXPECT_TRUE(connection.is_open());
                                     EXPECT_EQ(connection.send("still open"), Result::ok);
                                 },
                             .on_data = echo},
                            {.connection = options});
    TlsPeer peer = join(*server);
    EXPECT_EQ(peer.receive(10), "still open");
    ASSERT_TRUE(peer.send("ping"));
    EXPECT_EQ(peer.receive(4), "ping");
}

TEST_P(TlsBackpressureTest, a_span_that_would_pass_the_limit_is_refused_until_there_is_room) {
    ConnectionOptions options;
    options.max_pending_bytes = 2 * mebibyte;
    options.kernel_send_buffer_bytes = 16 * 1024;
    auto server = serve_tls({.on_open =
                                 [](Connection& connection) {
                                     std::size_t accepted = 0;
                                     while (connection.bytes_pending() < 512 * 1024) {
                                         ASSERT_EQ(connection.send(pattern(accepted, 1024)), Result::ok);
                                         accepted += 1024;
                                     }
                                     EXPECT_EQ(connection.send(std::string(2 * mebibyte, 'x')), Result::would_block);
                                     EXPECT_LT(connection.bytes_pending(), mebibyte) << "all or nothing";
                                 },
                             .on_drain = [](Connection& connection) { connection.close(); }},
                            {.connection = options});
    TlsPeer peer = join_narrow(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    const TlsPeer::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.end, TlsEnd::close_notify);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
    EXPECT_EQ(seen.seen().drains, 1u);
}

TEST_P(TlsBackpressureTest, an_echo_holds_back_a_peer_that_does_not_read) {
    auto server = serve_tls({.on_data = echo});
    TlsPeer peer = join(*server);
    // Push until nothing is taken although the server had every chance to read.
    std::size_t pushed = 0;
    std::string wire;
    for (int idle = 0; idle < 3;) {
        if (wire.empty()) {
            wire = peer.seal(pattern(pushed, 16 * 1024));
            pushed += 16 * 1024;
        }
        const std::size_t sent = peer.socket().send_some(wire);
        wire.erase(0, sent);
        if (sent != 0) {
            idle = 0;
        } else {
            turn_all(engine);
            ++idle;
        }
        ASSERT_LT(pushed, 256 * mebibyte) << "the server reads without end";
    }
    EXPECT_LE(server->counters().bytes_pending, with_overhead(256 * 1024 + EngineOptions{}.receive_buffer_bytes));
    std::thread writer{[&] { EXPECT_TRUE(peer.socket().send(wire + peer.seal_close_notify())); }};
    const TlsPeer::Rest rest = peer.receive_rest();
    writer.join();
    EXPECT_EQ(rest.bytes.size(), pushed) << "an echo must lose nothing";
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
}

/// Makes answers pile up, then sends a question, and tells whether it was read while nothing drained.
TEST_P(TlsBackpressureTest, receiving_is_held_while_answers_are_pending) {
    auto server = serve_tls({.on_open = [this](Connection& connection) {
        EXPECT_EQ(connection.send(pattern(0, 12 * mebibyte)), Result::ok);
        seen.mark();
    }});
    ask_while_answers_are_pending(join_narrow(*server), engine, seen, false);
}

TEST_P(TlsBackpressureTest, receiving_goes_on_if_told_so) {
    ConnectionOptions options;
    options.hold_receive_while_pending = false;
    auto server = serve_tls({.on_open =
                                 [this](Connection& connection) {
                                     EXPECT_EQ(connection.send(pattern(0, 12 * mebibyte)), Result::ok);
                                     seen.mark();
                                 }},
                            {.connection = options});
    ask_while_answers_are_pending(join_narrow(*server), engine, seen, true);
}

TEST_P(TlsBackpressureTest, paused_from_the_start_with_bytes_directly_behind_the_finished) {
    for (const TlsVersion version : both_versions) {
        Recorder record;
        Server<Recording> server{engine,
                                 {.endpoint = endpoint(), .tls = server_context()},
                                 std::ref(record),
                                 Hooks{.on_open = [](Connection& connection) {
                                     connection.pause_receiving();
                                     EXPECT_TRUE(connection.receiving_paused());
                                 }}};
        ASSERT_TRUE(server.start());
        TlsPeer peer = TlsPeer::connect(server.address(), only(version));
        // In TLS 1.3 the client's last flight and its first bytes go out together; 1.2 ends with the server's flight.
        ASSERT_TRUE(peer.handshake([&](const RawSocket& socket, std::string_view flight) {
            std::string wire{flight};
            if (peer.established()) wire += in_order({peer.seal("early"), peer.seal(" and more")});
            return socket.send(wire);
        }));
        if (version == TlsVersion::tls1_2) {
            ASSERT_TRUE(peer.send("early and more"));
        }
        ASSERT_TRUE(record.wait_for_opens(1));
        turn_all(engine);
        EXPECT_EQ(record.seen().received, "") << "nothing is delivered while it is paused";
        with_connection(record.id(), [](Connection& connection) { connection.resume_receiving(); });
        EXPECT_TRUE(record.wait_for_bytes(14));
        EXPECT_EQ(record.seen().received, "early and more");
    }
}

TEST_P(TlsBackpressureTest, paused_in_the_middle_of_a_stream) {
    std::atomic<bool> paused_once{false};
    auto server = serve_tls({.on_data = [&](Connection& connection, Bytes) {
        EXPECT_FALSE(connection.receiving_paused());
        if (paused_once.exchange(true)) return;
        connection.pause_receiving();
        const ConnectionId id = connection.id();
        connection.reactor().post([id] {
            if (Connection* found = Reactor::current()->find(id)) found->resume_receiving();
        });
    }});
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.send(pattern(0, 3 * mebibyte)));
    ASSERT_TRUE(peer.shut_down());
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().received.size(), 3 * mebibyte);
    EXPECT_TRUE(matches_pattern(seen.seen().received, 0));
}

TEST_P(TlsBackpressureTest, pausing_and_resuming_in_every_callback_loses_nothing) {
    auto server = serve_tls({.on_data = [](Connection& connection, Bytes data) {
        connection.pause_receiving();
        EXPECT_EQ(connection.send(data), Result::ok);
        connection.resume_receiving();
    }});
    TlsPeer peer = join(*server);
    std::thread writer{[&] {
        EXPECT_TRUE(peer.send(pattern(0, 4 * mebibyte)));
        EXPECT_TRUE(peer.finish_sending());
    }};
    const TlsPeer::Rest rest = peer.receive_rest();
    writer.join();
    EXPECT_EQ(rest.bytes.size(), 4 * mebibyte);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
}

TEST_P(TlsBackpressureTest, pausing_in_on_data_delivers_nothing_more_of_what_was_received_with_it) {
    // Many records in one segment: the ones behind the one that paused must wait, decrypted or not.
    auto server = serve_tls({.on_data = [](Connection& connection, Bytes) { connection.pause_receiving(); }});
    TlsPeer peer = join(*server);
    std::string wire;
    for (std::size_t record = 0; record < 40; ++record) wire += peer.seal(pattern(record * 1000, 1000));
    ASSERT_TRUE(peer.socket().send(wire + peer.seal_close_notify()));
    std::size_t before = 0;
    while (before < 40'000) {
        ASSERT_TRUE(seen.wait_until([&](const auto& now) { return now.received.size() > before; }));
        turn_all(engine, 3);
        with_connection(seen.id(), [](Connection& connection) { EXPECT_TRUE(connection.receiving_paused()); });
        before = seen.seen().received.size();
        EXPECT_EQ(seen.seen().closes, 0u) << "the end must not overtake the bytes before it";
        with_connection(seen.id(), [](Connection& connection) { connection.resume_receiving(); });
    }
    EXPECT_TRUE(matches_pattern(seen.seen().received, 0));
    EXPECT_EQ(peer.receive_rest().end, TlsEnd::close_notify);
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::peer_closed);
}

TEST_P(TlsBackpressureTest, the_end_waits_behind_paused_bytes) {
    auto server = serve_tls({.on_open = [](Connection& connection) { connection.pause_receiving(); }});
    TlsPeer peer = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    ASSERT_TRUE(peer.send("last words"));
    ASSERT_TRUE(peer.finish_sending());
    turn_all(engine);
    EXPECT_EQ(seen.seen().ends, 0u) << "the end must not overtake the bytes before it";
    with_connection(seen.id(), [](Connection& connection) { connection.resume_receiving(); });
    EXPECT_EQ(peer.receive_rest().end, TlsEnd::close_notify);
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().received, "last words");
    EXPECT_EQ(seen.seen().ends, 1u);
}

}  // namespace
}  // namespace pollux::test
