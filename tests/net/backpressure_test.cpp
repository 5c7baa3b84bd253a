// Peers that do not read: watermarks, bounds, held and paused receiving, slow consumers.
#include "backpressure_support.h"
#include "support.h"

namespace pollux::test {
namespace {

using BackpressureTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, BackpressureTest, everywhere, setting_name);

TEST_P(BackpressureTest, sixty_four_mebibytes_through_a_slow_reader) {
    const std::uint64_t total = scaled(64 * mebibyte);
    Producer::Report report;
    Server<Producer> server{engine, {.endpoint = endpoint()}, total, std::ref(report)};
    ASSERT_TRUE(server.start());
    const RawSocket peer = RawSocket::connect(server.address(), narrow_buffer);
    ASSERT_TRUE(eventually([&] { return report.refusals > 0; })) << "the watermark must hold back the producer";
    std::uint64_t received = 0;
    for (std::size_t turn = 0;; ++turn) {
        const std::string bytes = peer.receive_some(16 * 1024);
        if (bytes.empty()) break;
        ASSERT_TRUE(matches_pattern(bytes, received)) << "near byte " << received;
        received += bytes.size();
        if (turn % 16 == 0) std::this_thread::yield();
    }
    EXPECT_EQ(received, total);
    EXPECT_GT(report.drains, 0u);
    // Every refusal is answered by a drain; the last one opens the way to the end.
    EXPECT_GE(report.drains, report.refusals);
    EXPECT_LE(report.most_pending, ConnectionOptions{}.high_watermark_bytes + 64 * 1024);
    EXPECT_LE(server.counters().bytes_pending, ConnectionOptions{}.max_pending_bytes);
}

TEST_P(BackpressureTest, one_drain_for_many_refusals) {
    auto server = serve({.on_open =
                             [](Connection& connection) {
                                 send_until_refused(connection, pattern(0, 64 * 1024));
                                 for (int again = 0; again < 10; ++again) {
                                     EXPECT_EQ(connection.send("x"), Result::would_block);
                                 }
                             },
                         .on_drain = [](Connection& connection) { connection.close(); }});
    const RawSocket peer = RawSocket::connect(server->address());
    EXPECT_EQ(peer.receive_rest().error, 0);
    ASSERT_TRUE(seen.wait_until([](const auto& now) { return now.drains == 1; }));
    turn_all(engine);
    EXPECT_EQ(seen.seen().drains, 1u);
}

TEST_P(BackpressureTest, passing_the_high_watermark_is_followed_by_a_drain_too) {
    auto server = serve(
        {.on_open = [](Connection& connection) { EXPECT_EQ(connection.send(pattern(0, 8 * mebibyte)), Result::ok); },
         .on_drain =
             [](Connection& connection) {
                 EXPECT_LE(connection.bytes_pending(), ConnectionOptions{}.low_watermark_bytes);
                 connection.close();
             }});
    const RawSocket peer = RawSocket::connect(server->address(), narrow_buffer);
    ASSERT_TRUE(seen.wait_for_opens(1));  // from here on nothing leaves the kernel but by our reading
    const RawSocket::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.bytes.size(), 8 * mebibyte);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
    EXPECT_TRUE(seen.wait_until([](const auto& now) { return now.drains == 1; }));
}

TEST_P(BackpressureTest, nothing_is_accepted_that_could_never_fit) {
    ConnectionOptions options;
    options.max_pending_bytes = 2 * mebibyte;
    auto server = serve({.on_open =
                             [](Connection& connection) {
                                 EXPECT_EQ(connection.send(std::string(2 * mebibyte + 1, 'x')), Result::too_large);
                                 EXPECT_EQ(connection.bytes_pending(), 0u) << "all or nothing";
                                 EXPECT_TRUE(connection.is_open());
                                 EXPECT_EQ(connection.send("still open"), Result::ok);
                             },
                         .on_data = echo},
                        {.connection = options});
    const RawSocket peer = RawSocket::connect(server->address());
    EXPECT_EQ(peer.receive(10), "still open");
    const std::string half_a_mailbox(EngineOptions{}.mailbox_bytes / 2 + 1, 'x');
    EXPECT_EQ(engine.send(seen.id(), half_a_mailbox), Result::too_large);
    EXPECT_EQ(server->broadcast(half_a_mailbox), Result::too_large);
    ASSERT_TRUE(peer.send("ping"));
    EXPECT_EQ(peer.receive(4), "ping");
}

TEST_P(BackpressureTest, a_span_that_would_pass_the_limit_is_refused_until_there_is_room) {
    ConnectionOptions options;
    options.max_pending_bytes = 2 * mebibyte;
    // Bytes the kernel takes are not pending, so bound those as well.
    options.kernel_send_buffer_bytes = 16 * 1024;
    auto server = serve({.on_open =
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
    const RawSocket peer = RawSocket::connect(server->address(), narrow_buffer);
    ASSERT_TRUE(seen.wait_for_opens(1));
    const RawSocket::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.error, 0);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
    EXPECT_EQ(seen.seen().drains, 1u);
}

TEST_P(BackpressureTest, an_echo_holds_back_a_peer_that_does_not_read) {
    auto server = serve({.on_data = echo});
    const RawSocket peer = RawSocket::connect(server->address());
    // Push until nothing is taken although the server had every chance to read.
    std::size_t pushed = 0;
    for (int idle = 0; idle < 3;) {
        const std::size_t sent = peer.send_some(pattern(pushed, 128 * 1024));
        pushed += sent;
        if (sent != 0) {
            idle = 0;
        } else {
            turn_all(engine);
            ++idle;
        }
        ASSERT_LT(pushed, 256 * mebibyte) << "the server reads without end";
    }
    EXPECT_LE(server->counters().bytes_pending, 256 * 1024 + EngineOptions{}.receive_buffer_bytes);
    peer.finish_sending();
    const RawSocket::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.bytes.size(), pushed) << "an echo must lose nothing";
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
}

/// Makes answers pile up, then sends a question, and tells whether it was read while nothing drained.
TEST_P(BackpressureTest, receiving_is_held_while_answers_are_pending) {
    auto server = serve({.on_open = [this](Connection& connection) {
        EXPECT_EQ(connection.send(pattern(0, 16 * mebibyte)), Result::ok);
        seen.mark();
    }});
    ask_while_answers_are_pending(RawSocket::connect(server->address(), narrow_buffer), engine, seen, false);
}

TEST_P(BackpressureTest, receiving_goes_on_if_told_so) {
    ConnectionOptions options;
    options.hold_receive_while_pending = false;
    auto server = serve({.on_open =
                             [this](Connection& connection) {
                                 EXPECT_EQ(connection.send(pattern(0, 16 * mebibyte)), Result::ok);
                                 seen.mark();
                             }},
                        {.connection = options});
    ask_while_answers_are_pending(RawSocket::connect(server->address(), narrow_buffer), engine, seen, true);
}

TEST_P(BackpressureTest, paused_from_the_start) {
    auto server = serve({.on_open = [this](Connection& connection) {
        connection.pause_receiving();
        EXPECT_TRUE(connection.receiving_paused());
        seen.mark();
    }});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(peer.send("early"));
    ASSERT_TRUE(seen.wait_for_marks(1));
    turn_all(engine);
    EXPECT_EQ(seen.seen().received, "");
    for (std::size_t index = 0; index < engine.reactors(); ++index) {
        run_on(engine.reactor(index), [&] {
            if (Connection* connection = Reactor::current()->find(seen.id())) {
                connection->resume_receiving();
                EXPECT_FALSE(connection->receiving_paused());
            }
        });
    }
    EXPECT_TRUE(seen.wait_for_bytes(5));
}

TEST_P(BackpressureTest, paused_in_the_middle_of_a_stream) {
    std::atomic<bool> paused_once{false};
    auto server = serve({.on_data = [&](Connection& connection, Bytes) {
        EXPECT_FALSE(connection.receiving_paused());
        if (!paused_once.exchange(true)) {
            connection.pause_receiving();
            const ConnectionId id = connection.id();
            connection.reactor().post([id] {
                if (Connection* found = Reactor::current()->find(id)) {
                    found->resume_receiving();
                }
            });
        }
    }});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(peer.send(pattern(0, 3 * mebibyte)));
    peer.finish_sending();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().received.size(), 3 * mebibyte);
    EXPECT_TRUE(matches_pattern(seen.seen().received, 0));
}

TEST_P(BackpressureTest, pausing_and_resuming_in_every_callback_loses_nothing) {
    auto server = serve({.on_data = [](Connection& connection, Bytes data) {
        connection.pause_receiving();
        EXPECT_EQ(connection.send(data), Result::ok);
        connection.resume_receiving();
    }});
    const RawSocket peer = RawSocket::connect(server->address());
    std::thread writer{[&] {
        EXPECT_TRUE(peer.send(pattern(0, 4 * mebibyte)));
        peer.finish_sending();
    }};
    const RawSocket::Rest rest = peer.receive_rest();
    writer.join();
    EXPECT_EQ(rest.bytes.size(), 4 * mebibyte);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
}

TEST_P(BackpressureTest, the_end_waits_behind_paused_bytes) {
    auto server = serve({.on_open = [](Connection& connection) { connection.pause_receiving(); }});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    ASSERT_TRUE(peer.send("last words"));
    peer.finish_sending();
    turn_all(engine);
    EXPECT_EQ(seen.seen().ends, 0u) << "the end must not overtake the bytes before it";
    for (std::size_t index = 0; index < engine.reactors(); ++index) {
        run_on(engine.reactor(index), [&] {
            if (Connection* connection = Reactor::current()->find(seen.id())) connection->resume_receiving();
        });
    }
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().received, "last words");
    EXPECT_EQ(seen.seen().ends, 1u);
}

}  // namespace
}  // namespace pollux::test
