// What the multicast loops with TLS share: what the ring has for a client is encrypted in full records.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "../common/pattern.h"
#include "floor.h"
#include "multicast.h"
#include "tls.h"

namespace perf_floor {

struct TlsClient {
    TlsConnection connection;
    std::uint64_t position = 0;  // of the next byte to encrypt, counted from the start of the run
    bool joined = false;
};

/// `Loop` derives from this. It has `bool hear(TlsClient&, std::string_view)` for what a client says: false if it is to
/// go.
template <class Loop>
class TlsMulticast : public Multicast<Loop, TlsClient> {
public:
    TlsMulticast(const Options& options, const perf::Framing& framing = {})
        : Multicast<Loop, TlsClient>(options, framing), context_(make_context(options)) {
        outbox_.gather = true;  // nobody waits for an answer: the fewest calls are best, with one client too
    }

    TlsClient* make_client(int fd) { return new TlsClient{{fd, context_, outbox_}}; }

    void destroy(TlsClient* client) {
        outbox_.bytes.clear();
        delete client;
    }

    bool serve(TlsClient& client, std::uint32_t events) {
        TlsConnection& connection = client.connection;
        if (connection.blocked() && !connection.send_rest()) return false;
        if (events == EPOLLOUT) return true;
        connection.begin_receiving();
        int received;
        while ((received = connection.read(received_.data())) > 0) {
            if (!static_cast<Loop*>(this)->hear(client, {received_.data(), static_cast<std::size_t>(received)}))
                return false;
        }
        return received == 0 && connection.flush();
    }

    bool send_to(TlsClient& client, bool& progress) const {
        while (!client.connection.blocked() && client.position < this->ring().head()) {
            const std::string_view record = this->ring().after(client.position).substr(0, record_bytes);
            if (!client.connection.write(record)) return false;
            client.position += record.size();
            progress = true;
        }
        return client.connection.flush();
    }

private:
    SSL_CTX* context_;
    Outbox outbox_;
    std::vector<char> received_ = std::vector<char>(record_bytes);
};

}  // namespace perf_floor
