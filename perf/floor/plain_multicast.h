// What the multicast loops without TLS share: a client is sent in one call all that the ring has for it.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string_view>

#include "floor.h"
#include "multicast.h"

namespace perf_floor {

struct PlainClient {
    int fd;
    std::uint64_t position = 0;  // of the next byte to send, counted from the start of the run
    bool blocked = false;        // the kernel takes no more until it says EPOLLOUT
    bool joined = false;
};

/// `Loop` derives from this. It has `bool hear(PlainClient&, std::string_view)` for what a client says: false if it is
/// to go.
template <class Loop>
class PlainMulticast : public Multicast<Loop, PlainClient> {
public:
    static void destroy(PlainClient* client) {
        close(client->fd);
        delete client;
    }

    bool serve(PlainClient& client, std::uint32_t events) {
        if ((events & EPOLLOUT) != 0) client.blocked = false;
        return events == EPOLLOUT || receive(client);
    }

    bool send_to(PlainClient& client, bool& progress) const {
        if (client.blocked || client.position == this->ring().head()) return true;
        const std::string_view waiting = this->ring().after(client.position);
        const ssize_t sent = send(client.fd, waiting.data(), waiting.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent > 0) {
            client.position += static_cast<std::uint64_t>(sent);
            progress = true;
        }
        client.blocked = client.position < this->ring().head();
        return true;
    }

protected:
    using Multicast<Loop, PlainClient>::Multicast;

private:
    // False when the client has hung up.
    bool receive(PlainClient& client) {
        char bytes[4096];
        ssize_t received;
        while ((received = recv(client.fd, bytes, sizeof bytes, 0)) > 0) {
            if (!static_cast<Loop*>(this)->hear(client, {bytes, static_cast<std::size_t>(received)})) return false;
        }
        return received < 0 && errno == EAGAIN;
    }
};

}  // namespace perf_floor
