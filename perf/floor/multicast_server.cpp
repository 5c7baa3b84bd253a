// Multicast by system calls alone: a client is sent in one call all that the ring has for it.
#include <cstdint>
#include <string_view>

#include "floor.h"
#include "multicast.h"

namespace {

struct Client {
    int fd;
    std::uint64_t position = 0;  // of the next byte to send, counted from the start of the run
    bool blocked = false;        // the kernel takes no more until it says EPOLLOUT
};

class Loop : public perf_floor::Multicast<Loop, Client> {
public:
    explicit Loop(const perf_floor::Options& options) : Multicast(options) {}

    Client* make_client(int fd) {
        auto* client = new Client{fd};
        join(*client);
        return client;
    }

    static void destroy(Client* client) {
        close(client->fd);
        delete client;
    }

    static bool serve(Client& client, std::uint32_t events) {
        if ((events & EPOLLOUT) != 0) client.blocked = false;
        return events == EPOLLOUT || !ended(client);
    }

    bool send_to(Client& client, bool& progress) const {
        if (client.blocked || client.position == ring().head()) return true;
        const std::string_view waiting = ring().after(client.position);
        const ssize_t sent = send(client.fd, waiting.data(), waiting.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent > 0) {
            client.position += static_cast<std::uint64_t>(sent);
            progress = true;
        }
        client.blocked = client.position < ring().head();
        return true;
    }

private:
    // Discards what a client says; true when it has hung up.
    static bool ended(const Client& client) {
        char ignored[4096];
        ssize_t received;
        do {
            received = recv(client.fd, ignored, sizeof ignored, 0);
        } while (received > 0);
        return received == 0 || errno != EAGAIN;
    }
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_options(argc, argv);
    perf_floor::pin_to(options.core);
    Loop{options}.run();
}
