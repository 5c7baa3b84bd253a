// Broadcasts, and what becomes of members and receivers of foreign sends that do not read.
#include <algorithm>

#include "pattern_reader.h"
#include "support.h"

namespace pollux::test {
namespace {

using BroadcastTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, BroadcastTest, everywhere, setting_name);

TEST_P(BroadcastTest, reaches_everyone_in_order) {
    auto server = serve({});
    const std::size_t count = scaled(60);
    std::vector<RawSocket> peers;
    for (std::size_t index = 0; index < count; ++index) peers.push_back(RawSocket::connect(server->address()));
    ASSERT_TRUE(seen.wait_for_opens(count));
    std::size_t offset = 0;
    for (std::size_t size = 1; size <= 3000; size += 7) {
        ASSERT_TRUE(eventually([&] { return server->broadcast(pattern(offset, size)) == Result::ok; }));
        offset += size;
    }
    for (RawSocket& peer : peers) ASSERT_TRUE(matches_pattern(peer.receive(offset), 0));
    EXPECT_TRUE(eventually([&] { return server->counters().bytes_sent == count * offset; }));
    server->close_all();
    for (RawSocket& peer : peers) {
        const RawSocket::Rest rest = peer.receive_rest();
        EXPECT_EQ(rest.bytes, "");
        EXPECT_EQ(rest.error, 0);
        peer.close();
    }
    EXPECT_TRUE(seen.wait_for_closes(count));
}

TEST_P(BroadcastTest, keeps_its_place_between_other_sends_of_the_thread) {
    auto server = serve({});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    constexpr std::size_t rounds = 2000;
    constexpr std::size_t step = 37;
    for (std::size_t round = 0; round < rounds; ++round) {
        const std::string bytes = pattern(round * step, step);
        ASSERT_TRUE(eventually(
            [&] { return (round % 3 == 0 ? server->broadcast(bytes) : engine.send(seen.id(), bytes)) == Result::ok; }));
    }
    EXPECT_TRUE(matches_pattern(peer.receive(rounds * step), 0));
}

TEST_P(BroadcastTest, from_inside_a_callback_keeps_the_order_with_send) {
    auto server = serve({.on_data = [](Connection& connection, Bytes) {
        EXPECT_EQ(connection.send("1"), Result::ok);
        EXPECT_EQ(connection.server()->broadcast_on(connection.reactor(), as_bytes("2")), Result::ok);
        EXPECT_EQ(connection.send("3"), Result::ok);
        EXPECT_EQ(connection.server()->broadcast_on(connection.reactor(), as_bytes("4")), Result::ok);
    }});
    const RawSocket peer = RawSocket::connect(server->address());
    for (int round = 0; round < 50; ++round) {
        ASSERT_TRUE(peer.send("go"));
        ASSERT_EQ(peer.receive(4), "1234");
    }
}

TEST_P(BroadcastTest, broadcast_from_a_callback_reaches_every_reactor) {
    auto server = serve({.on_data = [](Connection& connection, Bytes data) {
        EXPECT_EQ(connection.server()->broadcast(data), Result::ok);
    }});
    std::vector<RawSocket> peers;
    for (int index = 0; index < 12; ++index) peers.push_back(RawSocket::connect(server->address()));
    ASSERT_TRUE(seen.wait_for_opens(peers.size()));
    for (const RawSocket& sender : peers) {
        ASSERT_TRUE(sender.send("news"));
        for (const RawSocket& peer : peers) ASSERT_EQ(peer.receive(4), "news");
    }
}

TEST_P(BroadcastTest, to_nobody_is_fine) {
    auto server = serve({});
    EXPECT_EQ(server->broadcast("anyone?"), Result::ok);
    turn_all(engine, 1);  // a broadcast is for those who are there when it reaches their reactor
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_EQ(server->broadcast("now"), Result::ok);
    EXPECT_EQ(peer.receive(3), "now") << "who comes later gets only what is sent later";
    peer.close();
    server->stop();
    EXPECT_EQ(server->broadcast("gone"), Result::closed);
}

TEST_P(BroadcastTest, closes_the_member_that_does_not_read) {
    ConnectionOptions options;
    options.max_pending_bytes = 2 * mebibyte;
    auto server = serve({}, {.connection = options});
    const RawSocket silent = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    const ConnectionId silent_id = seen.id();
    PatternReader reader{RawSocket::connect(server->address())};
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

TEST_P(BroadcastTest, waits_for_the_member_that_does_not_read) {
    std::atomic<std::size_t> drained{0};
    auto server = serve({}, {.slow_consumer = SlowConsumer::wait, .on_broadcast_drain = [&](Reactor& reactor) {
                                 EXPECT_TRUE(reactor.is_current());
                                 ++drained;
                             }});
    RawSocket late = RawSocket::connect(server->address(), 64 * 1024);
    PatternReader reader{RawSocket::connect(server->address())};
    ASSERT_TRUE(seen.wait_for_opens(2));
    const std::uint64_t total = 32 * mebibyte;
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

TEST_P(BroadcastTest, a_waiting_broadcast_goes_on_when_the_slowest_member_leaves) {
    auto server = serve({}, {.slow_consumer = SlowConsumer::wait});
    RawSocket silent = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    for (std::size_t refused_in_a_row = 0; refused_in_a_row < 5;) {
        const Result result = server->broadcast(pattern(0, 64 * 1024));
        refused_in_a_row = result == Result::ok ? 0 : refused_in_a_row + 1;
        if (result != Result::ok) turn_all(engine);
    }
    silent.reset();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_TRUE(eventually([&] { return server->broadcast("free again") == Result::ok; }));
}

TEST_P(BroadcastTest, a_foreign_sender_that_does_not_stop_closes_the_slow_consumer) {
    ConnectionOptions options;
    options.max_pending_bytes = 2 * mebibyte;
    auto server = serve({}, {.connection = options});
    const RawSocket silent = RawSocket::connect(server->address());
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

TEST_P(BroadcastTest, members_that_come_and_go_meanwhile) {
    auto server = serve({});
    std::atomic<bool> go_on{true};
    std::thread announcer{[&] {
        while (go_on) {
            const Result result = server->broadcast("tick");
            EXPECT_TRUE(result == Result::ok || result == Result::would_block);
            std::this_thread::sleep_for(20us);  // not so fast that a member could become a slow consumer
        }
    }};
    const std::size_t rounds = scaled(400);
    for (std::size_t round = 0; round < rounds; ++round) {
        RawSocket peer = RawSocket::connect(server->address());
        const std::string heard = peer.receive(12);
        EXPECT_EQ(heard, "tickticktick");
        if (round % 3 == 0) peer.reset();
    }
    go_on = false;
    announcer.join();
    EXPECT_TRUE(seen.wait_for_closes(rounds));
}

TEST_P(BroadcastTest, abort_all_and_close_all_leave_the_server_open) {
    auto server = serve({.on_data = echo});
    for (const bool gracefully : {true, false}) {
        std::vector<RawSocket> peers;
        for (int index = 0; index < 8; ++index) {
            peers.push_back(RawSocket::connect(server->address()));
            ASSERT_TRUE(peers.back().send("hi"));
            ASSERT_EQ(peers.back().receive(2), "hi");
        }
        gracefully ? server->close_all() : server->abort_all();
        for (RawSocket& peer : peers) {
            const int error = peer.receive_rest().error;
            EXPECT_TRUE(error == 0 || (!gracefully && error == ECONNRESET)) << error;
            peer.close();
        }
        ASSERT_TRUE(seen.wait_for_closes(gracefully ? 8 : 16));
        EXPECT_EQ(seen.reason(gracefully ? 0 : 8), gracefully ? CloseReason::local_close : CloseReason::aborted);
    }
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(peer.send("hi"));
    EXPECT_EQ(peer.receive(2), "hi");
}

}  // namespace
}  // namespace pollux::test
