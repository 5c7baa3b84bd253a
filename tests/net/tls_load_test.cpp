// Many handshakes at once, most of them bad, beside connections that work; and no descriptors left in the middle of it.
#include <algorithm>
#include <ctime>

#include "common/descriptor_shortage.h"
#include "common/process.h"
#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsLoadTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsLoadTest, everywhere, setting_name);

TEST_P(TlsLoadTest, a_thousand_silent_clients_beside_one_that_works) {
    auto server = serve_tls({.on_data = echo});
    const std::size_t count = scaled(1000);
    std::vector<RawSocket> silent;
    TlsPeer busy = join(*server);
    for (std::size_t index = 0; index < count; ++index) {
        silent.push_back(RawSocket::connect(server->address()));
        ASSERT_TRUE(silent.back().valid());
        if (index % 50 != 0) continue;
        ASSERT_TRUE(busy.send("still served"));
        ASSERT_EQ(busy.receive(12), "still served");
    }
    ASSERT_TRUE(eventually([&] { return server->connections() == count + 1; }));
    TlsPeer late = join(*server);
    ASSERT_TRUE(late.send("so am I"));
    EXPECT_EQ(late.receive(7), "so am I");
    EXPECT_EQ(seen.seen().opens, 2u);
    silent.clear();
    ASSERT_TRUE(seen.wait_for_handshake_errors(count));
    EXPECT_TRUE(eventually([&] { return server->counters().handshakes_failed == count; }));
}

TEST_P(TlsLoadTest, silent_clients_count_against_the_maximum_until_their_deadline) {
    ConnectionOptions options;
    options.handshake_timeout = 200ms;
    auto server = serve_tls({.on_data = echo}, {.connection = options, .max_connections = 4});
    std::vector<RawSocket> silent;
    for (int index = 0; index < 4; ++index) silent.push_back(RawSocket::connect(server->address()));
    ASSERT_TRUE(eventually([&] { return server->counters().handshakes_failed + server->connections() >= 4; }));
    ASSERT_TRUE(seen.wait_for_handshake_errors(4)) << "nobody may sit on a place for ever";
    ASSERT_TRUE(eventually([&] { return server->connections() == 0; }));
    // On a busy machine even an honest handshake may be too slow.
    EXPECT_TRUE(eventually([&] { return TlsPeer::connect(server->address()).handshake(); }));
}

TEST_P(TlsLoadTest, a_handshake_flood_beside_a_busy_connection) {
    auto server = serve_tls({.on_data = echo});
    TlsPeer busy = join(*server);
    std::atomic<bool> go_on{true};
    std::atomic<std::size_t> attempts{0};
    std::vector<std::thread> flood;
    for (int thread = 0; thread < 2; ++thread) {
        flood.emplace_back([&] {
            const TlsPeerContext context{TlsRole::client, {}};
            while (go_on) {
                TlsPeer peer{RawSocket::connect(server->address()), context};
                switch (attempts++ % 4) {
                    case 0:
                        (void)peer.handshake();
                        break;
                    case 1:  // the costly part for the server, and then nothing
                        (void)peer.socket().send(peer.next_flight());
                        (void)peer.hear();
                        break;
                    case 2:
                        (void)peer.socket().send("no handshake at all\n");
                        break;
                    default:
                        peer.socket().reset();
                        break;
                }
            }
        });
    }
    // It gets on while they do: neither waits for the other.
    std::size_t rounds = 0;
    while (rounds < 100 || attempts < scaled(200)) {
        const bool sent = busy.send("on we go");
        EXPECT_TRUE(sent);
        if (!sent || busy.receive(8) != "on we go") break;
        ++rounds;
    }
    EXPECT_GE(rounds, 100u);
    EXPECT_GE(attempts, scaled(200));
    go_on = false;
    for (std::thread& thread : flood) thread.join();
}

TEST_P(TlsLoadTest, a_server_stops_while_a_hundred_handshakes_are_under_way) {
    auto server = serve_tls({.on_data = echo});
    const std::size_t count = scaled(100);
    const TlsPeerContext context{TlsRole::client, {}};
    std::vector<TlsPeer> peers;
    for (std::size_t index = 0; index < count; ++index) {
        peers.emplace_back(RawSocket::connect(server->address()), context);
        TlsPeer& peer = peers.back();
        if (index % 3 == 0) continue;
        ASSERT_TRUE(peer.socket().send(peer.next_flight()));
        if (index % 3 == 1) {
            ASSERT_TRUE(peer.hear());
        }
    }
    ASSERT_TRUE(eventually([&] { return server->connections() == count; }));
    server->stop();
    EXPECT_EQ(server->connections(), 0u) << "stop waits for those as well";
    EXPECT_EQ(seen.seen().handlers, 0u);
    ASSERT_EQ(seen.seen().handshake_errors.size(), count);
    for (const HandshakeError& failure : seen.seen().handshake_errors) {
        EXPECT_EQ(failure.reason, CloseReason::shutdown);
    }
    for (TlsPeer& peer : peers) {
        // In TLS 1.3 a client may believe that it is done, but nobody is there.
        if (peer.handshake()) {
            EXPECT_NE(peer.receive_rest().end, TlsEnd::none);
        }
    }
    const Status status = server->start();
    ASSERT_TRUE(status) << status;
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.send("hello"));
    EXPECT_EQ(peer.receive(5), "hello");
}

TEST_P(TlsLoadTest, a_server_is_destroyed_while_handshakes_are_under_way) {
    const TlsPeerContext context{TlsRole::client, {}};
    for (std::size_t round = 0; round < scaled(30); ++round) {
        auto server = serve_tls({.on_data = echo});
        std::vector<TlsPeer> peers;
        for (int index = 0; index < 4; ++index) {
            peers.emplace_back(RawSocket::connect(server->address()), context);
            (void)peers.back().socket().send(peers.back().next_flight());
        }
        if (round % 2 == 0) turn_all(engine, static_cast<int>(round % 5));
        server.reset();
    }
    EXPECT_TRUE(eventually([&] { return seen.seen().handlers == 0; }));
}

TEST_P(TlsLoadTest, out_of_descriptors_in_the_middle_of_handshakes) {
    if (!DescriptorShortage::possible()) GTEST_SKIP() << "the system bounds no process's descriptors";
    auto server = serve_tls({.on_data = echo});
    TlsPeer old_friend = join(*server);
    // Half of a handshake, and sockets for some more, before every descriptor is taken.
    std::vector<TlsPeer> halfway;
    for (int index = 0; index < 4; ++index) {
        halfway.push_back(TlsPeer::connect(server->address()));
        ASSERT_TRUE(halfway.back().socket().send(halfway.back().next_flight()));
        ASSERT_TRUE(halfway.back().hear());
    }
    std::vector<RawSocket> waiting;
    for (int index = 0; index < 4; ++index) waiting.push_back(RawSocket::unconnected(server->address()));
    {
        DescriptorShortage shortage{24};
        ASSERT_TRUE(shortage.complete());
        for (const RawSocket& peer : waiting) peer.begin_connect(server->address());
        for (TlsPeer& peer : halfway) {
            EXPECT_TRUE(peer.handshake()) << "a handshake needs no descriptor: " << peer.failure();
            EXPECT_TRUE(peer.send("made it"));
            EXPECT_EQ(peer.receive(7), "made it");
        }
        ASSERT_TRUE(old_friend.send("busy?"));
        EXPECT_EQ(old_friend.receive(5), "busy?") << "open connections go on";
        shortage.give_back();
        TlsPeer fresh = join(*server);
        ASSERT_TRUE(fresh.send("again"));
        EXPECT_EQ(fresh.receive(5), "again");
    }
}

TEST_P(TlsLoadTest, connections_that_come_and_go_leave_nothing_behind) {
    auto server = serve_tls({.on_data = echo});
    const TlsPeerContext context{TlsRole::client, {}};
    const auto open_and_close = [&](std::size_t count) {
        for (std::size_t index = 0; index < count; ++index) {
            TlsPeer peer{RawSocket::connect(server->address()), context};
            ASSERT_TRUE(peer.handshake());
            ASSERT_TRUE(peer.send("hi"));
            ASSERT_EQ(peer.receive(2), "hi");
            if (index % 3 == 1) peer.socket().reset();
            if (index % 3 == 2) {
                ASSERT_TRUE(peer.shut_down());
            }
        }
    };
    open_and_close(30);
    ASSERT_TRUE(eventually([&] { return server->connections() == 0; }));
    const std::size_t before = open_descriptors();
    const std::size_t count = scaled(300);
    open_and_close(count);
    ASSERT_TRUE(seen.wait_for_closes(count + 30));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }));
    EXPECT_EQ(seen.seen().handlers, 0u);
}

TEST_P(TlsLoadTest, more_talkers_than_sessions_that_keep_their_buffers) {
    if (GetParam().reactors != 1) GTEST_SKIP() << "on two reactors they would have to be twice as many";
    // OpenSSL's record buffers are kept for those who talked last: here everybody loses them again and again, some of
    // them with half of a record received.
    auto server = serve_tls({.on_data = echo});
    const std::size_t count = 300;
    const TlsPeerContext context{TlsRole::client, {}};
    std::vector<TlsPeer> peers;
    for (std::size_t index = 0; index < count; ++index) {
        peers.emplace_back(RawSocket::connect(server->address()), context);
        ASSERT_TRUE(peers.back().handshake());
    }
    for (std::size_t round = 0; round < 2; ++round) {
        std::vector<std::string> rest(count);
        for (std::size_t index = 0; index < count; ++index) {
            const std::string wire = peers[index].seal(pattern(index, 200));
            const std::size_t cut = index % 4 == 0 ? wire.size() : (index * 7 + round) % wire.size();
            ASSERT_TRUE(peers[index].socket().send(wire.substr(0, cut)));
            rest[index] = wire.substr(cut);
        }
        turn_all(engine, 3);
        for (std::size_t index = 0; index < count; ++index) {
            ASSERT_TRUE(peers[index].socket().send(rest[index]));
            ASSERT_EQ(peers[index].receive(200), pattern(index, 200));
        }
    }
}

TEST_P(TlsLoadTest, who_was_idle_for_long_goes_on_where_it_was) {
    if (!tcp()) GTEST_SKIP() << "idle is idle";
    auto server = serve_tls({.on_data = echo});
    std::vector<TlsPeer> whole;
    std::vector<TlsPeer> half;
    std::vector<std::string> wires;
    for (const TlsVersion version : both_versions) {
        whole.push_back(join(*server, only(version)));
        ASSERT_TRUE(whole.back().send("before"));
        ASSERT_EQ(whole.back().receive(6), "before");
        half.push_back(join(*server, only(version)));
        wires.push_back(half.back().seal("in two parts"));
        ASSERT_TRUE(half.back().socket().send(wires.back().substr(0, 9)));
    }
    std::this_thread::sleep_for(1200ms);  // after a second, buffers of idle sessions are given back
    for (std::size_t index = 0; index < wires.size(); ++index) {
        ASSERT_TRUE(half[index].socket().send(wires[index].substr(9)));
        ASSERT_EQ(half[index].receive(12), "in two parts");
        ASSERT_TRUE(whole[index].send("after"));
        ASSERT_EQ(whole[index].receive(5), "after");
    }
}

}  // namespace
}  // namespace pollux::test
