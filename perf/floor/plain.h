// What the bare loops without TLS share: a connection that is received from and sent to, and keeps what is left over.
#pragma once

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "floor.h"

namespace perf_floor {

/// A connection without TLS, with the functions of `TlsConnection` in tls.h. What the kernel does not take is kept.
class PlainConnection {
public:
    static constexpr std::size_t most_read_bytes = 256 * 1024;
    static constexpr std::size_t most_write_bytes = std::string_view::npos;

    explicit PlainConnection(int fd) : fd_(fd) {}
    PlainConnection(const PlainConnection&) = delete;
    PlainConnection& operator=(const PlainConnection&) = delete;
    ~PlainConnection() { close(fd_); }

    /// True while there is something that the kernel did not take.
    [[nodiscard]] bool blocked() const { return !rest_.empty(); }

    /// There may be something to receive again.
    void begin_receiving() { drained_ = false; }

    /// Receives up to `most_read_bytes`; 0 if nothing is left, -1 if the connection is over. A short read means that
    /// there is no more; only a full buffer is worth another receive.
    int read(char* to) {
        if (drained_) return 0;
        const ssize_t received = recv(fd_, to, most_read_bytes, 0);
        drained_ = received < static_cast<ssize_t>(most_read_bytes);
        if (received > 0) return static_cast<int>(received);
        return received < 0 && !failed_for_good() ? 0 : -1;
    }

    /// Sends at once. False if the connection is over.
    bool write(std::string_view bytes) {
        const ssize_t sent = blocked() ? 0 : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && failed_for_good()) return false;
        const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
        if (taken < bytes.size()) rest_.append(bytes.substr(taken));
        return true;
    }

    /// Nothing is ever gathered.
    static bool flush() { return true; }

    /// Sends what was kept. False if the connection is over.
    bool send_rest() {
        const ssize_t sent = send(fd_, rest_.data(), rest_.size(), MSG_NOSIGNAL);
        if (sent < 0) return !failed_for_good();
        rest_.erase(0, static_cast<std::size_t>(sent));
        return true;
    }

private:
    static bool failed_for_good() { return errno != EAGAIN && errno != EINTR; }

    int fd_;
    std::string rest_;
    bool drained_ = false;  // until the next event
};

/// The part of a loop for `serve_all` that makes connections: `Connection` is a `PlainConnection`, or derives from it.
template <class ConnectionType = PlainConnection>
class PlainLoop {
public:
    using Connection = ConnectionType;

    static Connection* open(int fd) { return new Connection{fd}; }
    static void end(Connection* connection) { delete connection; }
    static void begin_turn(int /*ready*/) {}
};

}  // namespace perf_floor
