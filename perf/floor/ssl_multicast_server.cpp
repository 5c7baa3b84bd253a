// Multicast by system calls and OpenSSL alone: what the ring has for a client is encrypted in full records.
#include <cstdint>
#include <string_view>
#include <vector>

#include "floor.h"
#include "multicast.h"
#include "tls.h"

namespace {

struct Client {
    perf_floor::TlsConnection connection;
    std::uint64_t position = 0;  // of the next byte to encrypt, counted from the start of the run
    bool open = false;           // the handshake is done
};

class Loop : public perf_floor::Multicast<Loop, Client> {
public:
    Loop(const perf_floor::Options& options, SSL_CTX* context) : Multicast(options), context_(context) {
        outbox_.gather = true;  // nobody waits for an answer: the fewest calls are best, with one client too
    }

    Client* make_client(int fd) { return new Client{{fd, context_, outbox_}}; }

    void destroy(Client* client) {
        outbox_.bytes.clear();
        delete client;
    }

    // Handshakes, then discards what the client says.
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
            join(client);
        }
        return true;
    }

    bool send_to(Client& client, bool& progress) const {
        while (!client.connection.blocked() && client.position < ring().head()) {
            const std::string_view record = ring().after(client.position).substr(0, perf_floor::record_bytes);
            if (!client.connection.write(record)) return false;
            client.position += record.size();
            progress = true;
        }
        return client.connection.flush();
    }

private:
    SSL_CTX* context_;
    perf_floor::Outbox outbox_;
    std::vector<char> ignored_ = std::vector<char>(perf_floor::record_bytes);
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_tls_options(argc, argv);
    perf_floor::pin_to(options.core);
    Loop{options, perf_floor::make_context(options)}.run();
}
