// Broadcasts to TLS members, each of whom gets bytes encrypted for it alone, and what becomes of those who do not read.
#include <algorithm>

#include "pattern_reader.h"
#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsBroadcastTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsBroadcastTest, everywhere, setting_name);

TEST_P(TlsBroadcastTest, reaches_everyone_in_order) {
    auto server = serve_tls({});
    const std::size_t count = scaled(40);
    const TlsPeerContext context{TlsRole::client, {}};
    std::vector<TlsPeer> peers;
    for (std::size_t index = 0; index < count; ++index) {
        peers.emplace_back(RawSocket::connect(server->address()), context);
        ASSERT_TRUE(peers.back().handshake());
    }
    ASSERT_TRUE(seen.wait_for_opens(count));
    std::size_t offset = 0;
    for (std::size_t size = 1; size <= 3000; size += 13) {
        ASSERT_TRUE(eventually([&] { return server->broadcast(pattern(offset, size)) == Result::ok; }));
        offset += size;
    }
    for (TlsPeer& peer : peers) {
        const std::string bytes = peer.receive(offset);
        ASSERT_EQ(bytes.size(), offset);
        ASSERT_TRUE(matches_pattern(bytes, 0));
    }
    EXPECT_TRUE(eventually([&] { return server->counters().bytes_sent == count * offset; }));
    server->close_all();
    for (TlsPeer& peer : peers) {
        const TlsPeer::Rest rest = peer.receive_rest();
        EXPECT_EQ(rest.bytes, "");
        EXPECT_EQ(rest.end, TlsEnd::close_notify);
        peer.close();
    }
    EXPECT_TRUE(seen.wait_for_closes(count));
}

TEST_P(TlsBroadcastTest, from_inside_a_callback_keeps_the_order_with_send) {
    auto server = serve_tls({.on_data = [](Connection& connection, Bytes) {
        EXPECT_EQ(connection.send("1"), Result::ok);
        EXPECT_EQ(connection.server()->broadcast_on(connection.reactor(), as_bytes("2")), Result::ok);
        EXPECT_EQ(connection.send("3"), Result::ok);
        EXPECT_EQ(connection.server()->broadcast_on(connection.reactor(), as_bytes("4")), Result::ok);
    }});
    TlsPeer peer = join(*server);
    for (int round = 0; round < 50; ++round) {
        ASSERT_TRUE(peer.send("go"));
        ASSERT_EQ(peer.receive(4), "1234");
    }
}

TEST_P(TlsBroadcastTest, reaches_nobody_who_is_still_shaking_hands) {
    auto server = serve_tls({});
    TlsPeer early = TlsPeer::connect(server->address());
    ASSERT_TRUE(early.socket().send(early.next_flight()));
    ASSERT_TRUE(early.hear());
    TlsPeer member = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_EQ(server->broadcast("for members"), Result::ok);
    EXPECT_EQ(member.receive(11), "for members");
    turn_all(engine, 2);  // the other reactor has had it, too
    ASSERT_TRUE(early.handshake()) << early.failure();
    ASSERT_TRUE(seen.wait_for_opens(2));
    EXPECT_EQ(server->broadcast("for both"), Result::ok);
    EXPECT_EQ(early.receive(8), "for both") << "who comes later gets only what is sent later";
    EXPECT_EQ(member.receive(8), "for both");
}

TEST_P(TlsBroadcastTest, closes_the_member_that_does_not_read) {
    ConnectionOptions options;
    options.max_pending_bytes = 2 * mebibyte;
    auto server = serve_tls({}, {.connection = options});
    TlsPeer silent = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    const ConnectionId silent_id = seen.id();
    PatternReader reader{join(*server)};
    ASSERT_TRUE(seen.wait_for_opens(2));
    std::uint64_t sent = 0;
    while (engine.is_alive(silent_id)) {
        // Stay well below the limit for the one that does read.
        ASSERT_TRUE(eventually([&] { return reader.received() + mebibyte / 2 >= sent; }));
        ASSERT_TRUE(eventually([&] { return server->broadcast(pattern(sent, 64 * 1024)) == Result::ok; }));
        sent += 64 * 1024;
        ASSERT_LT(sent, 256 * mebibyte) << "nobody closed the silent member";
    }
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::slow_consumer);
    EXPECT_TRUE(eventually([&] { return reader.received() == sent; }));
    EXPECT_TRUE(reader.intact());
    server->close_all();
    reader.join();
}

TEST_P(TlsBroadcastTest, waits_for_the_member_that_does_not_read) {
    std::atomic<std::size_t> drained{0};
    auto server = serve_tls({}, {.slow_consumer = SlowConsumer::wait, .on_broadcast_drain = [&](Reactor& reactor) {
                                     EXPECT_TRUE(reactor.is_current());
                                     ++drained;
                                 }});
    TlsPeer late{RawSocket::connect(server->address(), 64 * 1024), TlsRole::client};
    ASSERT_TRUE(late.handshake());
    PatternReader reader{join(*server)};
    ASSERT_TRUE(seen.wait_for_opens(2));
    const std::uint64_t total = 16 * mebibyte;
    std::uint64_t sent = 0;
    // Until the silent member holds everybody back for good ...
    const auto send_one = [&] {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(32 * 1024, total - sent));
        const Result result = server->broadcast(pattern(sent, size));
        if (result == Result::ok) sent += size;
        return result;
    };
    std::size_t refused_in_a_row = 0;
    while (refused_in_a_row < 5) {
        const Result result = send_one();
        ASSERT_TRUE(result == Result::ok || result == Result::would_block) << to_string(result);
        refused_in_a_row = result == Result::ok ? 0 : refused_in_a_row + 1;
        if (result != Result::ok) turn_all(engine);
        ASSERT_LT(sent, total) << "the silent member did not hold back the broadcast";
    }
    // ... and then with a second reader.
    PatternReader woken{std::move(late)};
    EXPECT_TRUE(eventually([&] { return drained > 0; }));
    while (sent < total) {
        const Result result = send_one();
        ASSERT_TRUE(result == Result::ok || result == Result::would_block) << to_string(result);
        if (result == Result::would_block) std::this_thread::yield();
    }
    EXPECT_TRUE(eventually([&] { return reader.received() == total && woken.received() == total; }, 4 * patience));
    EXPECT_TRUE(reader.intact());
    EXPECT_TRUE(woken.intact());
    server->close_all();
    reader.join();
    woken.join();
    ASSERT_TRUE(seen.wait_for_closes(2));
}

TEST_P(TlsBroadcastTest, a_waiting_broadcast_goes_on_when_the_slowest_member_leaves) {
    auto server = serve_tls({}, {.slow_consumer = SlowConsumer::wait});
    TlsPeer silent = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    for (std::size_t refused_in_a_row = 0; refused_in_a_row < 5;) {
        const Result result = server->broadcast(pattern(0, 64 * 1024));
        refused_in_a_row = result == Result::ok ? 0 : refused_in_a_row + 1;
        if (result != Result::ok) turn_all(engine);
    }
    silent.socket().reset();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_TRUE(eventually([&] { return server->broadcast("free again") == Result::ok; }));
}

TEST_P(TlsBroadcastTest, a_foreign_sender_that_does_not_stop_closes_the_slow_consumer) {
    ConnectionOptions options;
    options.max_pending_bytes = 2 * mebibyte;
    auto server = serve_tls({}, {.connection = options});
    TlsPeer silent = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    std::thread sender{[&] {
        const std::string bytes = pattern(0, 64 * 1024);
        Result result = Result::ok;
        for (std::size_t accepted = 0; result != Result::closed && accepted < 1024;) {
            result = engine.send(seen.id(), bytes);
            if (result == Result::ok) ++accepted;
            if (result == Result::would_block) std::this_thread::yield();
        }
        EXPECT_EQ(result, Result::closed);
    }};
    EXPECT_TRUE(seen.wait_for_closes(1));
    sender.join();
    EXPECT_EQ(seen.reason(), CloseReason::slow_consumer);
}

TEST_P(TlsBroadcastTest, members_that_come_and_go_meanwhile) {
    auto server = serve_tls({});
    std::atomic<bool> go_on{true};
    std::thread announcer{[&] {
        while (go_on) {
            const Result result = server->broadcast("tick");
            EXPECT_TRUE(result == Result::ok || result == Result::would_block);
            std::this_thread::sleep_for(20us);  // not so fast that a member could become a slow consumer
        }
    }};
    const TlsPeerContext context{TlsRole::client, {}};
    const std::size_t rounds = scaled(100);
    for (std::size_t round = 0; round < rounds; ++round) {
        TlsPeer peer{RawSocket::connect(server->address()), context};
        EXPECT_TRUE(peer.handshake()) << peer.failure();
        EXPECT_EQ(peer.receive(12), "tickticktick");
        if (round % 3 == 0) peer.socket().reset();
    }
    go_on = false;
    announcer.join();
    EXPECT_TRUE(seen.wait_for_closes(rounds));
}

TEST_P(TlsBroadcastTest, abort_all_and_close_all_leave_the_server_open) {
    auto server = serve_tls({.on_data = echo});
    for (const bool gracefully : {true, false}) {
        std::vector<TlsPeer> peers;
        for (int index = 0; index < 4; ++index) {
            peers.push_back(join(*server));
            ASSERT_TRUE(peers.back().send("hi"));
            ASSERT_EQ(peers.back().receive(2), "hi");
        }
        gracefully ? server->close_all() : server->abort_all();
        for (TlsPeer& peer : peers) {
            const TlsEnd end = peer.receive_rest().end;
            if (gracefully) {
                EXPECT_EQ(end, TlsEnd::close_notify);
            } else {
                EXPECT_TRUE(end == TlsEnd::reset || end == TlsEnd::truncated) << testing::PrintToString(end);
            }
            peer.close();
        }
        ASSERT_TRUE(seen.wait_for_closes(gracefully ? 4 : 8));
        EXPECT_EQ(seen.reason(gracefully ? 0 : 4), gracefully ? CloseReason::local_close : CloseReason::aborted);
    }
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.send("hi"));
    EXPECT_EQ(peer.receive(2), "hi");
}

}  // namespace
}  // namespace pollux::test
