// The library's own side of a TLS context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <variant>

#include <openssl/ssl.h>

#include <pollux/tls.h>

#include "proto/tls_session.h"
#include "tls_setup.h"

namespace pollux {

/// The sessions that a client may resume, one for each server. Any thread: connecting is rare enough for a lock.
class TlsSessionCache {
public:
    /// Forgets everything and begins a generation: sessions that were agreed on under older rules are not taken.
    void begin(std::size_t capacity);
    [[nodiscard]] std::uint64_t generation() const;

    void put(const std::string& server, std::uint64_t generation, SslSessionPointer session);

    /// A reference to the session for a server, or null. Not one of another generation.
    [[nodiscard]] SslSessionPointer get(const std::string& server, std::uint64_t generation);

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, SslSessionPointer> sessions_;
    std::size_t capacity_ = 0;
    std::uint64_t generation_ = 0;
};

/// Whom a client connects to. It must outlive the session made for it.
struct TlsServerName {
    std::string name{};   ///< What the certificate must be for; a DNS name or an IP address.
    std::string cache{};  ///< The key in the session cache: name and endpoint.
    bool is_address = false;
};

/// Holds the OpenSSL context that new sessions are made from. Any thread.
class TlsContext::Core {
public:
    using Options = std::variant<TlsServerOptions, TlsClientOptions>;

    explicit Core(Options options);
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    [[nodiscard]] Status status() const;
    [[nodiscard]] bool is_server() const noexcept { return is_server_; }
    [[nodiscard]] Status reload();
    [[nodiscard]] Status reload(Options options);

    /// A client's verification. `full` needs a name to verify.
    [[nodiscard]] TlsVerification verification() const;

    /// A session for an accepted connection; null if OpenSSL has no memory.
    [[nodiscard]] SslPointer accept() const;

    /// A session for a connection to a server; null likewise.
    [[nodiscard]] SslPointer connect(const TlsServerName& server);

private:
    [[nodiscard]] Status set_up(Options options, bool keep_on_failure);
    static int on_new_session(SSL* ssl, SSL_SESSION* session);

    const bool is_server_;
    mutable std::mutex mutex_;  // the members below
    Options options_;
    SslContextPointer context_;
    Status status_;

    TlsSessionCache sessions_;
};

}  // namespace pollux
