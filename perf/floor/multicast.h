// The frame of the multicast loops: messages are laid down once, one by one, in a ring, and every client is sent from
// it. The slowest client paces the rest; nothing is lost.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../common/pattern.h"
#include "floor.h"
#include "message_ring.h"

namespace perf_floor {

/// What all of them do. The rest is their own `Loop`, which derives from this, without virtual calls:
/// - `Client* make_client(int fd)`, and `void destroy(Client*)`, which closes it;
/// - `bool serve(Client&, std::uint32_t events)` and `bool send_to(Client&, bool& progress)`: false if it is gone.
/// A client's `position` is that of its next byte in the ring. Its loop calls `join` when it can be sent to; then it
/// has `joined`.
template <class Loop, class Client>
class Multicast {
public:
    [[noreturn]] void run() {
        bool progress = false;
        for (;;) {
            wait(progress ? 0 : -1);
            if (clients_.empty()) {
                progress = false;
                continue;
            }
            progress = produce();
            progress |= send_to_all();
        }
    }

protected:
    explicit Multicast(const Options& options, const perf::Framing& framing = {})
        : poller_(epoll_create1(0)), listener_(listen_on(options)), ring_(perf::Pattern{options.size, framing}) {
        watch(poller_, listener_, EPOLLIN, nullptr);
    }

    [[nodiscard]] const MessageRing& ring() const { return ring_; }

    /// From now on the client is sent what is laid down.
    void join(Client& client) {
        client.joined = true;
        client.position = ring_.head();
        clients_.push_back(&client);
    }

private:
    [[nodiscard]] Loop& loop() { return static_cast<Loop&>(*this); }

    void wait(int timeout) {
        const int ready = epoll_wait(poller_, events_.data(), static_cast<int>(events_.size()), timeout);
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events_[static_cast<std::size_t>(i)];
            auto* client = static_cast<Client*>(event.data.ptr);
            if (client == nullptr) {
                accept();
            } else if (!loop().serve(*client, event.events)) {
                remove(client);
            }
        }
    }

    void accept() {
        const int fd = accept_on(listener_);
        if (fd >= 0) watch(poller_, fd, every_edge, loop().make_client(fd));
    }

    void remove(Client* client) {
        std::erase(clients_, client);
        loop().destroy(client);
    }

    bool produce() {
        std::uint64_t slowest = ring_.head();
        for (const Client* client : clients_) slowest = std::min(slowest, client->position);
        return ring_.produce(slowest);
    }

    bool send_to_all() {
        bool progress = false;
        for (std::size_t i = 0; i < clients_.size();) {
            Client* client = clients_[i];
            if (loop().send_to(*client, progress)) {
                ++i;
            } else {
                remove(client);
            }
        }
        return progress;
    }

    int poller_;
    int listener_;
    MessageRing ring_;
    std::vector<Client*> clients_;  // those that have joined
    std::vector<epoll_event> events_{256};
};

}  // namespace perf_floor
