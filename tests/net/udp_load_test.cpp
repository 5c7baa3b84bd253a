// Too much and too little: floods that must not shut others out, full receive buffers, and a network that loses.
#include "backend.h"
#include "own_network.h"
#include "udp_support.h"

namespace pollux::test {
namespace {

class UdpLoadTest : public UdpEngineTest, public testing::WithParamInterface<UdpBatching> {
protected:
    [[nodiscard]] static UdpOptions bound() { return {.bind = "udp://127.0.0.1:0", .batching = GetParam()}; }
};

INSTANTIATE_TEST_SUITE_P(Udp, UdpLoadTest,
                         testing::Values(UdpBatching::automatic, UdpBatching::calls, UdpBatching::none),
                         testing::PrintToStringParamName());

TEST_P(UdpLoadTest, a_flood_on_one_socket_does_not_shut_out_another) {
    const auto flooded = open(echo_hooks(), bound());
    const auto calm = open(other_seen, echo_hooks(), bound());
    const RawUdp flooder;
    std::atomic<bool> done{false};
    std::atomic<std::size_t> flood{0};
    std::thread thread{[&] {
        while (!done) {
            if (flooder.send_to(flooded->address(), "flood")) flood.fetch_add(1, std::memory_order_relaxed);
        }
    }};
    EXPECT_TRUE(eventually([&] { return flood > 1000; }));
    const RawUdp peer;
    const auto end = Clock::now() + 300ms;
    std::size_t round_trips = 0;
    do {
        EXPECT_TRUE(peer.send_to(calm->address(), std::to_string(round_trips)));
        const auto answer = peer.receive();
        EXPECT_TRUE(answer && answer->bytes == std::to_string(round_trips));
        ++round_trips;
    } while (Clock::now() < end && !HasFailure());
    done = true;
    thread.join();
    EXPECT_EQ(calm->counters().datagrams_received, round_trips);
    // When it is over, the flooded one has heard or counted all of it, and serves again.
    ASSERT_TRUE(eventually([&] {
        static_cast<void>(peer.send_to(flooded->address(), "over?"));
        return peer.receive(100ms).has_value();
    }));
    EXPECT_GT(flooded->counters().datagrams_received, 1000u);
}

/// Sends the same datagram as fast as it can, as long as it lives.
class Flooder {
public:
    Flooder(const InetAddress& to, std::string_view datagram)
        : thread_([this, to, datagram] {
              const RawUdp socket;
              while (!done_) static_cast<void>(socket.send_to(to, datagram));
          }) {}
    ~Flooder() {
        done_ = true;
        thread_.join();
    }
    Flooder(const Flooder&) = delete;
    Flooder& operator=(const Flooder&) = delete;

private:
    std::atomic<bool> done_{false};
    std::thread thread_;
};

TEST_P(UdpLoadTest, a_flood_does_not_shut_out_timers_tasks_and_connections) {
    const auto flooded = open(echo_hooks(), bound());
    Recorder connections;
    Server<Recording> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, std::ref(connections), Hooks{.on_data = echo}};
    ASSERT_TRUE(server.start());
    // Those without bytes must count for something too.
    for (const std::string_view datagram : {"flood", ""}) {
        const Flooder flooder{flooded->address(), datagram};
        const auto before = flooded->counters().datagrams_received;
        EXPECT_TRUE(eventually([&] { return flooded->counters().datagrams_received > before + 1000; }));
        Gate fired;
        std::optional<Timer> timer;
        run_on(engine.reactor(0), [&] {
            timer.emplace(engine.reactor(0), [&](Timer&) { fired.open(); });
            timer->after(1ms);
        });
        EXPECT_TRUE(fired.wait());
        run_on(engine.reactor(0), [&] { timer.reset(); });
        const RawSocket peer = RawSocket::connect(server.address());
        EXPECT_TRUE(peer.send("hello"));
        EXPECT_EQ(peer.receive(5), "hello");
    }
}

TEST_P(UdpLoadTest, what_the_receive_buffer_could_not_hold_is_counted) {
    if (platform::Poller::batching(GetParam()) == UdpBatching::none) GTEST_SKIP() << "it is counted in batches only";
    UdpOptions options = bound();
    options.kernel_receive_buffer_bytes = 20'000;
    const auto udp = open({}, options);
    const RawUdp peer;
    constexpr std::size_t burst = 500;
    run_on(engine.reactor(0), [&] {
        for (std::size_t i = 0; i < burst; ++i) EXPECT_TRUE(peer.send_to(udp->address(), pattern(0, 500)));
    });
    ASSERT_TRUE(eventually([&] { return udp->counters().datagrams_received > 0; }));
    turn_all(engine);
    // The system tells with the next that fits.
    ASSERT_TRUE(peer.send_to(udp->address(), "and now?"));
    ASSERT_TRUE(seen.wait_until([](const auto& now) { return now.datagrams.back().bytes == "and now?"; }));
    const UdpCounters counters = udp->counters();
    EXPECT_GT(counters.datagrams_overflowed, 0u);
    EXPECT_EQ(counters.datagrams_received + counters.datagrams_overflowed, burst + 1);
}

/// Asks until it is answered, then asks the next.
class Asker final : public DatagramHandler {
public:
    struct Outcome {
        std::atomic<std::size_t> answered{0};
        std::atomic<std::size_t> asked{0};
    };

    Asker(Outcome& outcome, std::size_t questions) : outcome_(outcome), questions_(questions) {}

    void on_open(UdpSocket& socket) override {
        retry_.emplace(socket.reactor(), [this, &socket](Timer&) { ask(socket); });
        ask(socket);
    }
    void on_datagram(UdpSocket& socket, const InetAddress&, Bytes bytes) override {
        if (as_text(bytes) != std::to_string(outcome_.answered)) return;  // of a question that was asked again
        if (++outcome_.answered == questions_) {
            retry_->cancel();
        } else {
            ask(socket);
        }
    }

private:
    void ask(UdpSocket& socket) {
        ++outcome_.asked;
        EXPECT_EQ(socket.send(std::to_string(outcome_.answered)), Result::ok);
        retry_->after(2ms);
    }

    Outcome& outcome_;
    std::size_t questions_;
    std::optional<Timer> retry_;
};

/// Questions and answers where some of both are lost on the way: all are answered in the end, and the counters know.
void ask_and_be_answered(Engine& engine, UdpBase& server, UdpBatching batching,
                         const std::function<void(const InetAddress& client)>& before_asking = {}) {
    constexpr std::size_t questions = 200;
    Asker::Outcome outcome;
    Udp<Asker> client{
        engine, {.connect = endpoint_of(server.address()), .batching = batching}, std::ref(outcome), questions};
    ASSERT_TRUE(client.start());
    if (before_asking) before_asking(client.address());
    EXPECT_TRUE(eventually([&] { return outcome.answered == questions; })) << outcome.answered;
    turn_all(engine);
    const UdpCounters asking = client.counters();
    const UdpCounters answering = server.counters();
    EXPECT_EQ(asking.datagrams_sent, outcome.asked);
    EXPECT_GT(asking.datagrams_sent, answering.datagrams_received);  // questions were lost
    EXPECT_GT(answering.datagrams_sent, asking.datagrams_received);  // and answers
    EXPECT_EQ(answering.datagrams_sent, answering.datagrams_received);
    EXPECT_GE(asking.datagrams_received, questions);
    EXPECT_EQ(asking.errors + answering.errors, 0u);
}

TEST_P(UdpLoadTest, a_network_that_loses_a_fifth_is_survived_by_asking_again) {
    const auto server = open(echo_hooks(), bound());
    if (!lose_some(socket_bound_to(server->address()), 0.2)) GTEST_SKIP() << "the system has no socket filters";
    ask_and_be_answered(engine, *server, GetParam(),
                        [](const InetAddress& client) { EXPECT_TRUE(lose_some(socket_bound_to(client), 0.2)); });
}

TEST_P(UdpLoadTest, a_firewall_that_drops_a_fifth_is_survived_by_asking_again) {
    bool dropping = false;
    const bool allowed = in_own_network([&] {
        dropping = shell("iptables -A INPUT -p udp -m statistic --mode random --probability 0.2 -j DROP");
        if (!dropping) return;
        UdpRecorder answered;
        Engine inside;
        RecordingUdp server{inside, bound(), std::ref(answered), echo_hooks()};
        ASSERT_TRUE(inside.start());
        ASSERT_TRUE(server.start());
        ask_and_be_answered(inside, server, GetParam());
    });
    if (!allowed) GTEST_SKIP() << "the system does not allow a network of the test's own";
    if (!dropping) GTEST_SKIP() << "there is no iptables, or no match of the kind statistic";
}

}  // namespace
}  // namespace pollux::test
