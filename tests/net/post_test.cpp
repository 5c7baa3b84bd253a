// Tasks that cross threads: post and dispatch, their order, and mailboxes that are full.
#include <array>

#include "support.h"

namespace pollux::test {
namespace {

class PostTest : public EngineTest {
protected:
    PostTest() : EngineTest(2) {}

    /// Keeps a reactor busy until `gate` opens, so that whatever is sent to it stays in the mailboxes.
    void block(std::size_t index, Gate& gate) {
        Gate blocked;
        ASSERT_EQ(engine.post(index,
                              [&] {
                                  blocked.open();
                                  EXPECT_TRUE(gate.wait());
                              }),
                  Result::ok);
        ASSERT_TRUE(blocked.wait());
    }
};

TEST_F(PostTest, runs_on_the_reactor_it_was_posted_to) {
    for (std::size_t index = 0; index < 2; ++index) {
        Gate ran;
        ASSERT_EQ(engine.post(index,
                              [&] {
                                  EXPECT_TRUE(engine.reactor(index).is_current());
                                  EXPECT_FALSE(engine.reactor(1 - index).is_current());
                                  EXPECT_EQ(Reactor::current(), &engine.reactor(index));
                                  ran.open();
                              }),
                  Result::ok);
        EXPECT_TRUE(ran.wait());
    }
    EXPECT_FALSE(engine.reactor(0).is_current());
    EXPECT_EQ(Reactor::current(), nullptr);
}

TEST_F(PostTest, is_never_run_at_once) {
    run_on(engine.reactor(0), [&] {
        auto ran = std::make_shared<bool>(false);
        EXPECT_EQ(Reactor::current()->post([ran] { *ran = true; }), Result::ok);
        EXPECT_FALSE(*ran);
    });
}

TEST_F(PostTest, dispatch_runs_at_once_on_its_own_thread_only) {
    Gate elsewhere;
    run_on(engine.reactor(0), [&] {
        bool ran = false;
        EXPECT_EQ(engine.dispatch(0, [&] { ran = true; }), Result::ok);
        EXPECT_TRUE(ran);
        EXPECT_EQ(engine.dispatch(1,
                                  [&] {
                                      EXPECT_TRUE(engine.reactor(1).is_current());
                                      elsewhere.open();
                                  }),
                  Result::ok);
    });
    EXPECT_TRUE(elsewhere.wait());
    Gate ran;
    EXPECT_EQ(engine.dispatch(0,
                              [&] {
                                  EXPECT_TRUE(engine.reactor(0).is_current());
                                  ran.open();
                              }),
              Result::ok);
    EXPECT_TRUE(ran.wait());
}

TEST_F(PostTest, dispatch_inside_dispatch_nests) {
    run_on(engine.reactor(0), [&] {
        std::string order;
        EXPECT_EQ(engine.dispatch(0,
                                  [&] {
                                      order += "a";
                                      EXPECT_EQ(engine.dispatch(0, [&] { order += "b"; }), Result::ok);
                                      order += "c";
                                  }),
                  Result::ok);
        EXPECT_EQ(order, "abc");
    });
}

TEST_F(PostTest, tasks_of_a_thread_keep_their_order) {
    const std::size_t count = scaled(200'000);
    std::vector<std::thread> threads;
    std::atomic<int> out_of_order{0};
    std::atomic<std::size_t> ran{0};
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            auto expected = std::make_shared<std::size_t>(0);  // touched by the reactor alone
            for (std::size_t number = 0; number < count / 4; ++number) {
                Task task{[&, expected, number] {
                    if ((*expected)++ != number) ++out_of_order;
                    ++ran;
                }};
                for (;;) {
                    const Result result = engine.post(0, std::move(task));
                    if (result == Result::ok) break;
                    ASSERT_EQ(result, Result::would_block);
                    ASSERT_TRUE(task) << "a refused task must be untouched";  // NOLINT(bugprone-use-after-move)
                    std::this_thread::yield();
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(eventually([&] { return ran == count / 4 * 4; }));
    EXPECT_EQ(out_of_order, 0);
}

TEST_F(PostTest, a_task_that_posts_itself_does_not_starve_the_others) {
    std::atomic<bool> go_on{true};
    std::atomic<std::size_t> rounds{0};
    std::function<void()> again = [&] {
        ++rounds;
        if (!go_on) return;
        EXPECT_EQ(engine.post(0, [&] { again(); }), Result::ok);
    };
    ASSERT_EQ(engine.post(0, [&] { again(); }), Result::ok);
    Server server{engine, {.endpoint = "tcp://127.0.0.1:0"}, Callbacks{.on_data = echo}};
    ASSERT_TRUE(server.start());
    for (int index = 0; index < 8; ++index) {  // some land on the busy reactor
        const RawSocket peer = RawSocket::connect(server.address());
        ASSERT_TRUE(peer.send("ping"));
        ASSERT_EQ(peer.receive(4), "ping");
    }
    EXPECT_TRUE(eventually([&] { return rounds > 1000; }));
    go_on = false;
    run_on(engine.reactor(0), [] {});
    run_on(engine.reactor(0), [] {});
}

TEST_F(PostTest, a_full_mailbox_loses_and_doubles_nothing) {
    Gate gate;
    block(0, gate);
    std::vector<int> ran;
    std::vector<int> accepted;
    Result result = Result::ok;
    for (int number = 0; number < 10'000'000; ++number) {
        Task task{[&ran, number] { ran.push_back(number); }};
        result = engine.post(0, std::move(task));
        if (result != Result::ok) {
            EXPECT_TRUE(task) << "a refused task must be untouched";  // NOLINT(bugprone-use-after-move)
            break;
        }
        accepted.push_back(number);
    }
    EXPECT_EQ(result, Result::would_block);
    // Once refused, everything is refused until there is room, and to the other reactor the way is free.
    EXPECT_EQ(engine.post(0, [&ran] { ran.push_back(-1); }), Result::would_block);
    EXPECT_EQ(engine.post(1, [] {}), Result::ok);
    gate.open();
    run_on(engine.reactor(0), [] {});
    EXPECT_EQ(ran, accepted);
}

TEST_F(PostTest, a_full_mailbox_refuses_sends_and_keeps_the_bytes_whole) {
    Server<Recording> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, std::ref(seen)};
    ASSERT_TRUE(server.start());
    const RawSocket peer = RawSocket::connect(server.address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    std::size_t index = 2;
    for (std::size_t each = 0; each < 2; ++each) {
        run_on(engine.reactor(each), [&] {
            if (Reactor::current()->find(seen.id()) != nullptr) index = each;
        });
    }
    ASSERT_LT(index, 2u);
    Gate gate;
    block(index, gate);
    std::size_t sent = 0;
    for (std::size_t size = 1;; size = size % 4000 + 7) {
        const Result result = engine.send(seen.id(), pattern(sent, size));
        if (result == Result::would_block) break;
        ASSERT_EQ(result, Result::ok);
        sent += size;
        ASSERT_LT(sent, 16u << 20) << "the mailbox never fills";
    }
    EXPECT_GT(sent, EngineOptions{}.mailbox_bytes / 4);
    gate.open();
    EXPECT_TRUE(matches_pattern(peer.receive(sent), 0));
    turn_all(engine);
    ASSERT_TRUE(eventually([&] { return engine.send(seen.id(), "!") == Result::ok; }));
    EXPECT_EQ(peer.receive(1), "!") << "nothing may come twice or late";
}

TEST_F(PostTest, a_full_mailbox_does_not_lose_a_close) {
    // The mailbox is full of tasks; a close is refused honestly, or done.
    Server<Recording> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, std::ref(seen)};
    ASSERT_TRUE(server.start());
    const RawSocket peer = RawSocket::connect(server.address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    Gate gate;
    block(0, gate);
    Gate other_gate;
    block(1, other_gate);
    for (std::size_t index = 0; index < 2; ++index) {
        while (engine.post(index, [] {}) == Result::ok) {
        }
    }
    const Result result = engine.abort(seen.id());
    EXPECT_TRUE(result == Result::ok || result == Result::would_block) << to_string(result);
    server.abort_all();  // cannot be refused
    gate.open();
    other_gate.open();
    EXPECT_TRUE(seen.wait_for_closes(1));
}

TEST_F(PostTest, large_captures_travel_too) {
    std::array<std::uint64_t, 1000> large{};
    large.fill(7);
    std::atomic<std::uint64_t> sum{0};
    for (int round = 0; round < 100; ++round) {
        ASSERT_TRUE(eventually([&] {
            return engine.post(static_cast<std::size_t>(round) % 2, [large, &sum] {
                for (const std::uint64_t each : large) sum += each;
            }) == Result::ok;
        }));
    }
    EXPECT_TRUE(eventually([&] { return sum == 100 * 7000; }));
}

TEST_F(PostTest, move_only_captures_travel_too) {
    auto value = std::make_unique<int>(42);
    std::atomic<int> seen_value{0};
    ASSERT_EQ(engine.post(1, [value = std::move(value), &seen_value] { seen_value = *value; }), Result::ok);
    EXPECT_TRUE(eventually([&] { return seen_value == 42; }));
}

TEST_F(PostTest, after_stop_a_task_is_refused_and_untouched) {
    engine.stop();
    engine.wait();
    Task task{[] { ADD_FAILURE() << "ran after the end"; }};
    EXPECT_EQ(engine.post(0, std::move(task)), Result::closed);
    EXPECT_EQ(engine.dispatch(1, [] { ADD_FAILURE() << "ran after the end"; }), Result::closed);
    EXPECT_EQ(engine.send(ConnectionId{1}, "x"), Result::closed);
}

TEST_F(PostTest, a_task_that_never_ran_is_destroyed) {
    auto token = std::make_shared<int>(0);
    {
        Engine never_started;
        for (int count = 0; count < 100; ++count) {
            ASSERT_EQ(never_started.post(0, [token] {}), Result::ok);
        }
        EXPECT_EQ(token.use_count(), 101);
    }
    EXPECT_EQ(token.use_count(), 1);
    {
        Engine stopping;
        ASSERT_TRUE(stopping.start());
        std::thread poster{[&] {
            while (stopping.post(0, [token] {}) != Result::closed) {
            }
        }};
        stopping.stop();
        stopping.wait();
        poster.join();
    }
    EXPECT_EQ(token.use_count(), 1);
}

TEST_F(PostTest, many_engines_in_one_thread_do_not_mix_their_mailboxes) {
    for (int round = 0; round < 20; ++round) {
        Engine first;
        Engine second;
        ASSERT_TRUE(first.start() && second.start());
        Gate in_first;
        Gate in_second;
        ASSERT_EQ(first.post(0,
                             [&] {
                                 EXPECT_EQ(&Reactor::current()->engine(), &first);
                                 EXPECT_EQ(second.post(0, [&] { in_second.open(); }), Result::ok);
                                 in_first.open();
                             }),
                  Result::ok);
        EXPECT_TRUE(in_first.wait());
        EXPECT_TRUE(in_second.wait());
    }
}

TEST_F(PostTest, now_is_the_time_of_the_turn) {
    run_on(engine.reactor(0), [] {
        const Clock::time_point now = Reactor::current()->now();
        EXPECT_LE(now, Clock::now());
        EXPECT_GT(now, Clock::now() - patience);
    });
}

}  // namespace
}  // namespace pollux::test
