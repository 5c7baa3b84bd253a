// Timers on a running reactor, and the waiting kind for application threads.
#include <algorithm>
#include <random>

#include "support.h"

namespace pollux::test {
namespace {

using TimerTest = EngineTest;

/// A timer that a test makes, uses and destroys on the reactor's thread.
class Remote {
public:
    Remote(Engine& engine, Timer::Callback callback) : reactor_(engine.reactor(0)) {
        run_on(reactor_, [&] { timer_ = std::make_unique<Timer>(reactor_, std::move(callback)); });
    }
    ~Remote() {
        run_on(reactor_, [&] { timer_.reset(); });
    }
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;

    template <class Use>
    void use(Use&& use) {
        run_on(reactor_, [&] { use(*timer_); });
    }

private:
    Reactor& reactor_;
    std::unique_ptr<Timer> timer_;
};

TEST_F(TimerTest, fires_once_and_never_early) {
    for (const auto delay : {0ns, 1ns, 50'000ns, 1'000'000ns, 20'000'000ns, 150'000'000ns}) {
        Recorder fired;
        Clock::time_point at;
        Remote timer{engine, [&](Timer& self) {
                         at = Clock::now();
                         EXPECT_FALSE(self.armed());
                         fired.mark();
                     }};
        Clock::time_point armed_at;
        timer.use([&](Timer& self) {
            EXPECT_FALSE(self.armed());
            EXPECT_EQ(&self.reactor(), &engine.reactor(0));
            armed_at = Clock::now();
            self.after(delay);
            EXPECT_TRUE(self.armed());
            EXPECT_GE(self.expiry(), armed_at + delay);
        });
        ASSERT_TRUE(fired.wait_for_marks(1));
        turn_all(engine);
        EXPECT_EQ(fired.seen().marks, 1u);
        EXPECT_GE(at, armed_at + delay) << "early by " << (armed_at + delay - at).count() << " ns";
    }
}

TEST_F(TimerTest, never_inside_the_call_that_arms_it) {
    bool inside = false;
    Recorder fired;
    Remote timer{engine, [&](Timer&) {
                     EXPECT_FALSE(inside);
                     fired.mark();
                 }};
    timer.use([&](Timer& self) {
        inside = true;
        self.after(0ns);
        self.after(-1s);
        self.at(Clock::now() - 1h);
        inside = false;
    });
    EXPECT_TRUE(fired.wait_for_marks(1));
    turn_all(engine);
    EXPECT_EQ(fired.seen().marks, 1u);
}

TEST_F(TimerTest, without_a_delay_they_fire_in_their_order) {
    std::vector<int> order;
    std::vector<std::unique_ptr<Timer>> timers;
    run_on(engine.reactor(0), [&] {
        for (int i = 0; i < 4; ++i) {
            timers.push_back(std::make_unique<Timer>(engine.reactor(0), [&order, i](Timer&) { order.push_back(i); }));
        }
        for (const int i : {2, 0, 3, 1}) timers[static_cast<std::size_t>(i)]->after(0ns);
        timers[0]->at(Clock::now() - 1h);
    });
    turn_all(engine);
    run_on(engine.reactor(0), [&] { timers.clear(); });
    EXPECT_EQ(order, (std::vector<int>{2, 3, 1, 0}));
}

TEST_F(TimerTest, without_a_delay_again_and_again_others_have_their_turn) {
    std::size_t runs = 0;
    Remote timer{engine, [&](Timer& self) {
                     ++runs;
                     self.after(0ns);
                 }};
    timer.use([](Timer& self) { self.after(0ns); });
    std::size_t before = 0;
    for (int round = 0; round < 100; ++round) {
        turn_all(engine);
        timer.use([&](Timer&) {
            EXPECT_GT(runs, before) << "it waits for something else to happen";
            before = runs;
        });
    }
}

TEST_F(TimerTest, at_a_time_of_either_clock) {
    Recorder fired;
    Clock::time_point at;
    Remote timer{engine, [&](Timer&) {
                     at = Clock::now();
                     fired.mark();
                 }};
    Clock::time_point due;
    timer.use([&](Timer& self) { self.at(due = Clock::now() + 30ms); });
    ASSERT_TRUE(fired.wait_for_marks(1));
    EXPECT_GE(at, due);
    timer.use([&](Timer& self) {
        due = Clock::now() + 30ms;
        self.at(std::chrono::system_clock::now() + 30ms);
    });
    ASSERT_TRUE(fired.wait_for_marks(2));
    EXPECT_GE(at, due - 1ms) << "the two clocks are read one after the other";
    timer.use([&](Timer& self) { self.at(std::chrono::system_clock::now() - 1h); });
    EXPECT_TRUE(fired.wait_for_marks(3)) << "what has passed fires at the next turn";
}

TEST_F(TimerTest, periodic_keeps_its_phase) {
    Recorder fired;
    std::vector<Clock::time_point> times;
    Remote timer{engine, [&](Timer& self) {
                     times.push_back(Clock::now());
                     EXPECT_TRUE(self.armed());
                     fired.mark();
                 }};
    Clock::time_point start;
    timer.use([&](Timer& self) {
        start = Clock::now();
        self.every(5ms);
    });
    ASSERT_TRUE(fired.wait_for_marks(20));
    timer.use([&](Timer& self) {
        EXPECT_TRUE(self.cancel());
        for (std::size_t index = 0; index < times.size(); ++index) {
            EXPECT_GE(times[index], start + 5ms * (index + 1)) << "shot " << index << " is early";
        }
    });
}

TEST_F(TimerTest, periodic_with_its_own_first_delay_and_skipped_periods) {
    Recorder fired;
    Remote timer{engine, [&](Timer& self) {
                     if (fired.seen().marks == 0) {
                         std::this_thread::sleep_for(35ms);  // a reactor too busy for three and a half periods
                     }
                     fired.mark();
                     EXPECT_TRUE(self.armed());
                 }};
    Clock::time_point start;
    timer.use([&](Timer& self) {
        start = Clock::now();
        self.every(10ms, 1ms);
    });
    ASSERT_TRUE(fired.wait_for_marks(2));
    EXPECT_GE(Clock::now(), start + 36ms);
    timer.use([&](Timer& self) {
        self.cancel();
        const auto elapsed = Clock::now() - start;
        EXPECT_LE(fired.seen().marks, static_cast<std::size_t>(elapsed / 10ms) + 1)
            << "missed periods must be skipped, not made up for";
    });
}

TEST_F(TimerTest, cancel_from_outside_and_inside) {
    Recorder fired;
    Remote outside{engine, [&](Timer&) { fired.mark(); }};
    outside.use([&](Timer& self) {
        EXPECT_FALSE(self.cancel());
        self.after(1ms);
        EXPECT_TRUE(self.cancel());
        EXPECT_FALSE(self.armed());
        EXPECT_FALSE(self.cancel());
    });
    Recorder periodic;
    Remote inside{engine, [&](Timer& self) {
                      EXPECT_EQ(periodic.seen().marks == 2 && !self.cancel(), false);
                      periodic.mark();
                  }};
    inside.use([](Timer& self) { self.every(1ms); });
    ASSERT_TRUE(periodic.wait_for_marks(3));
    Recorder later;
    Remote after_all{engine, [&](Timer&) { later.mark(); }};
    after_all.use([](Timer& self) { self.after(20ms); });
    ASSERT_TRUE(later.wait_for_marks(1));
    EXPECT_EQ(fired.seen().marks, 0u);
    EXPECT_EQ(periodic.seen().marks, 3u);
}

TEST_F(TimerTest, armed_again_from_outside_and_inside) {
    Recorder fired;
    Remote outside{engine, [&](Timer&) { fired.mark(); }};
    outside.use([](Timer& self) {
        for (int round = 0; round < 1000; ++round) self.after(std::chrono::microseconds{1000 - round});
        self.after(1h);
        EXPECT_GT(self.expiry(), Clock::now() + 59min);
        self.every(1h, 1ms);
        self.after(2ms);
    });
    ASSERT_TRUE(fired.wait_for_marks(1));
    Recorder chained;
    Remote inside{engine, [&](Timer& self) {
                      chained.mark();
                      if (chained.seen().marks < 50) self.after(100us);
                  }};
    inside.use([](Timer& self) { self.after(0ns); });
    ASSERT_TRUE(chained.wait_for_marks(50));
    turn_all(engine);
    EXPECT_EQ(fired.seen().marks, 1u);
    EXPECT_EQ(chained.seen().marks, 50u);
}

TEST_F(TimerTest, a_periodic_timer_becomes_another_one_inside_its_callback) {
    Recorder fired;
    Remote timer{engine, [&](Timer& self) {
                     fired.mark();
                     const std::size_t count = fired.seen().marks;
                     if (count == 1) self.every(2ms);
                     if (count == 3) self.after(1ms);
                 }};
    timer.use([](Timer& self) { self.every(1ms); });
    ASSERT_TRUE(fired.wait_for_marks(4));
    turn_all(engine);
    timer.use([](Timer& self) { EXPECT_FALSE(self.armed()) << "after() replaces every()"; });
    EXPECT_EQ(fired.seen().marks, 4u);
}

TEST_F(TimerTest, destroyed_inside_its_own_callback) {
    for (const bool periodic : {false, true}) {
        Recorder fired;
        Timer* timer = nullptr;  // owned by nobody until its callback ends it
        run_on(engine.reactor(0), [&] {
            // The text is long enough to be on the heap, so a callback used after its end shows under a sanitizer.
            timer = new Timer{engine.reactor(0), [&, text = std::string(100, 'x')](Timer& self) {
                                  delete &self;
                                  fired.mark();
                              }};
            periodic ? timer->every(1ms) : timer->after(1ms);
        });
        ASSERT_TRUE(fired.wait_for_marks(1));
        turn_all(engine);
        EXPECT_EQ(fired.seen().marks, 1u);
    }
}

TEST_F(TimerTest, one_callback_destroys_other_timers_that_are_due) {
    Recorder fired;
    auto timers = std::make_shared<std::vector<std::unique_ptr<Timer>>>();
    run_on(engine.reactor(0), [&] {
        for (int index = 0; index < 100; ++index) {
            timers->push_back(std::make_unique<Timer>(engine.reactor(0), [timers, &fired](Timer& self) {
                // Everyone but the caller goes, whether it fired in this turn already or was about to.
                const auto doomed = std::partition(timers->begin(), timers->end(),
                                                   [&](const auto& each) { return each.get() == &self; });
                timers->erase(doomed, timers->end());
                fired.mark();
            }));
        }
        for (const auto& timer : *timers) timer->after(1ms);
    });
    ASSERT_TRUE(fired.wait_for_marks(1));
    turn_all(engine);
    EXPECT_EQ(fired.seen().marks, 1u);
    run_on(engine.reactor(0), [timers] { timers->clear(); });
}

TEST_F(TimerTest, many_timers_fire_in_the_order_of_their_times) {
    const std::size_t count = scaled(20'000);
    struct Shot {
        std::chrono::nanoseconds delay{};
        Clock::time_point due{};
        Clock::time_point at{};
    };
    std::vector<Shot> shots(count);
    std::vector<std::size_t> order;
    std::vector<std::unique_ptr<Timer>> timers;
    Recorder fired;
    std::minstd_rand random{7};
    for (Shot& shot : shots) shot.delay = std::chrono::microseconds{random() % 300'000};
    run_on(engine.reactor(0), [&] {
        for (std::size_t index = 0; index < count; ++index) {
            timers.push_back(std::make_unique<Timer>(engine.reactor(0), [&, index](Timer&) {
                shots[index].at = Clock::now();
                order.push_back(index);
                if (order.size() == count) fired.mark();
            }));
        }
        const Clock::time_point start = Clock::now();
        for (std::size_t index = 0; index < count; ++index) {
            shots[index].due = start + shots[index].delay;
            timers[index]->at(shots[index].due);
        }
    });
    ASSERT_TRUE(fired.wait_for_marks(1));
    for (const Shot& shot : shots) ASSERT_GE(shot.at, shot.due);
    // Within a tick the order is open.
    constexpr auto tick = 100us;
    for (std::size_t index = 1; index < count; ++index) {
        ASSERT_LE(shots[order[index - 1]].due, shots[order[index]].due + tick) << "at shot " << index;
    }
    run_on(engine.reactor(0), [&] { timers.clear(); });
}

TEST_F(TimerTest, far_away_timers_stay_where_they_are) {
    Recorder fired;
    std::vector<std::unique_ptr<Timer>> timers;
    run_on(engine.reactor(0), [&] {
        for (const auto delay : {std::chrono::hours{1}, std::chrono::hours{24}, std::chrono::hours{24 * 365},
                                 std::chrono::hours{24 * 365 * 200}}) {
            timers.push_back(std::make_unique<Timer>(engine.reactor(0), [&](Timer&) { fired.mark(); }));
            timers.back()->after(delay);
        }
        timers.push_back(std::make_unique<Timer>(engine.reactor(0), [&](Timer&) { fired.mark(); }));
        timers.back()->at(Clock::time_point::max());
    });
    Recorder soon;
    Remote marker{engine, [&](Timer&) { soon.mark(); }};
    marker.use([](Timer& self) { self.after(20ms); });
    ASSERT_TRUE(soon.wait_for_marks(1));
    EXPECT_EQ(fired.seen().marks, 0u);
    run_on(engine.reactor(0), [&] {
        for (const auto& timer : timers) EXPECT_TRUE(timer->cancel());
        timers.clear();
    });
}

TEST_F(TimerTest, a_timer_may_outlive_the_running_of_its_engine) {
    Engine stopping;
    ASSERT_TRUE(stopping.start());
    std::unique_ptr<Timer> timer;
    run_on(stopping.reactor(0), [&] {
        timer = std::make_unique<Timer>(stopping.reactor(0), [](Timer&) { ADD_FAILURE(); });
        timer->after(1h);
    });
    stopping.stop();
    stopping.wait();
    timer.reset();
}

TEST_F(TimerTest, a_timer_without_a_delay_holds_no_engine_up) {
    Engine stopping;
    ASSERT_TRUE(stopping.start());
    std::unique_ptr<Timer> timer;
    run_on(stopping.reactor(0), [&] {
        timer = std::make_unique<Timer>(stopping.reactor(0), [](Timer& self) { self.after(0ns); });
        timer->after(0ns);
    });
    stopping.stop();
    stopping.wait();
    timer.reset();
}

TEST_F(TimerTest, a_waitable_timer_fires) {
    WaitableTimer timer{engine};
    EXPECT_FALSE(timer.wait()) << "not armed: at once";
    const Clock::time_point start = Clock::now();
    timer.after(20ms);
    EXPECT_TRUE(timer.wait());
    EXPECT_GE(Clock::now(), start + 20ms);
    EXPECT_FALSE(timer.cancel());
    timer.at(start);
    EXPECT_TRUE(timer.wait());
    timer.after(1h);
    timer.after(1ms);
    EXPECT_TRUE(timer.wait()) << "arming replaces what was armed";
}

TEST_F(TimerTest, a_waitable_timer_is_cancelled_from_another_thread) {
    WaitableTimer timer{engine};
    for (int round = 0; round < 100; ++round) {
        timer.after(1h);
        std::thread canceller{[&] { EXPECT_TRUE(timer.cancel()); }};
        EXPECT_FALSE(timer.wait());
        canceller.join();
    }
    EXPECT_FALSE(timer.cancel());
}

TEST_F(TimerTest, a_waitable_timer_that_fires_while_it_is_cancelled_decides_once) {
    WaitableTimer timer{engine};
    for (std::size_t round = 0; round < scaled(500); ++round) {
        timer.after(std::chrono::microseconds{round % 200});
        bool cancelled = false;
        std::thread canceller{[&] { cancelled = timer.cancel(); }};
        const bool fired = timer.wait();
        canceller.join();
        // A wait that began after the cancel answers false for that reason alone.
        EXPECT_FALSE(fired && cancelled);
    }
}

TEST_F(TimerTest, engine_stop_wakes_who_waits) {
    Engine stopping;
    ASSERT_TRUE(stopping.start());
    WaitableTimer timer{stopping};
    timer.after(1h);
    std::thread stopper{[&] { stopping.stop(); }};
    EXPECT_FALSE(timer.wait());
    stopper.join();
    stopping.wait();
    EXPECT_FALSE(timer.wait());
}

}  // namespace
}  // namespace pollux::test
