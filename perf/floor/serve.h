// The frame of the loops that answer: accept, and serve each connection that has something.
#pragma once

#include <cstdint>
#include <vector>

#include "floor.h"

namespace perf_floor {

/// What a connection is told of an event, whatever it does with what it receives. Nothing is received while the kernel
/// does not take the answers; an edge may have been consumed meanwhile, so behind the rest comes whatever is there.
/// `receive` returns false if the connection is over, and so does this.
template <class Connection, class Receive>
bool serve_event(Connection& connection, std::uint32_t events, Receive&& receive) {
    if (connection.blocked()) {
        if (!connection.send_rest()) return false;
        if (connection.blocked()) return true;
    } else if (events == EPOLLOUT) {
        return true;
    }
    connection.begin_receiving();
    return receive();
}

/// Serves for ever. `Loop` has, without virtual calls:
/// - `Connection`, what it makes of a socket;
/// - `Connection* open(int fd)`, and `void end(Connection*)`, which closes it;
/// - `void begin_turn(int ready)`, which hears how many connections have something;
/// - `bool serve(Connection&, std::uint32_t events)`: false if the connection is over.
template <class Loop>
[[noreturn]] void serve_all(const Options& options, Loop& loop) {
    const int poller = epoll_create1(0);
    const int listener = listen_on(options);
    watch(poller, listener, EPOLLIN, nullptr);

    std::vector<epoll_event> events(256);
    for (;;) {
        const int ready = epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
        loop.begin_turn(ready);
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            auto* connection = static_cast<typename Loop::Connection*>(event.data.ptr);
            if (connection == nullptr) {
                const int fd = accept_on(listener);
                if (fd >= 0) watch(poller, fd, every_edge, loop.open(fd));
            } else if (!loop.serve(*connection, event.events)) {
                loop.end(connection);
            }
        }
    }
}

}  // namespace perf_floor
