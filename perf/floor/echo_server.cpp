// Echo by system calls alone: one thread, one epoll, one receive and one send a turn for each connection.
#include <string>
#include <vector>

#include "floor.h"

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;

struct Connection {
    int fd;
    std::string rest;  // what the kernel did not take; nothing is received while there is any
};

bool failed_for_good(ssize_t result) {
    return result < 0 && errno != EAGAIN && errno != EINTR;
}

// Sends what is left. False if the connection is dead.
bool flush(Connection& connection) {
    const ssize_t sent = send(connection.fd, connection.rest.data(), connection.rest.size(), MSG_NOSIGNAL);
    if (failed_for_good(sent)) return false;
    if (sent > 0) connection.rest.erase(0, static_cast<std::size_t>(sent));
    return true;
}

// Receives and sends back. A short read means that there is no more; only a full buffer is worth another receive.
// False if the connection is over.
bool echo(Connection& connection, std::vector<char>& buffer) {
    while (connection.rest.empty()) {
        const ssize_t received = recv(connection.fd, buffer.data(), buffer.size(), 0);
        if (received == 0 || failed_for_good(received)) return false;
        if (received < 0) return true;

        const ssize_t sent = send(connection.fd, buffer.data(), static_cast<std::size_t>(received), MSG_NOSIGNAL);
        if (failed_for_good(sent)) return false;
        const ssize_t taken = sent < 0 ? 0 : sent;
        if (taken < received) connection.rest.assign(buffer.data() + taken, buffer.data() + received);
        if (static_cast<std::size_t>(received) < buffer.size()) return true;
    }
    return true;
}

// False if the connection is over. An edge may have been consumed while there was a rest, so after the rest it echoes
// whatever came meanwhile.
bool serve(Connection& connection, std::uint32_t events, std::vector<char>& buffer) {
    if (connection.rest.empty()) return events == EPOLLOUT || echo(connection, buffer);
    if (!flush(connection)) return false;
    return !connection.rest.empty() || echo(connection, buffer);
}

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_options(argc, argv);
    perf_floor::pin_to(options.core);
    const int poller = epoll_create1(0);
    const int listener = perf_floor::listen_on(options);
    perf_floor::watch(poller, listener, EPOLLIN, nullptr);

    std::vector<char> buffer(buffer_bytes);
    std::vector<epoll_event> events(256);
    for (;;) {
        const int ready = epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            auto* connection = static_cast<Connection*>(event.data.ptr);
            if (connection == nullptr) {
                const int fd = perf_floor::accept_on(listener);
                if (fd >= 0) perf_floor::watch(poller, fd, perf_floor::every_edge, new Connection{fd, {}});
            } else if (!serve(*connection, event.events, buffer)) {
                close(connection->fd);
                delete connection;
            }
        }
    }
}
