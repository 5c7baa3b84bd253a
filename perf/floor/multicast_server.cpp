// Multicast by system calls alone: messages are laid down once, one by one, in a ring, and every client is sent from
// it. The slowest client paces the rest; nothing is lost.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../common/pattern.h"
#include "floor.h"

namespace {

// The best of the sizes measured: smaller turns cost system calls, larger rings fall out of the second-level cache.
constexpr std::size_t ring_bytes = 512 * 1024;
constexpr std::size_t turn_bytes = 128 * 1024;

struct Client {
    int fd;
    std::uint64_t position;  // of the next byte to send, counted from the start of the run
    bool blocked = false;    // the kernel takes no more until it says EPOLLOUT
};

// The same memory twice in a row, so that no piece of the ring is ever split.
char* map_ring() {
    const int memory = memfd_create("ring", 0);
    if (memory < 0 || ftruncate(memory, ring_bytes) != 0) perf_floor::die("memfd_create");
    char* ring = static_cast<char*>(mmap(nullptr, 2 * ring_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (char* half : {ring, ring + ring_bytes}) {
        if (mmap(half, ring_bytes, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_SHARED | MAP_POPULATE, memory, 0) ==
            MAP_FAILED)
            perf_floor::die("mmap");
    }
    return ring;
}

class Multicast {
public:
    explicit Multicast(const perf_floor::Options& options)
        : poller_(epoll_create1(0)), listener_(perf_floor::listen_on(options)), pattern_(options.size) {
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
        clients_.push_back(new Client{fd, head_});
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

    // Lays down as many messages as there is room for before the slowest client, up to a turn's worth.
    bool produce() {
        std::uint64_t slowest = head_;
        for (const Client* client : clients_) slowest = std::min(slowest, client->position);
        const std::size_t size = pattern_.message_bytes();
        const std::size_t room = std::min(turn_bytes, ring_bytes - static_cast<std::size_t>(head_ - slowest));
        const std::size_t messages = room / size;
        char* to = ring_ + head_ % ring_bytes;
        perf::PatternWriter writer = writer_;  // in registers: the copies below could alias a member
        for (std::size_t i = 0; i < messages; ++i) {
            std::memcpy(to, writer.message(), size);
            writer.advance();
            to += size;
        }
        writer_ = writer;
        head_ += messages * size;
        return messages > 0;
    }

    bool send_to_all() {
        bool progress = false;
        for (std::size_t i = 0; i < clients_.size();) {
            Client* client = clients_[i];
            if (!client->blocked && client->position < head_ && !send_to(*client, progress)) {
                remove(client);
            } else {
                ++i;
            }
        }
        return progress;
    }

    // False if the client is gone.
    bool send_to(Client& client, bool& progress) const {
        const auto waiting = static_cast<std::size_t>(head_ - client.position);
        const ssize_t sent = send(client.fd, ring_ + client.position % ring_bytes, waiting, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent > 0) {
            client.position += static_cast<std::uint64_t>(sent);
            progress = true;
        }
        client.blocked = client.position < head_;
        return true;
    }

    int poller_;
    int listener_;
    perf::Pattern pattern_;
    perf::PatternWriter writer_{pattern_};
    char* ring_ = map_ring();
    std::uint64_t head_ = 0;  // bytes laid down since the start
    std::vector<Client*> clients_;
    std::vector<epoll_event> events_{256};
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_options(argc, argv);
    perf_floor::pin_to(options.core);
    Multicast{options}.run();
}
