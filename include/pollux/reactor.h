// A reactor: one thread, one poller, one slab, one timer wheel. Shares nothing.
#pragma once

#include <chrono>
#include <cstddef>

#include <pollux/connection.h>
#include <pollux/task.h>
#include <pollux/udp_socket.h>

namespace pollux {

class Engine;

/// One loop of an engine. Made and owned by the engine; a reference is valid as long as the engine.
class Reactor {
public:
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    /// Queues `task` to run on this reactor's thread, never at once. Any thread. Tasks of one thread run in their
    /// order. `would_block`: the calling thread's mailbox for this reactor is full; `task` is untouched. `closed`: the
    /// engine has stopped. A task accepted while the engine stops may be destroyed without running.
    Result post(Task&& task);

    /// Runs `task` before returning if called on this reactor's thread, else the same as `post`.
    Result dispatch(Task&& task);

    /// True if called on this reactor's thread.
    [[nodiscard]] bool is_current() const noexcept;

    /// The reactor of the calling thread, or null.
    [[nodiscard]] static Reactor* current() noexcept;

    /// The time at the start of this turn of the loop. Cheap. Reactor thread only.
    [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept;

    /// The connection of an id, or null if it is stale or lives elsewhere. Reactor thread only.
    [[nodiscard]] Connection* find(ConnectionId id) noexcept;

    /// The UDP socket of an id, likewise.
    [[nodiscard]] UdpSocket* find(UdpSocketId id) noexcept;

    /// Its place among the engine's reactors, from 0. Any thread.
    [[nodiscard]] std::size_t index() const noexcept;

    /// The engine it belongs to. Any thread.
    [[nodiscard]] Engine& engine() const noexcept;

protected:
    Reactor() = default;
    ~Reactor() = default;
};

}  // namespace pollux
