// The library's own side of the engine.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <pollux/engine.h>

#include "reactor_core.h"
#include "resolver.h"
#include "startable.h"
#include "stop_listener.h"

namespace pollux {

class Engine::Core {
public:
    Core(Engine& engine, EngineOptions options);
    ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    [[nodiscard]] Status start();
    [[nodiscard]] Status run(Engine& engine);
    void stop() noexcept;
    void wait();
    [[nodiscard]] bool running() const noexcept { return phase_.load(std::memory_order_acquire) == Phase::running; }

    [[nodiscard]] std::size_t size() const noexcept { return reactors_.size(); }
    [[nodiscard]] ReactorCore& reactor(std::size_t index) noexcept { return *reactors_[index]; }

    /// The reactor an id lives on, or null if this engine has no such reactor.
    [[nodiscard]] ReactorCore* reactor_of(ConnectionId id) noexcept {
        return reactor_at(ConnectionTable::reactor_of(id));
    }
    [[nodiscard]] ReactorCore* reactor_of(UdpSocketId id) noexcept { return reactor_at(UdpTable::reactor_of(id)); }

    /// Sends a message of a kind that the connection's protocol knows. `closed` also if it has none.
    Result send_message(ConnectionId id, std::uint8_t kind, Bytes body);

    /// Sends from a UDP socket; `to` is none for the peer that it is connected to.
    Result send_datagram(UdpSocketId id, const InetAddress& to, Bytes bytes);

    /// Blocks until `done()`, which reactors make true. Returns at once on a reactor's thread: it would wait for
    /// itself. While the engine is not started, the calling thread does the reactors' work.
    void wait_until(std::mutex& mutex, std::condition_variable& changed, const std::function<bool()>& done);

    /// True on one of this engine's reactor threads.
    [[nodiscard]] bool on_reactor_thread() const noexcept;

    /// What `run` starts.
    void add_startable(Startable& startable);
    void remove_startable(Startable& startable) noexcept;

    [[nodiscard]] Resolver& resolver() noexcept { return resolver_; }
    [[nodiscard]] std::uint64_t next_server_number() noexcept { return ++last_server_number_; }

    /// The next reactor in turn, for clients that do not care.
    [[nodiscard]] std::size_t next_reactor() noexcept { return next_reactor_++ % reactors_.size(); }

    void add_stop_listener(const std::shared_ptr<StopListener>& listener);

private:
    enum class Phase : std::uint8_t { created, running, stopped };

    [[nodiscard]] Status check_options() const;
    [[nodiscard]] ReactorCore* reactor_at(std::size_t index) noexcept;
    void run_reactor(std::size_t index);
    void reactor_ended();

    EngineOptions options_;
    Status open_status_;
    std::vector<std::unique_ptr<ReactorCore>> reactors_;
    std::vector<std::thread> threads_;
    Resolver resolver_;

    std::atomic<Phase> phase_{Phase::created};
    std::mutex life_mutex_;  // starting, waiting, and doing the work of reactors that have no thread yet
    std::atomic<std::size_t> live_reactors_{0};
    std::atomic<std::uint64_t> last_server_number_{0};
    std::atomic<std::size_t> next_reactor_{0};

    std::mutex lists_mutex_;
    std::vector<Startable*> startables_;
    std::vector<std::weak_ptr<StopListener>> stop_listeners_;
};

}  // namespace pollux
