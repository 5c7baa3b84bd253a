// The engine: the set of reactors of a process, and the way in from every other thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include <pollux/connection.h>
#include <pollux/error.h>
#include <pollux/reactor.h>
#include <pollux/task.h>
#include <pollux/udp_socket.h>

namespace pollux {

/// How an engine is built. Checked by `Engine::start`.
struct EngineOptions {
    std::size_t reactors = 1;  ///< Threads; 0 for one for each core the process may use. At most 1024.

    bool pin = false;  ///< Bind each reactor's thread to a core.

    /// With `pin`: the cores, in the order of the reactors and again from the first if there are more reactors; empty
    /// for all that the process may use.
    std::vector<unsigned> cores{};

    /// How long a reactor polls without sleeping after its last event. Burns a core for a few microseconds less
    /// latency; 0 sleeps at once.
    std::chrono::microseconds spin{0};

    /// A reactor's one receive buffer: the most that one `on_data` carries, and the most one connection may read in a
    /// turn.
    std::size_t receive_buffer_bytes = 256 * 1024;

    /// Each (thread, reactor) pair that ever talked has a mailbox of this size. Rounded up to a power of two.
    std::size_t mailbox_bytes = 1024 * 1024;

    /// How long `stop` lets connections drain before it aborts them.
    std::chrono::milliseconds stop_timeout{std::chrono::seconds{5}};
};

/// A set of reactors. Declare it before the servers and clients that use it, so that it is destroyed after them.
/// An engine starts once and stops once.
class Engine {
public:
    /// Prepares the reactors; no thread runs yet. Mistakes in the options are reported by `start`.
    explicit Engine(EngineOptions options = {});

    /// Stops and waits if it runs. Not on a reactor's thread.
    ~Engine();

    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Starts the threads and returns. Application thread.
    [[nodiscard]] Status start();

    /// Asks every reactor to stop and returns at once: accepting ends, clients stop reconnecting, pending bytes drain,
    /// every connection closes (at the latest after `stop_timeout`) and every `on_close` is called. Any thread, also
    /// from a signal handler.
    void stop() noexcept;

    /// Blocks until every reactor has stopped. Application thread.
    void wait();

    /// Starts every server made for this engine that is not started yet, then the threads; blocks until `stop()`,
    /// SIGINT or SIGTERM (console control events on Windows). If a server cannot start, nothing runs and the status
    /// names it. Whoever wants no signal handling calls `start` and `wait`. Application thread.
    [[nodiscard]] Status run();

    /// True from a successful `start` until the reactors have stopped. Any thread.
    [[nodiscard]] bool running() const noexcept;

    /// The number of reactors. Any thread.
    [[nodiscard]] std::size_t reactors() const noexcept;

    /// The reactor of an index below `reactors()`. Any thread.
    [[nodiscard]] Reactor& reactor(std::size_t index) noexcept;

    /// Queues a task on a reactor: `reactor(index).post(…)`. Any thread.
    Result post(std::size_t index, Task&& task) { return reactor(index).post(std::move(task)); }

    /// Runs a task on a reactor, at once if that is the calling thread: `reactor(index).dispatch(…)`. Any thread.
    Result dispatch(std::size_t index, Task&& task) { return reactor(index).dispatch(std::move(task)); }

    /// Sends bytes on a connection. Any thread. The bytes are copied before it returns. The order in which a thread
    /// sends is the order on the wire. `would_block`: the mailbox is full, try again. `closed`: the id is stale; when
    /// the connection closes after `ok`, the bytes are dropped as bytes on their way to a closed connection are.
    /// `too_large`: larger than half of `mailbox_bytes`; send it in pieces. The bytes go out as they are: for a
    /// WebSocket there is `ws::send`.
    Result send(ConnectionId id, Bytes bytes);
    Result send(ConnectionId id, std::string_view text) { return send(id, as_bytes(text)); }

    /// `Connection::close` from any thread.
    Result close(ConnectionId id);

    /// `Connection::abort` from any thread.
    Result abort(ConnectionId id);

    /// Sends a datagram to the peer of a connected UDP socket: as `send` of a connection, in one piece or not at all.
    /// `wrong_peer`: see `UdpSocket::send`; told only on the socket's own reactor, elsewhere its `on_error` tells.
    Result send(UdpSocketId id, Bytes bytes);
    Result send(UdpSocketId id, std::string_view text) { return send(id, as_bytes(text)); }

    /// Sends a datagram from a UDP socket to an address, likewise.
    Result send_to(UdpSocketId id, const InetAddress& to, Bytes bytes);
    Result send_to(UdpSocketId id, const InetAddress& to, std::string_view text) {
        return send_to(id, to, as_bytes(text));
    }

    /// `UdpSocket::close` and `UdpSocket::abort` from any thread.
    Result close(UdpSocketId id);
    Result abort(UdpSocketId id);

    /// True unless the id is stale. Any thread; by the time it is read, the answer may be old.
    [[nodiscard]] bool is_alive(ConnectionId id) const noexcept;
    [[nodiscard]] bool is_alive(UdpSocketId id) const noexcept;

    /// Internal: the library's own side of the engine.
    class Core;
    [[nodiscard]] Core& core() noexcept { return *core_; }

private:
    std::unique_ptr<Core> core_;
};

/// While it lives, SIGINT and SIGTERM (console control events on Windows) stop the engine; the former handlers come
/// back after. Application thread. At most 16 at once in a process.
class StopOnSignal {
public:
    explicit StopOnSignal(Engine& engine);
    ~StopOnSignal();
    StopOnSignal(const StopOnSignal&) = delete;
    StopOnSignal& operator=(const StopOnSignal&) = delete;

private:
    std::size_t slot_;
};

}  // namespace pollux
