// Timer wheel: against a naive model, over all levels and their boundaries.
#include "timer_wheel.h"

#include <algorithm>
#include <array>
#include <memory>

#include "unit/support.h"

namespace pollux::test {
namespace {

using namespace std::chrono_literals;
using Time = TimerWheel::Time;
using Nanoseconds = std::chrono::nanoseconds;

constexpr Nanoseconds tick{std::int64_t{1} << TimerWheel::tick_shift};

constexpr Time at(std::int64_t nanoseconds) {
    return Time{Nanoseconds{nanoseconds}};
}

constexpr Time at_tick(std::uint64_t ticks) {
    return at(static_cast<std::int64_t>(ticks << TimerWheel::tick_shift));
}

struct TestTimer : TimerWheel::Node {
    Time when{};
    Time armed_at{};
    bool in_model = false;

    /// It may not fire before `when`, and one set in the past counts from the moment it was set.
    [[nodiscard]] Time due() const { return std::max(when, armed_at); }
};

/// A wheel together with the model: a plain list of timers that are looked through one by one.
class Model {
public:
    Model(Time start, std::size_t timers) : now_(start), wheel_(start), timers_(timers) {}

    [[nodiscard]] TestTimer& timer(std::size_t index) { return timers_[index]; }
    [[nodiscard]] std::size_t size() const { return timers_.size(); }
    [[nodiscard]] Time now() const { return now_; }
    [[nodiscard]] std::size_t armed() const { return armed_; }
    [[nodiscard]] TimerWheel& wheel() { return wheel_; }

    void arm(TestTimer& timer, Time when) {
        wheel_.arm(timer, when);
        if (!timer.in_model) ++armed_;
        timer.in_model = true;
        timer.when = when;
        timer.armed_at = now_;
        EXPECT_TRUE(timer.armed());
    }

    void cancel(TestTimer& timer) {
        EXPECT_EQ(timer.armed(), timer.in_model);
        EXPECT_EQ(wheel_.cancel(timer), timer.in_model);
        if (timer.in_model) --armed_;
        timer.in_model = false;
        EXPECT_FALSE(timer.armed());
    }

    /// Returns how many fired. `also` runs within each.
    template <class Also>
    std::size_t advance(Time now, Also&& also) {
        now_ = std::max(now_, now);
        std::size_t fired = 0;
        std::uint64_t last_tick = 0;
        wheel_.advance(now, [&](TimerWheel::Node& node) {
            auto& timer = static_cast<TestTimer&>(node);
            EXPECT_TRUE(timer.in_model) << "fired though not armed";
            EXPECT_FALSE(timer.armed()) << "still linked while it fires";
            EXPECT_LE(timer.when, now) << "early";
            EXPECT_GE(timer.tick, last_tick) << "out of order";
            last_tick = timer.tick;
            timer.in_model = false;
            --armed_;
            ++fired;
            also(timer);
        });
        EXPECT_EQ(wheel_.size(), armed_);
        return fired;
    }

    std::size_t advance(Time now) {
        return advance(now, [](TestTimer&) {});
    }

    /// Everything that holds between two steps.
    void check() {
        Time next = Time::max();
        for (const TestTimer& timer : timers_) {
            ASSERT_EQ(timer.armed(), timer.in_model);
            if (!timer.in_model) continue;
            ASSERT_GT(timer.due() + tick, now_) << "more than a tick late";
            next = std::min(next, timer.due());
        }
        const Time told = wheel_.next_event();
        if (next == Time::max()) {
            ASSERT_EQ(told, Time::max());
        } else {
            ASSERT_LE(told, next + tick) << "who sleeps until then is late";
            ASSERT_GT(told, now_) << "who sleeps until then does not sleep";
        }
    }

private:
    Time now_;
    TimerWheel wheel_;
    std::vector<TestTimer> timers_;
    std::size_t armed_ = 0;
};

/// A delay of any order of magnitude, often just before, at or after a boundary of a level.
Nanoseconds random_delay(Random& random) {
    constexpr unsigned bits = 60;  // 36 years
    if (!random.one_in(3)) return Nanoseconds{static_cast<std::int64_t>(random.magnitude(bits))};
    const unsigned level_shift = TimerWheel::tick_shift + 6 * static_cast<unsigned>(random.up_to(7));
    if (level_shift >= bits) return Nanoseconds{static_cast<std::int64_t>(random.magnitude(bits))};
    const std::uint64_t slots =
        1 + random.up_to(std::min<std::uint64_t>(130, (std::uint64_t{1} << (bits - level_shift)) - 1));
    const std::int64_t boundary = static_cast<std::int64_t>(slots << level_shift);
    const std::array<std::int64_t, 5> offsets{-tick.count(), -1, 0, 1, tick.count()};
    return Nanoseconds{boundary + offsets[random.size_up_to(offsets.size() - 1)]};
}

/// Where a wheel may begin: at nothing, at any time, and close before each level carries into the next.
std::vector<Time> starts() {
    std::vector<Time> times{at(0), at(1), at(123'456'789'012'345)};
    for (unsigned level = 1; level < 8; ++level) {
        times.push_back(at_tick((std::uint64_t{1} << (6 * level)) - 3) + 17ns);
    }
    return times;
}

std::string start_name(const testing::TestParamInfo<Time>& start) {
    return std::to_string(start.param.time_since_epoch().count());
}

class TimerWheelTest : public testing::TestWithParam<Time> {};

INSTANTIATE_TEST_SUITE_P(Starts, TimerWheelTest, testing::ValuesIn(starts()), start_name);

TEST_P(TimerWheelTest, does_what_the_model_does) {
    Random random{static_cast<std::uint64_t>(GetParam().time_since_epoch().count())};
    std::size_t steps = scaled(40'000);
    while (steps != 0) {
        Model model{GetParam(), 60};
        // Half of the clock's range is left free, so that no sum of delays overflows.
        for (; steps != 0 && model.now() < at(std::int64_t{1} << 61); --steps) {
            TestTimer& timer = model.timer(random.size_up_to(model.size() - 1));
            const std::uint64_t action = random.up_to(9);
            if (action < 5) {
                model.arm(timer, model.now() + random_delay(random));
            } else if (action < 6) {
                model.arm(timer, model.now() - random_delay(random));
            } else if (action < 7) {
                model.cancel(timer);
            } else if (action < 9 && model.armed() != 0) {
                model.advance(model.wheel().next_event());
            } else {
                // Most steps are short, or every other timer would be overtaken.
                const unsigned bits = random.one_in(50) ? 55 : 30;
                model.advance(model.now() + Nanoseconds{static_cast<std::int64_t>(random.magnitude(bits))});
            }
            ASSERT_NO_FATAL_FAILURE(model.check());
        }
    }
}

TEST_P(TimerWheelTest, survives_callbacks_that_change_everything) {
    Random random{7 + static_cast<std::uint64_t>(GetParam().time_since_epoch().count())};
    Model model{GetParam(), 100};
    for (std::size_t step = 0; step < scaled(5000); ++step) {
        for (int i = 0; i < 4; ++i) {
            const Nanoseconds delay{static_cast<std::int64_t>(random.magnitude(32))};
            model.arm(model.timer(random.size_up_to(model.size() - 1)), model.now() + delay);
        }
        const Time now = model.now() + Nanoseconds{static_cast<std::int64_t>(random.magnitude(30))};
        model.advance(now, [&](TestTimer& self) {
            TestTimer& other = model.timer(random.size_up_to(model.size() - 1));
            switch (random.up_to(4)) {
                case 0:
                    model.cancel(other);
                    break;
                case 1:
                    model.arm(other, now + random_delay(random) % Nanoseconds{1min});
                    break;
                case 2:
                    model.arm(self, now + Nanoseconds{static_cast<std::int64_t>(random.magnitude(32))});
                    break;
                case 3:
                    model.cancel(self);
                    break;
                default:
                    break;
            }
        });
        ASSERT_NO_FATAL_FAILURE(model.check());
    }
}

TEST_P(TimerWheelTest, never_fires_early_and_at_most_a_tick_late) {
    Random random{11};
    for (std::size_t i = 0; i < scaled(20'000); ++i) {
        TimerWheel wheel{GetParam()};
        TestTimer timer;
        const Time when = GetParam() + random_delay(random);
        wheel.arm(timer, when);
        std::size_t fired = 0;
        wheel.advance(when - 1ns, [&](TimerWheel::Node&) { ++fired; });
        ASSERT_EQ(fired, 0U) << "early, delay " << (when - GetParam()).count() << " ns";
        wheel.advance(when + tick, [&](TimerWheel::Node&) { ++fired; });
        ASSERT_EQ(fired, 1U) << "late, delay " << (when - GetParam()).count() << " ns";
        ASSERT_EQ(wheel.size(), 0U);
    }
}

TEST_P(TimerWheelTest, sleeping_until_the_next_event_comes_to_a_timer_in_eight_steps) {
    Random random{13};
    for (std::size_t i = 0; i < scaled(5000); ++i) {
        Model model{GetParam(), 3};
        for (std::size_t k = 0; k < model.size(); ++k) model.arm(model.timer(k), model.now() + random_delay(random));
        // A timer moves down a level at most seven times, and each step opens the slot that the first one is in.
        for (int steps = 0; model.armed() == model.size(); ++steps) {
            ASSERT_LT(steps, 8);
            const Time next = model.wheel().next_event();
            ASSERT_GT(next, model.now()) << "no progress";
            model.advance(next);
        }
    }
}

TEST_P(TimerWheelTest, one_long_jump_fires_everything_in_order) {
    Random random{17};
    Model model{GetParam(), 2000};
    Time last = GetParam();
    for (std::size_t i = 0; i < model.size(); ++i) {
        const Time when = GetParam() + random_delay(random);
        model.arm(model.timer(i), when);
        last = std::max(last, when);
    }
    EXPECT_EQ(model.advance(last + tick), model.size());
}

TEST(TimerWheelLimitTest, nothing_armed_is_no_event) {
    TimerWheel wheel{at(5)};
    EXPECT_EQ(wheel.size(), 0U);
    EXPECT_EQ(wheel.next_event(), Time::max());
    wheel.advance(at(5) + 1h, [](TimerWheel::Node&) { FAIL(); });
    EXPECT_EQ(wheel.next_event(), Time::max());
    TestTimer timer;
    EXPECT_FALSE(wheel.cancel(timer));
    wheel.arm(timer, at(0));
    EXPECT_NE(wheel.next_event(), Time::max());
    EXPECT_TRUE(wheel.cancel(timer));
    EXPECT_FALSE(wheel.cancel(timer));
    EXPECT_EQ(wheel.next_event(), Time::max());
}

TEST(TimerWheelLimitTest, time_that_goes_back_changes_nothing) {
    const Time start = at(1'000'000'000);
    TimerWheel wheel{start};
    TestTimer timer;
    wheel.arm(timer, start + 1ms);
    std::size_t fired = 0;
    const auto count = [&](TimerWheel::Node&) { ++fired; };
    wheel.advance(start - 1s, count);
    wheel.advance(at(0), count);
    wheel.advance(Time::min(), count);
    EXPECT_EQ(fired, 0U);
    EXPECT_LE(wheel.next_event(), start + 1ms + tick);
    EXPECT_GT(wheel.next_event(), start);
    wheel.advance(start + 1ms + tick, count);
    EXPECT_EQ(fired, 1U);
}

TEST(TimerWheelLimitTest, a_time_in_the_past_fires_with_the_next_tick) {
    const Time start = at(1'000'000'000);
    for (const Time when : {Time::min(), at(-1), at(0), start - 1h, start - 1ns, start}) {
        TimerWheel wheel{start};
        TestTimer timer;
        wheel.arm(timer, when);
        EXPECT_LE(wheel.next_event(), start + tick);
        std::size_t fired = 0;
        wheel.advance(start + tick, [&](TimerWheel::Node&) { ++fired; });
        EXPECT_EQ(fired, 1U) << when.time_since_epoch().count();
    }
}

TEST(TimerWheelNextTest, fires_with_the_next_advance_whatever_the_time) {
    const Time start = at(1'000'000'000);
    TimerWheel wheel{start};
    TestTimer timer;
    wheel.arm_next(timer);
    EXPECT_TRUE(timer.armed());
    EXPECT_TRUE(wheel.has_next());
    EXPECT_LE(wheel.next_event(), start) << "who sleeps until then sleeps";
    for (const Time now : {start - 1h, start}) {
        std::size_t fired = 0;
        wheel.advance(now, [&](TimerWheel::Node&) { ++fired; });
        EXPECT_EQ(fired, 1U);
        EXPECT_FALSE(timer.armed());
        EXPECT_FALSE(wheel.has_next());
        EXPECT_EQ(wheel.next_event(), Time::max());
        wheel.arm_next(timer);
    }
    EXPECT_TRUE(wheel.cancel(timer));
    wheel.advance(start + 1h, [](TimerWheel::Node&) { FAIL(); });
    EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheelNextTest, one_armed_by_a_callback_waits_for_the_next_advance) {
    const Time start = at(1'000'000'000);
    TimerWheel wheel{start};
    TestTimer timer;
    std::size_t fired = 0;
    const auto again = [&](TimerWheel::Node& self) {
        ++fired;
        wheel.arm_next(self);
    };
    wheel.arm_next(timer);
    wheel.advance(start, again);
    wheel.advance(start, again);
    wheel.advance(start + 1h, again);
    EXPECT_EQ(fired, 3U);
    EXPECT_EQ(wheel.size(), 1U);
    EXPECT_TRUE(wheel.cancel(timer));
}

TEST(TimerWheelNextTest, they_come_in_their_order_and_before_all_others) {
    const Time start = at(1'000'000'000);
    TimerWheel wheel{start};
    std::array<TestTimer, 6> timers;
    wheel.arm(timers[4], start + 1ms);
    for (const std::size_t i : {1U, 0U, 2U, 3U}) wheel.arm_next(timers[i]);
    wheel.arm_next(timers[5]);
    wheel.arm(timers[5], start + 2ms);  // moved
    wheel.arm(timers[0], start + 2ms);
    wheel.arm_next(timers[0]);
    std::vector<std::size_t> order;
    wheel.advance(start + 1s, [&](TimerWheel::Node& node) {
        order.push_back(static_cast<std::size_t>(&static_cast<TestTimer&>(node) - timers.data()));
        wheel.cancel(timers[3]);
    });
    EXPECT_EQ(order, (std::vector<std::size_t>{1, 2, 0, 4, 5}));
    EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheelLimitTest, the_end_of_time_is_not_the_past) {
    const Time start = at(123'456'789'012'345);
    for (const Nanoseconds before : {0ns, 1ns, Nanoseconds{tick} - 1ns, Nanoseconds{tick}, Nanoseconds{1h}}) {
        TimerWheel wheel{start};
        TestTimer timer;
        wheel.arm(timer, Time::max() - before);
        for (Time now = start; now < start + 10s; now += 1s) {
            wheel.advance(now, [&](TimerWheel::Node&) { FAIL() << "early"; });
            ASSERT_GT(wheel.next_event(), now) << "who sleeps until then does not sleep; " << before.count()
                                               << " ns before the last time of the clock";
        }
        EXPECT_TRUE(wheel.cancel(timer));
    }
}

TEST(TimerWheelFireTest, a_callback_may_cancel_others_of_the_same_tick) {
    TimerWheel wheel{at(0)};
    std::array<TestTimer, 10> timers;
    for (TestTimer& timer : timers) wheel.arm(timer, at(5'000'000));
    std::size_t fired = 0;
    wheel.advance(at(10'000'000), [&](TimerWheel::Node& self) {
        ++fired;
        for (TestTimer& other : timers) {
            if (&other != &self) {
                EXPECT_TRUE(wheel.cancel(other));
            }
        }
    });
    EXPECT_EQ(fired, 1U);
    EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheelFireTest, a_callback_may_destroy_any_timer) {
    TimerWheel wheel{at(0)};
    std::vector<std::unique_ptr<TestTimer>> timers;
    for (int i = 0; i < 12; ++i) {
        timers.push_back(std::make_unique<TestTimer>());
        wheel.arm(*timers.back(), at(1'000'000 * (1 + i / 4)));  // four of each tick
    }
    std::size_t fired = 0;
    wheel.advance(at(100'000'000), [&](TimerWheel::Node& self) {
        ++fired;
        const auto own =
            std::find_if(timers.begin(), timers.end(), [&](const auto& timer) { return timer.get() == &self; });
        ASSERT_NE(own, timers.end());
        timers.erase(own);
        if (timers.empty()) return;
        wheel.cancel(*timers.back());
        timers.pop_back();
    });
    EXPECT_EQ(fired, 6U);
    EXPECT_TRUE(timers.empty());
    EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheelFireTest, a_timer_rearmed_in_its_callback_waits_for_its_new_time) {
    TimerWheel wheel{at(0)};
    TestTimer timer;
    std::vector<Time> times;
    wheel.arm(timer, at(0) + 10ms);
    for (Time now = at(0); now <= at(0) + 100ms; now += 100us) {
        wheel.advance(now, [&](TimerWheel::Node& node) {
            times.push_back(now);
            wheel.arm(node, now + 10ms);
        });
    }
    ASSERT_GE(times.size(), 9U);
    for (std::size_t i = 1; i < times.size(); ++i) {
        EXPECT_GE(times[i] - times[i - 1], 10ms);
        EXPECT_LE(times[i] - times[i - 1], 10ms + tick + 100us);
    }
}

TEST(TimerWheelFireTest, a_timer_always_rearmed_for_now_does_not_hold_the_loop) {
    TimerWheel wheel{at(0)};
    TestTimer timer;
    wheel.arm(timer, at(0));
    const Time now = at_tick(100);
    std::size_t fired = 0;
    wheel.advance(now, [&](TimerWheel::Node& node) {
        ASSERT_LE(++fired, 100U) << "at most once for each tick that passed";
        wheel.arm(node, now);
    });
    EXPECT_TRUE(timer.armed());
    EXPECT_EQ(wheel.size(), 1U);
    wheel.cancel(timer);
}

TEST(TimerWheelFireTest, a_timer_set_by_another_fires_in_its_turn) {
    TimerWheel wheel{at(0)};
    TestTimer first;
    TestTimer second;
    wheel.arm(first, at(0) + 1ms);
    std::size_t fired = 0;
    wheel.advance(at(0) + 10ms, [&](TimerWheel::Node& node) {
        ++fired;
        if (&node == &first) wheel.arm(second, at(0) + 2ms);
    });
    // It was due when time went past it, in this advance or, having been set late, in the next.
    wheel.advance(at(0) + 10ms + tick, [&](TimerWheel::Node&) { ++fired; });
    EXPECT_EQ(fired, 2U);
}

TEST(TimerWheelLoadTest, a_million_timers) {
    const std::size_t count = scaled(1'000'000);
    Random random{3};
    const Time start = at(987'654'321'000);
    TimerWheel wheel{start};
    std::vector<TestTimer> timers(count);
    for (TestTimer& timer : timers) {
        timer.when = start + Nanoseconds{static_cast<std::int64_t>(random.up_to(Nanoseconds{1h}.count()))};
        wheel.arm(timer, timer.when);
    }
    EXPECT_EQ(wheel.size(), count);
    std::size_t cancelled = 0;
    for (TestTimer& timer : timers) {
        if (random.one_in(4)) {
            timer.when = start + Nanoseconds{static_cast<std::int64_t>(random.up_to(Nanoseconds{2h}.count()))};
            wheel.arm(timer, timer.when);
        } else if (random.one_in(4)) {
            EXPECT_TRUE(wheel.cancel(timer));
            ++cancelled;
        }
    }
    EXPECT_EQ(wheel.size(), count - cancelled);
    std::size_t fired = 0;
    std::size_t wrong = 0;
    Time now = start;
    Time before = start;
    while (wheel.size() != 0) {
        before = now;
        now = wheel.next_event() + Nanoseconds{static_cast<std::int64_t>(random.up_to(2 * tick.count()))};
        wheel.advance(now, [&](TimerWheel::Node& node) {
            const auto& timer = static_cast<const TestTimer&>(node);
            ++fired;
            if (timer.when > now || timer.when + tick <= before) ++wrong;
        });
    }
    EXPECT_EQ(fired, count - cancelled);
    EXPECT_EQ(wrong, 0U) << "early, or left over by the advance before";
}

}  // namespace
}  // namespace pollux::test
