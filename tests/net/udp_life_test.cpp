// The life of a UDP socket: opening, closing in every way and from every callback, stopping, restarting.
#include <array>

#include "common/closed_ports.h"
#include "common/process.h"
#include "udp_support.h"

namespace pollux::test {
namespace {

using UdpLifeTest = UdpEngineTest;

TEST_F(UdpLifeTest, on_open_comes_before_what_waits_in_the_buffer) {
    std::atomic<bool> opened{false};
    UdpHooks hooks;
    hooks.on_open = [&](UdpSocket& socket) {
        EXPECT_TRUE(socket.is_open());
        EXPECT_TRUE(socket.id());
        EXPECT_EQ(&socket.reactor(), &engine.reactor(0));
        EXPECT_EQ(socket.counters().datagrams_received, 0u);
        opened = true;
    };
    hooks.on_datagram = [&](UdpSocket&, const InetAddress&, Bytes) { EXPECT_TRUE(opened); };
    const auto udp = open(hooks);
    const RawUdp peer;
    ASSERT_TRUE(peer.send_to(udp->address(), "x"));
    ASSERT_TRUE(seen.wait_for_datagrams(1));
}

TEST_F(UdpLifeTest, start_returns_when_the_socket_is_open) {
    const auto udp = open({});
    EXPECT_EQ(seen.seen().opens, 1u);
    EXPECT_TRUE(udp->running());
    EXPECT_NE(udp->port(), 0);
    EXPECT_EQ(udp->socket_id(0), seen.id());
    EXPECT_FALSE(udp->socket_id(1));
    EXPECT_TRUE(engine.is_alive(seen.id()));
    EXPECT_EQ(&udp->engine(), &engine);
}

// How a socket may be ended, and the reason that is told.

enum class UdpEnd : std::uint8_t { close, abort, id_close, id_abort, stop, destroy };

struct Ending {
    UdpEnd end;
    CloseReason reason;
};

constexpr Ending endings[] = {{UdpEnd::close, CloseReason::local_close},    {UdpEnd::abort, CloseReason::aborted},
                              {UdpEnd::id_close, CloseReason::local_close}, {UdpEnd::id_abort, CloseReason::aborted},
                              {UdpEnd::stop, CloseReason::shutdown},        {UdpEnd::destroy, CloseReason::shutdown}};

void end(UdpEnd how, std::unique_ptr<RecordingUdp>& udp, UdpSocket& socket) {
    Engine& engine = socket.reactor().engine();
    switch (how) {
        case UdpEnd::close:
            return socket.close();
        case UdpEnd::abort:
            return socket.abort();
        case UdpEnd::id_close:
            EXPECT_EQ(engine.close(socket.id()), Result::ok);
            return;
        case UdpEnd::id_abort:
            EXPECT_EQ(engine.abort(socket.id()), Result::ok);
            return;
        case UdpEnd::stop:
            return udp->stop();
        case UdpEnd::destroy:
            return udp.reset();
    }
}

class UdpEndTest : public UdpEngineTest, public testing::WithParamInterface<Ending> {
protected:
    /// Ends the socket in the callback that `place` puts the hook into, and checks what follows.
    void expect_end(const std::function<void(UdpHooks&, std::function<void(UdpSocket&)>)>& place,
                    const std::function<void()>& provoke, UdpOptions options = {.bind = "udp://127.0.0.1:0"}) {
        std::size_t calls = 0;  // the reactor's thread only
        UdpHooks hooks;
        place(hooks, [&](UdpSocket& socket) {
            if (calls++ != 0) return;
            const UdpSocketId id = socket.id();
            end(GetParam().end, udp_, socket);
            // Nothing is called from within, and the socket takes nothing more.
            EXPECT_EQ(seen.seen().closes, 0u);
            if (GetParam().end <= UdpEnd::abort) {
                EXPECT_FALSE(socket.is_open());
                EXPECT_EQ(socket.send("x"), Result::closed);
                EXPECT_EQ(socket.send_to(inet("127.0.0.1:9"), "x"), Result::closed);
                EXPECT_FALSE(socket.join({.group = "239.255.7.7"}));
                socket.close();
                if (GetParam().end == UdpEnd::abort) socket.abort();
            }
            seen.change([&](auto& now) { now.ids.push_back(id); });
        });
        // Made and started on the reactor, so that the member is whole before any callback.
        run_on(engine.reactor(0), [&] {
            udp_ = make(seen, std::move(options), std::move(hooks));
            ASSERT_TRUE(udp_->start());
            address_ = udp_->address();
        });
        provoke();
        ASSERT_TRUE(seen.wait_for_closes(1));
        turn_all(engine);
        const auto after = seen.seen();
        // What ends the `Udp` and not the socket takes effect in the loop: the rest of a batch may still be told.
        EXPECT_TRUE(calls == 1 || (calls > 1 && GetParam().end >= UdpEnd::stop)) << calls;
        ASSERT_EQ(after.reasons.size(), 1u);
        EXPECT_EQ(after.reasons[0], GetParam().reason);
        EXPECT_FALSE(after.close_errors[0]);
        for (const UdpSocketId id : after.ids) {
            EXPECT_FALSE(engine.is_alive(id));
            EXPECT_EQ(engine.send_to(id, inet("127.0.0.1:9"), "x"), Result::closed);
            EXPECT_EQ(engine.close(id), Result::closed);
            EXPECT_EQ(engine.abort(id), Result::closed);
        }
        udp_.reset();
    }

    std::unique_ptr<RecordingUdp> udp_;
    InetAddress address_;
};

void PrintTo(const Ending& ending, std::ostream* out) {
    *out << "end " << static_cast<int>(ending.end);
}

std::string ending_name(const testing::TestParamInfo<Ending>& ending) {
    static constexpr std::array names{"close", "abort", "id_close", "id_abort", "stop", "destroy"};
    return names[static_cast<std::size_t>(ending.param.end)];
}

INSTANTIATE_TEST_SUITE_P(Udp, UdpEndTest, testing::ValuesIn(endings), ending_name);

TEST_P(UdpEndTest, in_on_open) {
    expect_end([](UdpHooks& hooks, auto action) { hooks.on_open = action; }, [] {});
}

TEST_P(UdpEndTest, in_on_datagram_in_the_middle_of_a_batch) {
    const RawUdp peer;
    Gate blocked;
    Gate sent;
    expect_end(
        [](UdpHooks& hooks, auto action) {
            hooks.on_datagram = [action](UdpSocket& socket, const InetAddress&, Bytes) { action(socket); };
        },
        [&] {
            // All are there when the reactor looks.
            ASSERT_EQ(engine.post(0,
                                  [&] {
                                      blocked.open();
                                      EXPECT_TRUE(sent.wait());
                                  }),
                      Result::ok);
            ASSERT_TRUE(blocked.wait());
            for (int i = 0; i < 50; ++i) EXPECT_TRUE(peer.send_to(address_, "x"));
            sent.open();
        });
    EXPECT_TRUE(seen.seen().datagrams.size() == 1 || GetParam().end >= UdpEnd::stop) << seen.seen().datagrams.size();
}

TEST_P(UdpEndTest, in_on_truncated) {
    const RawUdp peer;
    expect_end(
        [](UdpHooks& hooks, auto action) {
            hooks.on_truncated = [action](UdpSocket& socket, const InetAddress&, Bytes) { action(socket); };
        },
        [&] { EXPECT_TRUE(peer.send_to(address_, "more than four")); },
        {.bind = "udp://127.0.0.1:0", .max_datagram_bytes = 4});
}

TEST_P(UdpEndTest, in_on_error) {
    if (!tells_unconnected_of_closed_ports()) GTEST_SKIP() << "the system tells nobody of closed ports now";
    const InetAddress nobody = closed_port();
    expect_end(
        [](UdpHooks& hooks, auto action) {
            hooks.on_error = [action](UdpSocket& socket, const DatagramError&) { action(socket); };
        },
        [&] {
            ASSERT_TRUE(seen.wait_for_opens(1));
            EXPECT_TRUE(until_told(
                [&] {
                    static_cast<void>(engine.send_to(seen.id(), nobody, "x"));
                    return Result::ok;
                },
                [&] { return seen.seen().closes != 0; }));
        });
}

TEST_P(UdpEndTest, in_a_task_and_then_again_in_on_close) {
    expect_end(
        [](UdpHooks& hooks, auto action) {
            hooks.on_datagram = [action](UdpSocket& socket, const InetAddress&, Bytes) { action(socket); };
            hooks.on_close = [](UdpSocket& socket, CloseReason, std::error_code) {
                EXPECT_FALSE(socket.is_open());
                EXPECT_EQ(socket.send_to(inet("127.0.0.1:9"), "x"), Result::closed);
                EXPECT_FALSE(socket.local_address());
                socket.close();
                socket.abort();
            };
        },
        [&] { EXPECT_TRUE(RawUdp{}.send_to(address_, "x")); });
}

TEST_F(UdpLifeTest, what_was_sent_before_close_in_one_turn_goes_out) {
    const RawUdp peer;
    const auto udp = open({});
    with_socket(seen.id(), [&](UdpSocket& socket) {
        for (int i = 0; i < 10; ++i) EXPECT_EQ(socket.send_to(peer.address(), std::to_string(i)), Result::ok);
        socket.close();
    });
    for (int i = 0; i < 10; ++i) {
        const auto datagram = peer.receive();
        ASSERT_TRUE(datagram) << i;
        EXPECT_EQ(datagram->bytes, std::to_string(i));
    }
    ASSERT_TRUE(seen.wait_for_closes(1));
    turn_all(engine, 1);
    EXPECT_TRUE(eventually([&] { return !udp->running(); }));  // that was its only socket
    EXPECT_FALSE(udp->socket_id());
    EXPECT_EQ(udp->send_to(peer.address(), "x"), Result::closed);
}

TEST_F(UdpLifeTest, an_abort_after_a_close_is_an_abort) {
    const auto udp = open({});
    with_socket(seen.id(), [](UdpSocket& socket) {
        socket.close();
        socket.abort();
        socket.close();
    });
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().reasons[0], CloseReason::aborted);
}

TEST_F(UdpLifeTest, abort_counts_what_it_loses) {
    const RawUdp peer;
    const auto udp = open({});
    with_socket(seen.id(), [&](UdpSocket& socket) {
        for (int i = 0; i < 10; ++i) EXPECT_EQ(socket.send_to(peer.address(), "x"), Result::ok);
        socket.abort();
    });
    ASSERT_TRUE(seen.wait_for_closes(1));
    turn_all(engine);
    const UdpCounters counters = settled(*udp);
    EXPECT_EQ(counters.datagrams_sent + counters.datagrams_refused, 10u);
}

TEST_F(UdpLifeTest, the_ids_of_closed_sockets_stay_stale) {
    const auto udp = open({});
    std::vector<UdpSocketId> stale;
    for (int round = 0; round < 20; ++round) {
        stale.push_back(udp->socket_id());
        ASSERT_TRUE(stale.back());
        ASSERT_TRUE(udp->restart());
        for (const UdpSocketId id : stale) {
            ASSERT_FALSE(engine.is_alive(id));
            ASSERT_EQ(engine.close(id), Result::closed);
            ASSERT_NE(id, udp->socket_id());
        }
    }
    run_on(engine.reactor(0), [&] {
        for (const UdpSocketId id : stale) EXPECT_EQ(engine.reactor(0).find(id), nullptr);
        EXPECT_NE(engine.reactor(0).find(udp->socket_id()), nullptr);
    });
    EXPECT_EQ(engine.send(UdpSocketId{}, "x"), Result::closed);
    EXPECT_FALSE(engine.is_alive(UdpSocketId{}));
}

TEST_F(UdpLifeTest, a_restart_keeps_the_port) {
    const auto udp = open(echo_hooks());
    const InetAddress address = udp->address();
    for (int round = 0; round < 5; ++round) {
        ASSERT_TRUE(udp->restart());
        ASSERT_EQ(udp->address(), address);
        const RawUdp peer;
        ASSERT_TRUE(peer.send_to(address, "again"));
        ASSERT_TRUE(peer.receive());
    }
    udp->stop();
    EXPECT_FALSE(udp->running());
    EXPECT_FALSE(udp->address());
    EXPECT_EQ(udp->port(), 0);
    EXPECT_EQ(udp->send_to(address, "x"), Result::closed);
    ASSERT_TRUE(udp->restart());
}

TEST_F(UdpLifeTest, a_restart_on_a_reactor_is_refused) {
    const auto udp = open({});
    run_on(engine.reactor(0), [&] { EXPECT_EQ(udp->restart().error(), Errc::wrong_thread); });
    EXPECT_TRUE(udp->running());
}

TEST_F(UdpLifeTest, stopping_while_traffic_runs) {
    const auto server = open(other_seen, echo_hooks(), {});
    std::atomic<std::size_t> round_trips{0};
    UdpHooks hooks;
    hooks.keep = false;
    hooks.on_open = [](UdpSocket& socket) {
        for (int i = 0; i < 32; ++i) EXPECT_EQ(socket.send("x"), Result::ok);
    };
    hooks.on_datagram = [&](UdpSocket& socket, const InetAddress&, Bytes) {
        round_trips.fetch_add(1, std::memory_order_relaxed);
        EXPECT_EQ(socket.send("x"), Result::ok);
    };
    for (int round = 0; round < 10; ++round) {
        const auto client = open(hooks, {.connect = endpoint_of(server->address())});
        const std::size_t before = round_trips;
        ASSERT_TRUE(eventually([&] { return round_trips > before + 100; }));
        client->stop();
        EXPECT_FALSE(client->running());
        EXPECT_EQ(seen.seen().closes, static_cast<std::size_t>(round) + 1);
        EXPECT_EQ(seen.seen().reasons.back(), CloseReason::shutdown);
    }
}

TEST_F(UdpLifeTest, destroyed_on_another_thread_while_traffic_runs) {
    const auto server = open(other_seen, echo_hooks(), {});
    for (int round = 0; round < 10; ++round) {
        std::atomic<bool> heard{false};
        UdpHooks hooks;
        hooks.keep = false;
        hooks.on_open = [](UdpSocket& socket) { EXPECT_EQ(socket.send("x"), Result::ok); };
        hooks.on_datagram = [&](UdpSocket& socket, const InetAddress&, Bytes) {
            heard = true;
            EXPECT_EQ(socket.send("x"), Result::ok);
        };
        auto client = open(hooks, {.connect = endpoint_of(server->address())});
        ASSERT_TRUE(eventually([&] { return heard.load(); }));
        client.reset();
        ASSERT_EQ(seen.seen().closes, static_cast<std::size_t>(round) + 1);  // it waits
    }
}

TEST_F(UdpLifeTest, started_on_a_reactor) {
    std::unique_ptr<RecordingUdp> udp;
    run_on(engine.reactor(0), [&] {
        udp = make(seen, {.bind = "udp://127.0.0.1:0"}, echo_hooks());
        ASSERT_TRUE(udp->start());
        EXPECT_EQ(seen.seen().opens, 0u);  // never at once
        EXPECT_TRUE(udp->running());
    });
    ASSERT_TRUE(seen.wait_for_opens(1));
    const RawUdp peer;
    ASSERT_TRUE(peer.send_to(udp->address(), "x"));
    ASSERT_TRUE(peer.receive());
}

TEST_F(UdpLifeTest, callbacks_instead_of_a_handler) {
    UdpRecorder counted;
    const auto mark = [&](const auto&...) { counted.mark(); };
    if (!tells_unconnected_of_closed_ports()) GTEST_SKIP() << "the system tells nobody of closed ports now";
    const InetAddress nobody = closed_port();
    {
        Udp udp{engine,
                {.bind = "udp://127.0.0.1:0", .max_datagram_bytes = 3},
                DatagramCallbacks{.on_open = mark,
                                  .on_datagram = mark,
                                  .on_truncated = mark,
                                  .on_drain = {},
                                  .on_error = mark,
                                  .on_close = [&](UdpSocket&, CloseReason, std::error_code) { counted.mark(); }}};
        ASSERT_TRUE(udp.start());
        const RawUdp peer;
        ASSERT_TRUE(peer.send_to(udp.address(), "abc"));
        ASSERT_TRUE(peer.send_to(udp.address(), "abcd"));
        ASSERT_TRUE(counted.wait_for_marks(3));
        ASSERT_TRUE(until_told([&] { return udp.send_to(nobody, "x"); }, [&] { return counted.seen().marks >= 4; }));
    }
    EXPECT_GE(counted.seen().marks, 5u);
    Udp silent{engine, {.bind = "udp://127.0.0.1:0"}, DatagramCallbacks{}};
    ASSERT_TRUE(silent.start());
    ASSERT_TRUE(RawUdp{}.send_to(silent.address(), "x"));
    EXPECT_TRUE(eventually([&] { return silent.counters().datagrams_received == 1; }));
}

TEST(UdpEngineLifeTest, started_before_the_engine_what_comes_waits) {
    Engine engine;
    UdpRecorder seen;
    {
        RecordingUdp udp{engine, {.bind = "udp://127.0.0.1:0"}, std::ref(seen), echo_hooks()};
        ASSERT_TRUE(udp.start());
        EXPECT_EQ(seen.seen().opens, 0u);
        const RawUdp peer;
        for (int i = 0; i < 5; ++i) ASSERT_TRUE(peer.send_to(udp.address(), std::to_string(i)));
        EXPECT_EQ(udp.send_to(peer.address(), "x"), Result::closed);
        ASSERT_TRUE(engine.start());
        for (int i = 0; i < 5; ++i) {
            const auto answer = peer.receive();
            ASSERT_TRUE(answer);
            EXPECT_EQ(answer->bytes, std::to_string(i));
        }
        engine.stop();
        engine.wait();
        EXPECT_EQ(seen.seen().reasons, std::vector{CloseReason::shutdown});
        EXPECT_FALSE(udp.running());
        EXPECT_EQ(udp.start().error(), Errc::stopped);
    }
    seen.expect_in_order("udp");
}

TEST(UdpEngineLifeTest, destroyed_before_the_engine_ever_ran) {
    UdpRecorder seen;
    const std::size_t before = open_descriptors();
    {
        Engine engine;
        RecordingUdp udp{engine, {.bind = "udp://127.0.0.1:0"}, std::ref(seen)};
        ASSERT_TRUE(udp.start());
        const RecordingUdp never_started{engine, {.bind = "udp://127.0.0.1:0"}, std::ref(seen)};
    }
    EXPECT_EQ(seen.seen().opens, 0u);
    EXPECT_EQ(open_descriptors(), before);
}

TEST(UdpEngineLifeTest, run_starts_it_and_names_what_cannot_start) {
    UdpRecorder seen;
    {
        Engine engine;
        RecordingUdp udp{engine,
                         {.bind = "udp://127.0.0.1:0"},
                         std::ref(seen),
                         UdpHooks{.on_open = [](UdpSocket& socket) { socket.reactor().engine().stop(); }}};
        EXPECT_TRUE(engine.run());
    }
    seen.expect_in_order("udp");
    EXPECT_EQ(seen.seen().opens, 1u);

    const RawUdp taken;
    Engine engine;
    RecordingUdp udp{engine, {.bind = endpoint_of(taken.address())}, std::ref(seen)};
    const Status status = engine.run();
    EXPECT_EQ(status.error(), std::errc::address_in_use);
    EXPECT_NE(status.message().find(endpoint_of(taken.address())), std::string::npos) << status;
    EXPECT_FALSE(engine.running());
}

TEST(UdpEngineLifeTest, no_descriptor_is_left_over) {
    Engine engine{{.reactors = 2}};
    ASSERT_TRUE(engine.start());
    UdpRecorder seen;
    const std::size_t before = open_descriptors();
    for (int round = 0; round < 20; ++round) {
        RecordingUdp udp{engine, {.bind = "udp://127.0.0.1:0"}, std::ref(seen), echo_hooks()};
        ASSERT_TRUE(udp.start());
        ASSERT_TRUE(udp.restart());
        RecordingUdp peer{engine, {.connect = endpoint_of(udp.address())}, std::ref(seen)};
        ASSERT_TRUE(peer.start());
        EXPECT_EQ(peer.send("x"), Result::ok);
    }
    EXPECT_EQ(open_descriptors(), before);
    engine.stop();
    engine.wait();
    seen.expect_in_order("udp");
}

}  // namespace
}  // namespace pollux::test
