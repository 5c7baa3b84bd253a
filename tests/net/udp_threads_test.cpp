// What other threads do to UDP sockets by their ids, and how sockets of one address share their peers.
#include <array>
#include <cstring>
#include <map>
#include <set>

#include "stamp.h"
#include "udp_support.h"

namespace pollux::test {
namespace {

constexpr std::uint32_t udp_senders = 4;

class UdpThreadsTest : public UdpEngineTest, public testing::WithParamInterface<UdpBatching> {
protected:
    UdpThreadsTest() : UdpEngineTest(2) {}

    /// Sends until it is accepted; the answer is ok or closed.
    template <class Send>
    static Result patiently(Send&& send) {
        for (;;) {
            const Result result = send();
            if (result != Result::would_block) return result;
            std::this_thread::yield();
        }
    }
};

INSTANTIATE_TEST_SUITE_P(Udp, UdpThreadsTest,
                         testing::Values(UdpBatching::automatic, UdpBatching::calls, UdpBatching::none),
                         testing::PrintToStringParamName());

TEST_P(UdpThreadsTest, each_thread_keeps_its_order) {
    const RawUdp peer;
    const auto numbers = static_cast<std::uint32_t>(scaled(2000));
    const auto udp = open({}, {.connect = endpoint_of(peer.address()), .batching = GetParam()});
    const UdpSocketId id = seen.id();
    std::array<std::atomic<std::uint32_t>, udp_senders> arrived{};  // so that no sender gets far ahead
    std::vector<std::thread> threads;
    for (std::uint32_t sender = 0; sender < udp_senders; ++sender) {
        threads.emplace_back([&, sender] {
            for (std::uint32_t number = 0; number < numbers; ++number) {
                ASSERT_TRUE(eventually([&] { return number < arrived[sender] + 100; }));
                const Stamp stamp{sender, number};
                const Result result = patiently([&] {
                    switch (number % 4) {
                        case 0:
                            return engine.send(id, as_text_of(stamp));
                        case 1:
                            return engine.send_to(id, peer.address(), as_text_of(stamp));
                        case 2:
                            return udp->send(as_text_of(stamp));
                        default:
                            return udp->send_to(peer.address(), as_text_of(stamp));
                    }
                });
                ASSERT_EQ(result, Result::ok);
            }
        });
    }
    for (std::uint32_t i = 0; i < numbers * udp_senders; ++i) {
        const auto datagram = peer.receive();
        EXPECT_TRUE(datagram) << i;
        if (!datagram) break;
        Stamp stamp;
        std::memcpy(&stamp, datagram->bytes.data(), sizeof stamp);
        EXPECT_EQ(stamp.number, arrived[stamp.sender]) << "of sender " << stamp.sender;
        arrived[stamp.sender] = stamp.number + 1;
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(settled(*udp).datagrams_sent, std::size_t{numbers} * udp_senders);
}

TEST_P(UdpThreadsTest, sending_races_with_every_end) {
    const RawUdp sink;
    for (std::size_t round = 0; round < scaled(8); ++round) {
        auto udp = open({}, {.bind = "udp://127.0.0.1:0", .reactor = round % 2, .batching = GetParam()});
        const UdpSocketId id = udp->socket_id(round % 2);
        ASSERT_TRUE(id);
        std::atomic<int> sending{0};
        std::vector<std::thread> threads;
        for (int sender = 0; sender < 3; ++sender) {
            threads.emplace_back([&] {
                bool counted = false;
                for (;;) {
                    const Result result = engine.send_to(id, sink.address(), "x");
                    if (!std::exchange(counted, true)) ++sending;
                    if (result == Result::closed) return;
                    ASSERT_NE(result, Result::wrong_peer);
                    std::this_thread::yield();
                }
            });
        }
        EXPECT_TRUE(eventually([&] { return sending == 3; }));
        switch (round % 4) {
            case 0:
                EXPECT_NE(patiently([&] { return engine.close(id); }), Result::wrong_peer);
                break;
            case 1:
                EXPECT_NE(patiently([&] { return engine.abort(id); }), Result::wrong_peer);
                break;
            case 2:
                udp->stop();
                break;
            default:
                udp.reset();
        }
        for (std::thread& thread : threads) thread.join();
        ASSERT_TRUE(seen.wait_for_closes(round + 1));
    }
    static constexpr std::array reasons{CloseReason::local_close, CloseReason::aborted, CloseReason::shutdown,
                                        CloseReason::shutdown};
    const auto after = seen.seen();
    for (std::size_t round = 0; round < after.reasons.size(); ++round) {
        EXPECT_EQ(after.reasons[round], reasons[round % 4]) << round;
    }
}

TEST_P(UdpThreadsTest, starting_and_stopping_race_with_sends_and_with_each_other) {
    const RawUdp sink;
    const auto udp = open({}, {.bind = "udp://127.0.0.1:0", .batching = GetParam()});
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        while (!done) {
            const Result result = udp->send_to(sink.address(), "x");
            EXPECT_NE(result, Result::wrong_peer);
            static_cast<void>(udp->counters());
            static_cast<void>(udp->socket_id(1));
            static_cast<void>(udp->address());
            std::this_thread::yield();
        }
    });
    std::atomic<int> stopping{2};
    for (int stopper = 0; stopper < 2; ++stopper) {
        threads.emplace_back([&] {
            while (!done) {
                udp->stop();
                static_cast<void>(udp->start());
            }
            --stopping;
        });
    }
    EXPECT_TRUE(eventually([&] { return seen.seen().opens > scaled(200); }));
    done = true;
    EXPECT_TRUE(eventually([&] { return stopping == 0; }, 5s)) << "a stop() does not see that it was started again";
    udp->stop();
    for (std::thread& thread : threads) thread.join();
}

TEST_P(UdpThreadsTest, the_engine_stops_while_threads_send) {
    const RawUdp sink;
    Engine other{{.reactors = 2}};
    ASSERT_TRUE(other.start());
    RecordingUdp udp{other, {.bind = "udp://127.0.0.1:0", .batching = GetParam()}, std::ref(other_seen)};
    ASSERT_TRUE(udp.start());
    const std::vector<UdpSocketId> sockets = other_seen.seen().ids;
    ASSERT_EQ(sockets.size(), has_sockets_on_all_reactors() ? 2u : 1u);
    std::atomic<int> sending{0};
    std::vector<std::thread> threads;
    for (const UdpSocketId id : {sockets.front(), sockets.back()}) {
        threads.emplace_back([&, id] {
            ++sending;
            while (other.send_to(id, sink.address(), "x") != Result::closed) std::this_thread::yield();
        });
    }
    EXPECT_TRUE(eventually([&] { return sending == 2; }));
    other.stop();
    other.wait();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(other_seen.seen().reasons, (std::vector<CloseReason>(sockets.size(), CloseReason::shutdown)));
}

TEST_P(UdpThreadsTest, a_send_on_a_reactor_leaves_by_the_socket_there) {
    if (!has_sockets_on_all_reactors()) GTEST_SKIP() << one_socket_only;
    const RawUdp peer;
    const auto udp = open({}, {.bind = "udp://127.0.0.1:0", .batching = GetParam()});
    ASSERT_EQ(seen.seen().opens, 2u);
    for (std::size_t reactor = 0; reactor < 2; ++reactor) {
        with_socket(
            udp->socket_id(reactor),
            [&](UdpSocket& socket) {
                EXPECT_EQ(udp->send_to(peer.address(), "x"), Result::ok);
                // At once, and so on this reactor: nothing passed a mailbox.
                socket.close();
            },
            reactor);
        ASSERT_TRUE(peer.receive()) << reactor;
    }
    ASSERT_TRUE(seen.wait_for_closes(2));
    turn_all(engine, 1);
    EXPECT_EQ(udp->send_to(peer.address(), "x"), Result::closed);
}

// Several reactors on one address.

class UdpReactorsTest : public UdpThreadsTest {};

INSTANTIATE_TEST_SUITE_P(Udp, UdpReactorsTest,
                         testing::Values(UdpBatching::automatic, UdpBatching::calls, UdpBatching::none),
                         testing::PrintToStringParamName());

TEST_P(UdpReactorsTest, peers_are_spread_and_each_keeps_its_reactor) {
    if (!has_sockets_on_all_reactors()) GTEST_SKIP() << one_socket_only;
    std::mutex mutex;
    std::map<std::string, std::set<std::size_t>> met;
    std::array<std::size_t, 2> received{};
    UdpHooks hooks = echo_hooks();
    hooks.on_datagram = [&](UdpSocket& socket, const InetAddress& from, Bytes bytes) {
        {
            const std::lock_guard lock{mutex};
            met[from.to_string()].insert(socket.reactor().index());
            ++received[socket.reactor().index()];
        }
        echo_datagram(socket, from, bytes);
    };
    const auto udp = open(hooks, {.bind = "udp://127.0.0.1:0", .batching = GetParam()});
    ASSERT_TRUE(udp->socket_id(0));
    ASSERT_TRUE(udp->socket_id(1));
    ASSERT_NE(udp->socket_id(0), udp->socket_id(1));
    std::vector<RawUdp> peers(64);
    for (int round = 0; round < 5; ++round) {
        for (const RawUdp& peer : peers) ASSERT_TRUE(peer.send_to(udp->address(), "x"));
        for (const RawUdp& peer : peers) ASSERT_TRUE(peer.receive());
    }
    turn_all(engine, 1);  // an answer orders nothing between threads
    EXPECT_EQ(met.size(), peers.size());
    for (const auto& [peer, reactors] : met) EXPECT_EQ(reactors.size(), 1u) << peer;
    EXPECT_GT(received[0], 0u);
    EXPECT_GT(received[1], 0u);
    const UdpCounters all = settled(*udp);
    EXPECT_EQ(all.datagrams_received, 5 * peers.size());
    EXPECT_EQ(all.datagrams_sent, 5 * peers.size());
    std::size_t of_sockets = 0;
    for (std::size_t reactor = 0; reactor < 2; ++reactor) {
        with_socket(
            udp->socket_id(reactor),
            [&](UdpSocket& socket) {
                EXPECT_EQ(socket.counters().datagrams_received, received[reactor]);
                of_sockets += socket.counters().datagrams_received;
            },
            reactor);
    }
    EXPECT_EQ(of_sockets, all.datagrams_received);
}

TEST_P(UdpReactorsTest, nobody_else_gets_the_port) {
    const auto first = open({}, {.bind = "udp://127.0.0.1:0", .batching = GetParam()});
    Engine other{{.reactors = 2}};
    ASSERT_TRUE(other.start());
    {
        RecordingUdp second{other, {.bind = endpoint_of(first->address())}, std::ref(other_seen)};
        EXPECT_EQ(second.start().error(), std::errc::address_in_use);
        EXPECT_EQ(other_seen.seen().opens, 0u);
    }
    other.stop();
    other.wait();
}

TEST_P(UdpReactorsTest, a_port_is_shared_with_those_that_share_it) {
    RecordingUdp shared{engine, {.bind = "udp://127.0.0.1:0", .reuse_port = true}, std::ref(seen)};
    const Status status = shared.start();
    if (status.error() == std::errc::operation_not_supported) GTEST_SKIP() << "the system shares no ports";
    ASSERT_TRUE(status) << status;
    Engine other{{.reactors = 2}};
    ASSERT_TRUE(other.start());
    {
        RecordingUdp stranger{other, {.bind = endpoint_of(shared.address())}, std::ref(other_seen)};
        EXPECT_EQ(stranger.start().error(), std::errc::address_in_use);
        RecordingUdp partner{other, {.bind = endpoint_of(shared.address()), .reuse_port = true}, std::ref(other_seen)};
        EXPECT_TRUE(partner.start());
        EXPECT_EQ(partner.port(), shared.port());
    }
    other.stop();
    other.wait();
}

TEST_P(UdpReactorsTest, connected_sockets_take_reactors_in_turn) {
    const RawUdp peer;
    std::vector<std::unique_ptr<RecordingUdp>> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(open({}, {.connect = endpoint_of(peer.address())}));
    std::array<int, 2> sockets{};
    for (const auto& client : clients) {
        for (std::size_t reactor = 0; reactor < 2; ++reactor) sockets[reactor] += client->socket_id(reactor) ? 1 : 0;
    }
    EXPECT_EQ(sockets, (std::array{2, 2}));
    const auto chosen = open({}, {.connect = endpoint_of(peer.address()), .reactor = 1});
    EXPECT_FALSE(chosen->socket_id(0));
    EXPECT_TRUE(chosen->socket_id(1));
}

}  // namespace
}  // namespace pollux::test
