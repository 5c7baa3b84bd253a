// Echo by system calls and OpenSSL alone: one thread, one epoll, one receive a turn for each connection.
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

#include "floor.h"
#include "tls.h"

namespace {

using perf_floor::record_bytes;
using perf_floor::TlsConnection;

// Decrypts and sends back, whatever the sizes of the records that come, in records that are full but for the last.
// False if the connection is over.
bool echo(TlsConnection& connection, std::vector<char>& plaintext) {
    std::size_t waiting = 0;
    while (!connection.blocked()) {
        const int received = connection.read(plaintext.data() + waiting);
        if (received < 0) return false;
        if (received == 0) break;
        waiting += static_cast<std::size_t>(received);
        if (waiting < record_bytes) continue;
        if (!connection.write({plaintext.data(), record_bytes})) return false;
        waiting -= record_bytes;
        std::memmove(plaintext.data(), plaintext.data() + record_bytes, waiting);
    }
    return (waiting == 0 || connection.write({plaintext.data(), waiting})) && connection.flush();
}

// False if the connection is over. Nothing is received while the kernel does not take the answers.
bool serve(TlsConnection& connection, std::uint32_t events, std::vector<char>& plaintext) {
    if (connection.blocked()) {
        if (!connection.send_rest()) return false;
        if (connection.blocked()) return true;
    } else if (events == EPOLLOUT) {
        return true;
    }
    connection.begin_receiving();
    return echo(connection, plaintext);
}

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_tls_options(argc, argv);
    perf_floor::pin_to(options.core);
    SSL_CTX* const context = perf_floor::make_context(options);
    const int poller = epoll_create1(0);
    const int listener = perf_floor::listen_on(options);
    perf_floor::watch(poller, listener, EPOLLIN, nullptr);

    perf_floor::Outbox outbox;
    std::vector<char> plaintext(2 * record_bytes);
    std::vector<epoll_event> events(256);
    for (;;) {
        const int ready = epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
        // One client decrypts a record while the next one is made; several are busy anyway, and calls are saved.
        outbox.gather = ready > 1;
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            auto* connection = static_cast<TlsConnection*>(event.data.ptr);
            if (connection == nullptr) {
                const int fd = perf_floor::accept_on(listener);
                if (fd >= 0)
                    perf_floor::watch(poller, fd, perf_floor::every_edge, new TlsConnection{fd, context, outbox});
            } else if (!serve(*connection, event.events, plaintext)) {
                outbox.bytes.clear();
                delete connection;
            }
        }
    }
}
