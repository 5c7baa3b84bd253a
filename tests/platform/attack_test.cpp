// Many sockets at once, and sockets that end while something of theirs is under way.
#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "platform/support.h"

namespace pollux::platform::test {
namespace {

class AttackTest : public PairTest {
protected:
    using Ends = std::vector<std::unique_ptr<End>>;

    void make_ends() override {}

    /// Starts to connect so many, of which the listener's backlog need not take all.
    [[nodiscard]] Ends begin_to_connect(const SocketAddress& address, std::size_t count) {
        Ends ends;
        for (std::size_t i = 0; i < count; ++i) {
            ends.push_back(std::make_unique<End>());
            const IoStatus status = loop.poller.connect(*ends.back(), address, {}).status;
            EXPECT_NE(status, IoStatus::failed);
        }
        return ends;
    }

    void close_without_waiting(End& end) {
        if (end.is_open()) end.is_released = loop.poller.close(end);
    }

    /// Turns until all memory is free.
    void wait_for_release(const Ends& ends) {
        EXPECT_TRUE(loop.run_until(
            [&] { return std::all_of(ends.begin(), ends.end(), [](const auto& end) { return end->is_released; }); }));
    }

    /// Accepts and closes whatever waits.
    std::size_t drop_accepted(End& listener) {
        std::size_t count = 0;
        for (Accepted accepted; loop.poller.accept(listener, accepted).status == IoStatus::done; ++count) {
            close_handle(accepted.handle);
        }
        return count;
    }
};

POLLUX_ON_EACH_TRANSPORT(AttackTest);

TEST_P(AttackTest, a_thousand_connects_that_are_given_up_at_once) {
    constexpr std::size_t batch = 100;
    Listener listener{loop, fresh_address()};
    for (std::size_t round = 0; round < 10; ++round) {
        loop.poller.arm_receive(listener);
        Ends ends = begin_to_connect(listener.address(), batch);
        if (round % 2 == 1) loop.turn({});  // some are told of before they are closed, some in the same turn
        for (auto& end : ends) close_without_waiting(*end);
        wait_for_release(ends);
        ends.clear();
        loop.turn({});
        drop_accepted(listener);
    }
    // What was given up has cost nothing: the next one is served.
    ASSERT_FALSE(connect(loop, client, listener.address()));
    const Time deadline = Poller::now() + patience;
    bool greeted = false;
    while (!greeted && Poller::now() < deadline) {
        listener.accept(server);
        send_all(loop, client, "hello");
        loop.settle();
        std::string text;
        receive_all(loop.poller, server, text);
        greeted = text == "hello";
        if (!greeted) loop.close(server);  // one of those that were given up
    }
    EXPECT_TRUE(greeted);
}

TEST_P(AttackTest, a_thousand_connections_that_end_in_every_state) {
    constexpr std::size_t batch = 50;
    std::mt19937 random{7};
    for (int round = 0; round < 20; ++round) {
        Ends ends;
        for (std::size_t i = 0; i < batch; i += 2) {
            ends.push_back(std::make_unique<End>());
            ends.push_back(std::make_unique<End>());
            ASSERT_NO_FATAL_FAILURE(connect_pair(*ends[i], *ends[i + 1]));
        }
        for (auto& end : ends) {
            if (random() % 2 == 0) loop.poller.arm_receive(*end);
            if (random() % 3 == 0) static_cast<void>(loop.poller.send(*end, as_bytes("hello")));
            if (random() % 4 == 0) loop.poller.shutdown_send(*end);
            if (random() % 4 == 0) loop.poller.disarm_receive(*end);
            if (random() % 5 == 0) loop.poller.reset_on_close(*end);
            if (random() % 8 == 0) loop.turn({});
        }
        std::shuffle(ends.begin(), ends.end(), random);
        for (auto& end : ends) {
            close_without_waiting(*end);
            if (random() % 10 == 0) loop.turn({});
        }
        wait_for_release(ends);
        loop.turn({});
    }
}

TEST_P(AttackTest, receives_under_way_are_cancelled_by_a_close) {
    for (int round = 0; round < 200; ++round) {
        ASSERT_NO_FATAL_FAILURE(connect_pair(client, server));
        loop.poller.arm_receive(client);
        loop.poller.arm_receive(server);
        if (round % 3 == 0) loop.turn({});
        if (round % 2 == 0) send_all(loop, client, "x");
        loop.close(server);
        loop.close(client);
        loop.turn({});
        client.take_seen();
        server.take_seen();
    }
}

TEST_P(AttackTest, a_send_under_way_is_cancelled_by_a_close) {
    for (int round = 0; round < 20; ++round) {
        ASSERT_NO_FATAL_FAILURE(connect_pair(client, server));
        const std::size_t sent = fill(loop, client);
        auto rest = std::make_unique<std::string>(pattern(sent, 100'000));
        loop.poller.arm_send(client, as_bytes(*rest));
        if (round % 2 == 0) loop.settle();
        if (round % 4 < 2) loop.poller.reset_on_close(client);
        loop.close(client);
        rest.reset();  // released: nobody reads it any more
        std::string received;
        const Time deadline = Poller::now() + patience;
        IoResult result;
        do {
            loop.poller.arm_receive(server);
            loop.turn(Poller::now() + 1ms);
            result = receive_all(loop.poller, server, received);
        } while (result.status == IoStatus::would_block && Poller::now() < deadline);
        EXPECT_NE(result.status, IoStatus::would_block) << "the end is never told";
        EXPECT_TRUE(received == pattern(0, received.size()));
        loop.close(server);
        loop.turn({});
    }
}

TEST_P(AttackTest, a_poller_ends_with_everything_under_way) {
    Listener listener{loop, fresh_address()};
    for (int round = 0; round < 10; ++round) {
        Ends ends;
        Loop other;
        for (int i = 0; i < 20; ++i) {
            ends.push_back(std::make_unique<End>());
            ASSERT_NE(other.poller.connect(*ends.back(), listener.address(), {}).status, IoStatus::failed);
        }
        for (std::size_t i = 0; i < ends.size(); i += 2) ends[i]->is_released = other.poller.close(*ends[i]);
        for (std::size_t i = 1; i < ends.size(); i += 2) {
            other.wait_for(*ends[i], sendable | failed);
            EXPECT_FALSE(other.poller.finish_connect(*ends[i]));
            other.poller.arm_receive(*ends[i]);
            ends[i]->is_released = other.poller.close(*ends[i]);
        }
        drop_accepted(listener);
        // No further turn: the system may hold on to memory that goes with the poller.
    }
}

TEST(WakeAttackTest, wakes_from_many_threads_meet_sockets_that_come_and_go) {
    Loop loop;
    std::atomic<bool> stop{false};
    std::vector<std::thread> wakers;
    for (int i = 0; i < 4; ++i) {
        wakers.emplace_back([&] {
            while (!stop) loop.poller.wake();
        });
    }
    Listener listener{loop, loopback()};
    for (int round = 0; round < 100; ++round) {
        End client;
        End server;
        ASSERT_FALSE(connect(loop, client, listener.address()));
        listener.accept(server);
        send_all(loop, client, "hello");
        EXPECT_EQ(receive_exactly(loop, server, 5), "hello");
        loop.close(client);
        loop.close(server);
        loop.turn({});
    }
    stop = true;
    for (std::thread& waker : wakers) waker.join();
}

}  // namespace
}  // namespace pollux::platform::test
