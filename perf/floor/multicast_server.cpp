// Multicast by system calls alone: messages are laid down once, one by one, in a ring, and every client is sent from
// it. The slowest client paces the rest; nothing is lost.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "floor.h"
#include "message_ring.h"

namespace {

struct Client {
    int fd;
    std::uint64_t position;  // of the next byte to send, counted from the start of the run
    bool blocked = false;    // the kernel takes no more until it says EPOLLOUT
};

class Multicast {
public:
    explicit Multicast(const perf_floor::Options& options)
        : poller_(epoll_create1(0)), listener_(perf_floor::listen_on(options)), ring_(options.size) {
        perf_floor::watch(poller_, listener_, EPOLLIN, nullptr);
    }

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

private:
    void wait(int timeout) {
        const int ready = epoll_wait(poller_, events_.data(), static_cast<int>(events_.size()), timeout);
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events_[static_cast<std::size_t>(i)];
            auto* client = static_cast<Client*>(event.data.ptr);
            if (client == nullptr) {
                accept();
            } else if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0 && ended(*client)) {
                remove(client);
            } else if ((event.events & EPOLLOUT) != 0) {
                client->blocked = false;
            }
        }
    }

    void accept() {
        const int fd = perf_floor::accept_on(listener_);
        if (fd < 0) return;
        clients_.push_back(new Client{fd, ring_.head()});
        perf_floor::watch(poller_, fd, perf_floor::every_edge, clients_.back());
    }

    // Discards what a client says; true when it has hung up.
    static bool ended(const Client& client) {
        char ignored[4096];
        ssize_t received;
        do {
            received = recv(client.fd, ignored, sizeof ignored, 0);
        } while (received > 0);
        return received == 0 || errno != EAGAIN;
    }

    void remove(Client* client) {
        close(client->fd);
        std::erase(clients_, client);
        delete client;
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
            if (!client->blocked && client->position < ring_.head() && !send_to(*client, progress)) {
                remove(client);
            } else {
                ++i;
            }
        }
        return progress;
    }

    // False if the client is gone.
    bool send_to(Client& client, bool& progress) const {
        const std::string_view waiting = ring_.after(client.position);
        const ssize_t sent = send(client.fd, waiting.data(), waiting.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent > 0) {
            client.position += static_cast<std::uint64_t>(sent);
            progress = true;
        }
        client.blocked = client.position < ring_.head();
        return true;
    }

    int poller_;
    int listener_;
    perf_floor::MessageRing ring_;
    std::vector<Client*> clients_;
    std::vector<epoll_event> events_{256};
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_options(argc, argv);
    perf_floor::pin_to(options.core);
    Multicast{options}.run();
}
