// Backpressure: a network that takes nothing for a while, made of a queue on the loopback of a network of the test's
// own.
#include <set>

#include "own_network.h"
#include "udp_support.h"

namespace pollux::test {
namespace {

constexpr std::size_t datagram_bytes = 1000;
constexpr std::size_t datagram_cost = datagram_bytes + 40;

UdpOptions small_buffers(UdpBatching batching) {
    return {.bind = "udp://127.0.0.1:0",
            .kernel_send_buffer_bytes = 20'000,
            .high_watermark_bytes = 50 * datagram_cost,
            .low_watermark_bytes = 10 * datagram_cost,
            .max_pending_bytes = 100 * datagram_cost,
            .batching = batching,
            .close_timeout = 50ms};
}

/// One `Udp` in a network that can be stalled.
class Stalled {
public:
    explicit Stalled(UdpBatching batching, UdpHooks hooks = {}, const std::function<void(UdpOptions&)>& adapt = {}) {
        UdpOptions options = small_buffers(batching);
        if (adapt) adapt(options);
        udp.emplace(engine, options, std::ref(seen), std::move(hooks));
        EXPECT_TRUE(udp->start());
        EXPECT_TRUE(engine.start());
        EXPECT_TRUE(seen.wait_for_opens(1));
    }
    ~Stalled() {
        udp.reset();
        engine.stop();
        engine.wait();
        seen.expect_in_order("udp");
    }
    Stalled(const Stalled&) = delete;
    Stalled& operator=(const Stalled&) = delete;

    void with_socket(const std::function<void(UdpSocket&)>& work) {
        run_on(engine.reactor(0), [&] {
            UdpSocket* socket = engine.reactor(0).find(seen.id());
            ASSERT_NE(socket, nullptr);
            work(*socket);
        });
    }

    /// One datagram a turn until one is refused; the known bytes of each start at its number. Returns how many were
    /// accepted.
    std::size_t fill() {
        std::size_t accepted = 0;
        for (bool more = true; more && accepted < 10'000;) {
            with_socket([&](UdpSocket& socket) {
                const Result result = socket.send_to(peer.address(), pattern(accepted, datagram_bytes));
                more = result == Result::ok;
                if (more) {
                    ++accepted;
                } else {
                    EXPECT_EQ(result, Result::would_block);
                    EXPECT_GE(socket.bytes_pending(), 50 * datagram_cost);
                }
            });
        }
        return accepted;
    }

    /// Each once; several processors empty the network's queue, and so the order is not kept.
    void expect_arrival(std::size_t count) {
        std::multiset<std::string> arrived;
        std::multiset<std::string> expected;
        for (std::size_t i = 0; i < count; ++i) {
            const auto datagram = peer.receive();
            ASSERT_TRUE(datagram) << i << " of " << count;
            arrived.insert(datagram->bytes);
            expected.insert(pattern(i, datagram_bytes));
        }
        EXPECT_TRUE(arrived == expected);
    }

    StalledLoopback network;
    RawUdp peer;
    UdpRecorder seen;
    Engine engine;
    std::optional<RecordingUdp> udp;
};

class UdpPendingTest : public testing::TestWithParam<UdpBatching> {
protected:
    /// Runs `body` where the network can be stalled, else skips.
    template <class Body>
    void in_stalled_network(Body&& body, UdpHooks hooks = {}, const std::function<void(UdpOptions&)>& adapt = {}) {
        bool works = false;
        const bool allowed = in_own_network([&] {
            Stalled stalled{GetParam(), hooks, adapt};
            works = stalled.network.works();
            if (works) body(stalled);
        });
        if (!allowed) GTEST_SKIP() << "the system does not allow a network of the test's own";
        if (!works) GTEST_SKIP() << "there is no tc, or no queue of the kind tbf";
    }
};

INSTANTIATE_TEST_SUITE_P(Udp, UdpPendingTest,
                         testing::Values(UdpBatching::automatic, UdpBatching::calls, UdpBatching::none),
                         testing::PrintToStringParamName());

TEST_P(UdpPendingTest, would_block_at_the_high_watermark_and_on_drain_at_the_low_one) {
    std::atomic<std::size_t> pending_at_drain{0};
    UdpHooks hooks;
    hooks.on_drain = [&](UdpSocket& socket) { pending_at_drain = socket.bytes_pending(); };
    in_stalled_network(
        [&](Stalled& stalled) {
            const std::size_t accepted = stalled.fill();
            const UdpCounters full = stalled.udp->counters();
            EXPECT_EQ(full.datagrams_sent + full.bytes_pending / datagram_cost, accepted);
            EXPECT_EQ(full.bytes_pending % datagram_cost, 0u);
            EXPECT_EQ(stalled.seen.seen().drains, 0u);
            stalled.network.flow();
            ASSERT_TRUE(stalled.seen.wait_for_drains(1));
            EXPECT_LE(pending_at_drain, 10 * datagram_cost);
            stalled.expect_arrival(accepted);
            turn_all(stalled.engine);
            EXPECT_EQ(stalled.seen.seen().drains, 1u);
            EXPECT_EQ(stalled.udp->counters().datagrams_sent, accepted);
            EXPECT_EQ(stalled.udp->counters().datagrams_refused, 0u);
            EXPECT_EQ(stalled.udp->counters().bytes_pending, 0u);
            stalled.with_socket([](UdpSocket& socket) { EXPECT_EQ(socket.bytes_pending(), 0u); });
        },
        hooks);
}

TEST_P(UdpPendingTest, never_more_waits_than_is_allowed_to) {
    constexpr std::size_t bound = 21 * datagram_cost;
    in_stalled_network(
        [&](Stalled& stalled) {
            std::size_t accepted = 0;
            // In one turn: the system is asked when much has been accepted already.
            stalled.with_socket([&](UdpSocket& socket) {
                while (accepted < 1000 &&
                       socket.send_to(stalled.peer.address(), pattern(accepted, datagram_bytes)) == Result::ok) {
                    ++accepted;
                    EXPECT_LE(socket.bytes_pending(), bound);
                }
            });
            turn_all(stalled.engine);
            const UdpCounters counters = stalled.udp->counters();
            EXPECT_LE(counters.bytes_pending, bound);
            ASSERT_GT(counters.datagrams_refused, 0u);
            EXPECT_EQ(counters.datagrams_sent + counters.bytes_pending / datagram_cost + counters.datagrams_refused,
                      accepted);
            const auto seen = stalled.seen.seen();
            EXPECT_EQ(seen.told(DatagramError::Kind::refused), counters.datagrams_refused);
            EXPECT_EQ(seen.errors.at(0).error, std::errc::no_buffer_space);
            stalled.network.flow();
        },
        {},
        [](UdpOptions& options) {
            options.high_watermark_bytes = bound - 1;
            options.max_pending_bytes = bound;
        });
}

TEST_P(UdpPendingTest, on_drain_may_send_and_be_refused_again) {
    constexpr std::size_t count = 2000;
    std::size_t accepted = 0;  // the reactor's thread only
    const auto pump = [&](UdpSocket& socket) {
        const InetAddress to = socket.local_address();
        while (accepted < count && socket.send_to(to, pattern(accepted, datagram_bytes)) == Result::ok) ++accepted;
    };
    UdpHooks hooks;
    hooks.on_drain = pump;
    in_stalled_network(
        [&](Stalled& stalled) {
            stalled.with_socket(pump);
            turn_all(stalled.engine);
            // All of the first turn was collected before the socket was known to be full.
            stalled.with_socket(pump);
            stalled.network.flow();
            ASSERT_TRUE(stalled.seen.wait_for_datagrams(count)) << stalled.seen.seen().datagrams.size();
            const auto datagrams = stalled.seen.seen().datagrams;
            std::multiset<std::string> arrived;
            std::multiset<std::string> expected;
            for (std::size_t i = 0; i < count; ++i) {
                arrived.insert(datagrams[i].bytes);
                expected.insert(pattern(i, datagram_bytes));
            }
            EXPECT_TRUE(arrived == expected);
            EXPECT_EQ(stalled.udp->counters().datagrams_refused, 0u);
        },
        hooks);
}

TEST_P(UdpPendingTest, no_on_drain_without_a_refusal) {
    in_stalled_network([](Stalled& stalled) {
        std::size_t accepted = 0;
        for (; stalled.udp->counters().bytes_pending == 0 && accepted < 10'000; ++accepted) {
            stalled.with_socket([&](UdpSocket& socket) {
                EXPECT_EQ(socket.send_to(stalled.peer.address(), pattern(accepted, datagram_bytes)), Result::ok);
            });
        }
        stalled.network.flow();
        stalled.expect_arrival(accepted);
        turn_all(stalled.engine);
        EXPECT_EQ(stalled.seen.seen().drains, 0u);
    });
}

TEST_P(UdpPendingTest, promised_datagrams_beyond_the_limit_are_refused_and_told) {
    in_stalled_network([](Stalled& stalled) {
        constexpr std::size_t count = 400;
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_TRUE(eventually([&] {
                return stalled.udp->send_to(stalled.peer.address(), pattern(i, datagram_bytes)) == Result::ok;
            }));
            if (i % 20 == 19) turn_all(stalled.engine, 1);
        }
        turn_all(stalled.engine);
        const UdpCounters counters = stalled.udp->counters();
        EXPECT_LE(counters.bytes_pending, 100 * datagram_cost);
        EXPECT_GT(counters.bytes_pending, 50 * datagram_cost);  // promised: past the high watermark
        EXPECT_GT(counters.datagrams_refused, 0u);
        EXPECT_EQ(counters.datagrams_sent + counters.datagrams_refused + counters.bytes_pending / datagram_cost, count);
        const auto seen = stalled.seen.seen();
        EXPECT_EQ(seen.told(DatagramError::Kind::refused), counters.datagrams_refused);
        for (const DatagramError& error : seen.errors) {
            EXPECT_EQ(error.kind, DatagramError::Kind::refused);
            EXPECT_EQ(error.error, std::errc::no_buffer_space);
            EXPECT_EQ(error.peer, stalled.peer.address());
        }
        stalled.network.flow();
        ASSERT_TRUE(eventually([&] { return stalled.udp->counters().bytes_pending == 0; }));
        for (std::size_t i = 0; i < count - counters.datagrams_refused; ++i) ASSERT_TRUE(stalled.peer.receive()) << i;
        EXPECT_FALSE(stalled.peer.receive_now());
    });
}

TEST_P(UdpPendingTest, close_waits_until_the_system_took_everything) {
    in_stalled_network(
        [](Stalled& stalled) {
            const std::size_t accepted = stalled.fill();
            stalled.with_socket([](UdpSocket& socket) { socket.close(); });
            turn_all(stalled.engine);
            EXPECT_EQ(stalled.seen.seen().closes, 0u);
            stalled.network.flow();
            stalled.expect_arrival(accepted);
            ASSERT_TRUE(stalled.seen.wait_for_closes(1));
            EXPECT_EQ(stalled.seen.seen().reasons[0], CloseReason::local_close);
            EXPECT_EQ(stalled.udp->counters().datagrams_sent, accepted);
        },
        {}, [](UdpOptions& options) { options.close_timeout = 60s; });
}

TEST_P(UdpPendingTest, close_timeout_ends_what_nobody_takes) {
    in_stalled_network([](Stalled& stalled) {
        const std::size_t accepted = stalled.fill();
        stalled.with_socket([](UdpSocket& socket) { socket.close(); });
        ASSERT_TRUE(stalled.seen.wait_for_closes(1));
        turn_all(stalled.engine, 1);
        EXPECT_EQ(stalled.seen.seen().reasons[0], CloseReason::close_timeout);
        const UdpCounters counters = stalled.udp->counters();
        EXPECT_EQ(counters.datagrams_sent + counters.datagrams_refused, accepted);
        EXPECT_GT(counters.datagrams_refused, 0u);
        EXPECT_EQ(counters.bytes_pending, 0u);
    });
}

TEST_P(UdpPendingTest, abort_and_destruction_do_not_wait) {
    in_stalled_network(
        [](Stalled& stalled) {
            stalled.fill();
            stalled.with_socket([](UdpSocket& socket) { socket.abort(); });
            ASSERT_TRUE(stalled.seen.wait_for_closes(1));
            ASSERT_TRUE(stalled.udp->restart());
            ASSERT_TRUE(stalled.seen.wait_for_opens(2));
            const UdpSocketId id = stalled.udp->socket_id();
            ASSERT_TRUE(eventually([&] {
                static_cast<void>(stalled.engine.send_to(id, stalled.peer.address(), pattern(0, datagram_bytes)));
                return stalled.udp->counters().bytes_pending > 0;
            }));
            stalled.udp.reset();
            const auto seen = stalled.seen.seen();
            EXPECT_EQ(seen.reasons, (std::vector{CloseReason::aborted, CloseReason::shutdown}));
        },
        {}, [](UdpOptions& options) { options.close_timeout = std::chrono::hours{1}; });
}

TEST_P(UdpPendingTest, closing_and_aborting_in_on_drain) {
    for (const bool abort : {false, true}) {
        UdpHooks hooks;
        hooks.on_drain = [abort](UdpSocket& socket) { abort ? socket.abort() : socket.close(); };
        in_stalled_network(
            [&](Stalled& stalled) {
                stalled.fill();
                stalled.network.flow();
                ASSERT_TRUE(stalled.seen.wait_for_closes(1));
                turn_all(stalled.engine);
                EXPECT_EQ(stalled.seen.seen().drains, 1u);
                EXPECT_EQ(stalled.seen.seen().reasons[0], abort ? CloseReason::aborted : CloseReason::local_close);
            },
            hooks, [](UdpOptions& options) { options.close_timeout = 60s; });
    }
}

TEST_P(UdpPendingTest, the_blocking_socket_waits_for_room) {
    bool works = false;
    const bool allowed = in_own_network([&] {
        StalledLoopback network;
        works = network.works();
        if (!works) return;
        Engine engine;
        ASSERT_TRUE(engine.start());
        const RawUdp peer;
        BlockingUdp blocking{engine};
        ASSERT_TRUE(blocking.open(small_buffers(GetParam())));
        std::size_t accepted = 0;
        Status status;
        while (accepted < 10'000) {
            status = blocking.send_to(peer.address(), pattern(accepted, datagram_bytes), 100ms);
            if (!status) break;
            ++accepted;
        }
        EXPECT_EQ(status.error(), Errc::timed_out) << status;
        std::thread waiting{[&] {
            const Status sent = blocking.send_to(peer.address(), pattern(accepted, datagram_bytes), patience);
            EXPECT_TRUE(sent) << sent;
        }};
        network.flow();
        waiting.join();
        for (std::size_t i = 0; i <= accepted; ++i) {
            const auto datagram = peer.receive();
            ASSERT_TRUE(datagram) << i << " of " << accepted;
            ASSERT_EQ(datagram->bytes.size(), datagram_bytes) << i;
        }
    });
    if (!allowed) GTEST_SKIP() << "the system does not allow a network of the test's own";
    if (!works) GTEST_SKIP() << "there is no tc, or no queue of the kind tbf";
}

}  // namespace
}  // namespace pollux::test
