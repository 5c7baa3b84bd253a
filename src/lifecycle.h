// Lifecycle: whether something of the user's is stopped, running or stopping, over all the reactors it has a part on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include <pollux/engine.h>

namespace pollux {

/// Of a server, of UDP sockets, of a client. Any thread.
class Lifecycle {
public:
    explicit Lifecycle(Engine& engine) : engine_(&engine) {}
    Lifecycle(const Lifecycle&) = delete;
    Lifecycle& operator=(const Lifecycle&) = delete;

    /// Held while a start or a stop is handed to the reactors, so that they arrive in order.
    [[nodiscard]] std::unique_lock<std::mutex> transition() { return std::unique_lock{transition_mutex_}; }

    /// Held while what belongs to the phase is read: an address, the time of the start.
    [[nodiscard]] std::unique_lock<std::mutex> lock() const { return std::unique_lock{mutex_}; }

    [[nodiscard]] bool running() const noexcept { return phase_.load(std::memory_order_acquire) == Phase::running; }

    /// Whether it may begin now. `what` completes "cannot start …". In a transition.
    [[nodiscard]] Status check_startable(const std::string& what) const;

    /// It runs, with that many parts; `on_begin` is called with the lock held. In a transition.
    template <class OnBegin>
    void begin(std::size_t parts, OnBegin&& on_begin) {
        const std::lock_guard lock{mutex_};
        on_begin();
        parts_ = parts;
        ++begins_;
        phase_.store(Phase::running, std::memory_order_release);
        ended_.notify_all();
    }

    /// True if its parts are to be stopped: it runs, or is stopping gracefully and may still be told to abort.
    /// `on_stop` is called with the lock held if it ran. In a transition.
    template <class OnStop>
    [[nodiscard]] bool begin_stopping(OnStop&& on_stop) {
        const std::lock_guard lock{mutex_};
        if (phase_ == Phase::running) {
            phase_ = Phase::stopping;
            on_stop();
        }
        return phase_ == Phase::stopping;
    }

    /// A part has ended. After the last one it is stopped; `on_end` is called before with the lock held.
    template <class OnEnd>
    void end_part(OnEnd&& on_end) {
        const std::lock_guard lock{mutex_};
        if (--parts_ != 0) return;
        on_end();
        phase_ = Phase::stopped;
        ended_.notify_all();
    }

    /// How often it has begun: what a stop is about. In a transition.
    [[nodiscard]] std::uint64_t begins() const noexcept { return begins_; }

    /// Blocks until what began last before the stop is over, even if somebody else begins anew at once; returns at once
    /// on a reactor's thread.
    void wait_stopped(std::uint64_t begins);

private:
    enum class Phase : std::uint8_t { stopped, running, stopping };

    Engine* engine_;
    std::mutex transition_mutex_;
    mutable std::mutex mutex_;
    std::condition_variable ended_;
    std::atomic<Phase> phase_{Phase::stopped};  // changed under the mutex, read by senders without it
    std::size_t parts_ = 0;
    std::uint64_t begins_ = 0;
};

}  // namespace pollux
