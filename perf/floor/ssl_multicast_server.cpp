// Multicast by system calls and OpenSSL alone: messages are laid down once, one by one, in a ring, and every client's
// are encrypted from it in full records. The slowest client paces the rest; nothing is lost.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "floor.h"
#include "message_ring.h"
#include "tls.h"

namespace {

struct Client {
    perf_floor::TlsConnection connection;
    std::uint64_t position = 0;  // of the next byte to encrypt, counted from the start of the run
    bool open = false;           // the handshake is done
};

class Multicast {
public:
    explicit Multicast(const perf_floor::Options& options)
        : context_(perf_floor::make_context(options)),
          poller_(epoll_create1(0)),
          listener_(perf_floor::listen_on(options)),
          ring_(options.size) {
        perf_floor::watch(poller_, listener_, EPOLLIN, nullptr);
        outbox_.gather = true;  // nobody waits for an answer: the fewest calls are best, with one client too
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
            } else if (!serve(*client, event.events)) {
                remove(client);
            }
        }
    }

    void accept() {
        const int fd = perf_floor::accept_on(listener_);
        if (fd >= 0) perf_floor::watch(poller_, fd, perf_floor::every_edge, new Client{{fd, context_, outbox_}});
    }

    // Handshakes, then discards what the client says. False when it has hung up.
    bool serve(Client& client, std::uint32_t events) {
        if (client.connection.blocked() && !client.connection.send_rest()) return false;
        if (events == EPOLLOUT) return true;
        client.connection.begin_receiving();
        int received;
        do {
            received = client.connection.read(ignored_.data());
        } while (received > 0);
        if (received < 0 || !client.connection.flush()) return false;
        if (!client.open && client.connection.handshake_done()) {
            client.open = true;
            client.position = ring_.head();
            clients_.push_back(&client);
        }
        return true;
    }

    void remove(Client* client) {
        outbox_.bytes.clear();
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
            if (send_to(*client, progress)) {
                ++i;
            } else {
                remove(client);
            }
        }
        return progress;
    }

    // False if the client is gone.
    bool send_to(Client& client, bool& progress) const {
        while (!client.connection.blocked() && client.position < ring_.head()) {
            const std::string_view record = ring_.after(client.position).substr(0, perf_floor::record_bytes);
            if (!client.connection.write(record)) return false;
            client.position += record.size();
            progress = true;
        }
        return client.connection.flush();
    }

    SSL_CTX* context_;
    int poller_;
    int listener_;
    perf_floor::MessageRing ring_;
    perf_floor::Outbox outbox_;
    std::vector<Client*> clients_;  // those that are open
    std::vector<char> ignored_ = std::vector<char>(perf_floor::record_bytes);
    std::vector<epoll_event> events_{256};
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_tls_options(argc, argv);
    perf_floor::pin_to(options.core);
    Multicast{options}.run();
}
