// Accepting at its limits: too many connections, no descriptors left, and nothing left behind after many.
#include <cerrno>

#include "common/descriptor_shortage.h"
#include "common/process.h"
#include "support.h"

namespace pollux::test {
namespace {

using AcceptLimitsTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, AcceptLimitsTest, everywhere, setting_name);

TEST_P(AcceptLimitsTest, refuses_promptly_above_the_maximum_and_recovers) {
    auto server = serve({.on_data = echo}, {.max_connections = 3});
    std::vector<RawSocket> peers;
    for (int index = 0; index < 3; ++index) {
        peers.push_back(RawSocket::connect(server->address()));
        ASSERT_TRUE(peers.back().send("in"));
        ASSERT_EQ(peers.back().receive(2), "in");
    }
    for (std::uint64_t refused = 1; refused <= 10; ++refused) {
        const RawSocket peer = RawSocket::connect(server->address());
        const RawSocket::Rest rest = peer.receive_rest();
        EXPECT_EQ(rest.bytes, "");
        EXPECT_NE(rest.error, EAGAIN) << "closed as soon as it is accepted";
        EXPECT_TRUE(eventually([&] { return server->counters().refused == refused; }));
    }
    EXPECT_EQ(server->connections(), 3u);
    EXPECT_EQ(seen.seen().opens, 3u) << "who is refused is never opened";
    for (const RawSocket& peer : peers) {
        ASSERT_TRUE(peer.send("still here"));
        ASSERT_EQ(peer.receive(10), "still here");
    }
    peers.pop_back();
    ASSERT_TRUE(seen.wait_for_closes(1));
    ASSERT_TRUE(eventually([&] { return server->connections() == 2; }));
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(peer.send("next"));
    EXPECT_EQ(peer.receive(4), "next");
}

TEST_P(AcceptLimitsTest, never_more_than_the_maximum_in_a_rush) {
    std::atomic<std::size_t> now_open{0};
    std::atomic<std::size_t> most{0};
    auto server = serve({.on_open =
                             [&](Connection&) {
                                 const std::size_t count = ++now_open;
                                 std::size_t old = most;
                                 while (old < count && !most.compare_exchange_weak(old, count)) {
                                 }
                             },
                         .on_close = [&](Connection&, CloseReason, std::error_code) { --now_open; }},
                        {.max_connections = 10});
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            std::vector<RawSocket> peers;
            for (std::size_t index = 0; index < scaled(200); ++index) {
                peers.push_back(RawSocket::connect(server->address()));
                if (peers.size() > 10) peers.clear();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_LE(most, 10u);
    const auto all = [&] { return server->counters().accepted + server->counters().refused == 4 * scaled(200); };
    EXPECT_TRUE(eventually(all)) << server->counters().accepted << " + " << server->counters().refused;
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_P(AcceptLimitsTest, out_of_descriptors_it_waits_without_spinning_and_resumes) {
    if (!DescriptorShortage::possible()) GTEST_SKIP() << "the system bounds no process's descriptors";
    auto server = serve({.on_data = echo});
    const RawSocket old_friend = RawSocket::connect(server->address());
    ASSERT_TRUE(old_friend.send("hi"));
    ASSERT_EQ(old_friend.receive(2), "hi");

    // This side's sockets first, then every descriptor that is left, so that accept finds none.
    std::vector<RawSocket> peers;
    for (int index = 0; index < 4; ++index) peers.push_back(RawSocket::unconnected(server->address()));
    {
        DescriptorShortage shortage{24};
        ASSERT_TRUE(shortage.complete());
        for (const RawSocket& peer : peers) peer.begin_connect(server->address());
        ASSERT_TRUE(old_friend.send("busy?"));
        EXPECT_EQ(old_friend.receive(5), "busy?") << "open connections go on";

        const auto before = processor_time();
        std::this_thread::sleep_for(700ms);
        EXPECT_LT(processor_time() - before, 250ms) << "accepting without descriptors must not spin";
        // A reactor that lends out its reserve to say no may find another one faster to accept with it.
        EXPECT_LE(server->connections(), engine.reactors());

        // Free them: accepting resumes by itself.
        shortage.give_back();
        RawSocket fresh = RawSocket::connect(server->address());
        ASSERT_TRUE(fresh.send("again"));
        EXPECT_EQ(fresh.receive(5), "again");
    }
    peers.clear();
    RawSocket last = RawSocket::connect(server->address());
    ASSERT_TRUE(last.send("fine"));
    EXPECT_EQ(last.receive(4), "fine");
}

TEST_P(AcceptLimitsTest, ten_thousand_connections_leave_nothing_behind) {
    auto server = serve({.on_data = echo});
    const auto open_and_close = [&](std::size_t count) {
        for (std::size_t index = 0; index < count; ++index) {
            RawSocket peer = RawSocket::connect(server->address());
            ASSERT_TRUE(peer.valid());
            if (index % 4 != 0) {
                ASSERT_TRUE(peer.send("hi"));
                ASSERT_EQ(peer.receive(2), "hi");
            }
            // Every way to go: reset, orderly, and with the server's bytes unread.
            if (index % 4 == 1) peer.reset();
            if (index % 4 == 2) {
                peer.finish_sending();
                ASSERT_EQ(peer.receive_rest().error, 0);
            }
            if (index % 4 == 3) (void)peer.send("unread");
        }
    };
    open_and_close(100);
    ASSERT_TRUE(eventually([&] { return server->connections() == 0; }));
    const std::size_t before = open_descriptors();
    const std::size_t count = scaled(10'000);
    open_and_close(count);
    ASSERT_TRUE(seen.wait_until([&](const auto& now) { return now.closes == count + 100; }));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }))
        << before << " descriptors before, " << open_descriptors() << " after";
    EXPECT_EQ(server->counters().accepted, count + 100);
    EXPECT_EQ(seen.seen().handlers, 0u);
}

TEST_P(AcceptLimitsTest, engines_and_servers_leave_no_descriptor_behind) {
    const auto live_once = [&] {
        Engine short_lived{{.reactors = GetParam().reactors}};
        Server server{short_lived, {.endpoint = endpoint()}, Callbacks{.on_data = echo}};
        EXPECT_TRUE(server.start());
        EXPECT_TRUE(short_lived.start());
        Client client{short_lived,
                      {.endpoint = endpoint_of(server.address())},
                      Callbacks{.on_open = [](Connection& connection) { connection.send("x"); }}};
        EXPECT_TRUE(client.start());
        const RawSocket peer = RawSocket::connect(server.address());
        EXPECT_TRUE(peer.send("hi"));
        EXPECT_EQ(peer.receive(2), "hi");
    };
    live_once();
    const std::size_t before = open_descriptors();
    for (int round = 0; round < 20; ++round) live_once();
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace pollux::test
