// Timers of the user.
#include <pollux/timer.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "engine_core.h"
#include "reactor_core.h"
#include "stop_listener.h"
#include "timer_access.h"

namespace pollux {

namespace {

TimerWheel& wheel(Reactor& reactor) noexcept {
    return static_cast<ReactorCore&>(reactor).timers();
}

using Time = std::chrono::steady_clock::time_point;

/// A time so far away that adding to it would overflow means never.
Time saturating_add(Time time, std::chrono::nanoseconds delay) noexcept {
    return delay > Time::max() - time ? Time::max() : time + delay;
}

}  // namespace

Timer::Timer(Reactor& reactor, Callback callback) : reactor_(&reactor), callback_(std::move(callback)) {
    TimerNode::kind = static_cast<std::uint8_t>(TimerKind::user);
}

Timer::~Timer() {
    cancel();
    if (destroyed_ != nullptr) *destroyed_ = true;
}

void Timer::after(std::chrono::nanoseconds delay) {
    const Time now = platform::Poller::now();
    const bool delayed = delay.count() > 0;
    at(delayed ? saturating_add(now, delay) : Time{});
    if (!delayed) expiry_ = now;
}

void Timer::at(Time when) {
    period_ = std::chrono::nanoseconds{0};
    expiry_ = when;
    if (when <= static_cast<ReactorCore&>(*reactor_).turn_time()) {
        wheel(*reactor_).arm_next(*this);
    } else {
        wheel(*reactor_).arm(*this, when);
    }
}

void Timer::at(std::chrono::system_clock::time_point when) {
    after(when - std::chrono::system_clock::now());
}

void Timer::every(std::chrono::nanoseconds period, std::chrono::nanoseconds first) {
    after(first);
    period_ = std::max(period, std::chrono::nanoseconds{1});
}

bool Timer::cancel() noexcept {
    period_ = std::chrono::nanoseconds{0};
    return wheel(*reactor_).cancel(*this);
}

void TimerAccess::fire(detail::TimerNode& node) {
    auto& timer = static_cast<Timer&>(node);
    if (timer.period_.count() != 0) {
        const Time now = platform::Poller::now();
        timer.expiry_ += timer.period_;
        if (timer.expiry_ <= now) {
            const auto missed = (now - timer.expiry_) / timer.period_ + 1;
            timer.expiry_ += missed * timer.period_;
        }
        wheel(*timer.reactor_).arm(timer, timer.expiry_);
    }
    // The callback may destroy the timer, so what runs must not be part of it meanwhile.
    Timer::Callback running = std::move(timer.callback_);
    bool destroyed = false;
    timer.destroyed_ = &destroyed;
    running(timer);
    if (destroyed) return;
    timer.destroyed_ = nullptr;
    timer.callback_ = std::move(running);
}

// Waiting.

class WaitableTimer::State : public StopListener {
public:
    void arm(Time when) {
        const std::lock_guard lock{mutex_};
        when_ = when;
        armed_ = !stopped_;
        changed_.notify_all();
    }

    bool cancel() {
        const std::lock_guard lock{mutex_};
        changed_.notify_all();
        return std::exchange(armed_, false);
    }

    bool wait() {
        std::unique_lock lock{mutex_};
        while (armed_) {
            const Time when = when_;  // it may be armed anew meanwhile
            if (when == Time::max()) {
                changed_.wait(lock);
            } else if (std::chrono::steady_clock::now() < when) {
                changed_.wait_until(lock, when);
            } else {
                armed_ = false;
                changed_.notify_all();
                return true;
            }
        }
        return false;
    }

    void on_engine_stopped() override {
        const std::lock_guard lock{mutex_};
        stopped_ = true;
        armed_ = false;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Time when_{};
    bool armed_ = false;
    bool stopped_ = false;
};

WaitableTimer::WaitableTimer(Engine& engine) : state_(std::make_shared<State>()) {
    engine.core().add_stop_listener(state_);
}

WaitableTimer::~WaitableTimer() {
    state_->cancel();
}

void WaitableTimer::after(std::chrono::nanoseconds delay) {
    at(saturating_add(std::chrono::steady_clock::now(), delay));
}
void WaitableTimer::at(Time when) {
    state_->arm(when);
}
bool WaitableTimer::wait() {
    return state_->wait();
}
bool WaitableTimer::cancel() {
    return state_->cancel();
}

}  // namespace pollux
