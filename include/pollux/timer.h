// Timers: on a reactor with a callback, or for an application thread that waits.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <pollux/detail/timer_node.h>
#include <pollux/engine.h>

namespace pollux {

/// A timer of a reactor's wheel: arming, moving and cancelling are O(1) and allocate nothing. It never fires early and
/// fires at most a tick (about 66 µs) late, and later only if the reactor is busy.
///
/// Reactor thread only, destruction too (or while the engine does not run). Other threads post what they want done.
/// A handler may hold timers as members. The callback may arm, move, cancel and even destroy its own timer.
class Timer : private detail::TimerNode {
public:
    using Callback = std::function<void(Timer&)>;

    Timer(Reactor& reactor, Callback callback);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    /// Fires once, `delay` from now. Without a delay it fires in this turn of the reactor, or in the next one, which
    /// does not wait, if it is armed by the callback of a timer. Whatever was armed before is replaced, here and in all
    /// functions that arm.
    void after(std::chrono::nanoseconds delay);

    /// Fires once at a time of the steady clock; as without a delay if that has passed.
    void at(std::chrono::steady_clock::time_point when);

    /// Fires once at a wall-clock time, as the wall clock stands now: later adjustments of the clock do not move it.
    void at(std::chrono::system_clock::time_point when);

    /// Fires every `period`, first after `first`. Periods missed while the reactor was busy are skipped, the phase is
    /// kept.
    void every(std::chrono::nanoseconds period, std::chrono::nanoseconds first);
    void every(std::chrono::nanoseconds period) { every(period, period); }

    /// Disarms. True if it was armed.
    bool cancel() noexcept;

    [[nodiscard]] bool armed() const noexcept { return detail::TimerNode::armed(); }

    /// When it fires next; meaningless while not armed.
    [[nodiscard]] std::chrono::steady_clock::time_point expiry() const noexcept { return expiry_; }

    [[nodiscard]] Reactor& reactor() const noexcept { return *reactor_; }

private:
    friend class TimerAccess;

    Reactor* reactor_;
    std::chrono::steady_clock::time_point expiry_{};
    std::chrono::nanoseconds period_{0};
    Callback callback_;
    bool* destroyed_ = nullptr;  // set while the callback runs
};

/// A timer for application threads: arm it, wait for it, cancel it from another thread. It needs no reactor; the
/// engine's part is to end the waiting when it stops, so that a loop around `wait` ends by itself. Any thread may call
/// any function; `wait` is not for a reactor's thread.
class WaitableTimer {
public:
    explicit WaitableTimer(Engine& engine);
    ~WaitableTimer();
    WaitableTimer(const WaitableTimer&) = delete;
    WaitableTimer& operator=(const WaitableTimer&) = delete;

    /// Arms it for `delay` from now, replacing what was armed.
    void after(std::chrono::nanoseconds delay);

    /// Arms it for a time of the steady clock.
    void at(std::chrono::steady_clock::time_point when);

    /// Blocks until it fires (true), or it is cancelled or the engine stops (false). Not armed: false at once.
    bool wait();

    /// Disarms it and wakes whoever waits. True if it was armed.
    bool cancel();

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace pollux
