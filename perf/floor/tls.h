// What the bare loops with TLS share: an OpenSSL context, and connections whose BIO is the socket itself.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "floor.h"

namespace perf_floor {

inline constexpr std::size_t record_bytes = 16 * 1024;

/// The options of a server with TLS, by default with the development certificate of the build folder.
inline Options parse_tls_options(int argc, char** argv, Options defaults = {}) {
    defaults.certificate = POLLUX_CERTIFICATES "/server.pem";
    defaults.key = POLLUX_CERTIFICATES "/server.key";
    return parse_options(argc, argv, defaults);
}

/// A server's context. Sessions and tickets are as OpenSSL has them by default.
inline SSL_CTX* make_context(const Options& options) {
    // Enough for what a client of the benchmark has in flight: a receive is one system call, straight to where OpenSSL
    // decrypts.
    constexpr std::size_t read_buffer_bytes = 64 * 1024;

    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, read_buffer_bytes);
    if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        std::exit(1);
    }
    return context;
}

class TlsConnection;

/// What OpenSSL has written during a turn of one connection. All share it, since each flushes it at its turn's end.
struct Outbox {
    std::string bytes;
    bool gather = false;             ///< Full records wait for the end of the turn too, instead of leaving at once.
    TlsConnection* owner = nullptr;  ///< Whose turn it is, or was last: the one that has OpenSSL's record buffers.
};

/// A connection with TLS. `SSL_read` receives until a receive was short; what `SSL_write` makes is sent by `flush` at
/// the latest, and what the kernel does not take is kept.
class TlsConnection {
public:
    static constexpr std::size_t most_read_bytes = record_bytes;
    static constexpr std::size_t most_write_bytes = record_bytes;

    TlsConnection(int fd, SSL_CTX* context, Outbox& outbox) : fd_(fd), ssl_(SSL_new(context)), outbox_(&outbox) {
        BIO* bio = BIO_new(method());
        BIO_set_data(bio, this);
        SSL_set_bio(ssl_, bio, bio);
        SSL_set_accept_state(ssl_);
    }
    TlsConnection(const TlsConnection&) = delete;
    TlsConnection& operator=(const TlsConnection&) = delete;
    ~TlsConnection() {
        if (outbox_->owner == this) outbox_->owner = nullptr;
        SSL_free(ssl_);
        close(fd_);
    }

    [[nodiscard]] bool handshake_done() const { return SSL_is_init_finished(ssl_) == 1; }

    /// True while there is something that the kernel did not take.
    [[nodiscard]] bool blocked() const { return !rest_.empty(); }

    /// Decrypts what is there, up to a record; 0 if nothing is left, -1 if the connection is over.
    int read(char* to) {
        const int received = SSL_read(ssl_, to, record_bytes);
        if (received > 0) return received;
        const bool waits = SSL_get_error(ssl_, received) == SSL_ERROR_WANT_READ;
        ERR_clear_error();
        return waits && !failed_ ? 0 : -1;
    }

    /// There may be something to receive again.
    void begin_receiving() {
        take_buffers();
        drained_ = false;
    }

    /// Encrypts up to a record. False if the connection is over.
    bool write(std::string_view bytes) {
        take_buffers();
        const int size = static_cast<int>(bytes.size());
        if (SSL_write(ssl_, bytes.data(), size) == size) return !failed_;
        ERR_clear_error();
        return false;
    }

    /// Sends what was gathered. False if the connection is over.
    bool flush() {
        send_or_keep(outbox_->bytes);
        outbox_->bytes.clear();
        return !failed_;
    }

    /// Sends what was kept. False if the connection is over.
    bool send_rest() {
        rest_.erase(0, try_send(rest_));
        return !failed_;
    }

private:
    // Below this, bytes wait for what follows in the same turn: the messages of a handshake, the end of an answer.
    static constexpr std::size_t small_bytes = record_bytes / 2;

    // Whoever had OpenSSL's buffers gives them back, so that all use the same memory, which is in the cache, idle
    // connections have none, and a single busy one keeps them.
    void take_buffers() {
        if (outbox_->owner == this) return;
        if (outbox_->owner != nullptr) SSL_free_buffers(outbox_->owner->ssl_);
        outbox_->owner = this;
    }

    std::size_t try_send(std::string_view bytes) {
        const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) return static_cast<std::size_t>(sent);
        if (errno != EAGAIN && errno != EINTR) failed_ = true;
        return 0;
    }

    void send_or_keep(std::string_view bytes) {
        if (bytes.empty() || failed_) return;
        const std::size_t taken = blocked() ? 0 : try_send(bytes);
        rest_.append(bytes.substr(taken));
    }

    static int write_bio(BIO* bio, const char* bytes, int size) {
        auto& connection = *static_cast<TlsConnection*>(BIO_get_data(bio));
        const std::string_view written{bytes, static_cast<std::size_t>(size)};
        if (connection.outbox_->gather || written.size() < small_bytes) {
            connection.outbox_->bytes.append(written);
        } else {
            connection.flush();
            connection.send_or_keep(written);
        }
        return size;
    }

    // A short read means that there is no more, and saves asking.
    static int read_bio(BIO* bio, char* to, int size) {
        auto& connection = *static_cast<TlsConnection*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        if (!connection.drained_) {
            const ssize_t received = recv(connection.fd_, to, static_cast<std::size_t>(size), 0);
            connection.drained_ = received < size;
            if (received > 0) return static_cast<int>(received);
            connection.failed_ = received == 0 || errno != EAGAIN;
        }
        BIO_set_retry_read(bio);
        return -1;
    }

    static long control_bio(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static int create_bio(BIO* bio) {
        BIO_set_init(bio, 1);
        return 1;
    }

    static BIO_METHOD* method() {
        static BIO_METHOD* const made = [] {
            BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
            BIO_meth_set_write(method, write_bio);
            BIO_meth_set_read(method, read_bio);
            BIO_meth_set_ctrl(method, control_bio);
            BIO_meth_set_create(method, create_bio);
            return method;
        }();
        return made;
    }

    int fd_;
    SSL* ssl_;
    Outbox* outbox_;
    std::string rest_;      // records that the kernel did not take
    bool drained_ = false;  // until the next event
    bool failed_ = false;
};

/// The part of a loop for `serve_all` that makes connections: `Connection` is a `TlsConnection`, or derives from it.
template <class ConnectionType = TlsConnection>
class TlsLoop {
public:
    using Connection = ConnectionType;

    explicit TlsLoop(SSL_CTX* context) : context_(context) {}

    Connection* open(int fd) { return new Connection{fd, context_, outbox_}; }

    void end(Connection* connection) {
        outbox_.bytes.clear();
        delete connection;
    }

    /// One client decrypts a record while the next one is made; several are busy anyway, and calls are saved.
    void begin_turn(int ready) { outbox_.gather = ready > 1; }

private:
    SSL_CTX* context_;
    Outbox outbox_;
};

}  // namespace perf_floor
