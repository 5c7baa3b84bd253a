// Makes OpenSSL contexts from options.
#pragma once

#include <memory>

#include <openssl/ssl.h>

#include <pollux/tls.h>

namespace pollux {

struct SslContextDeleter {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContextPointer = std::unique_ptr<SSL_CTX, SslContextDeleter>;

struct SslSessionDeleter {
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using SslSessionPointer = std::unique_ptr<SSL_SESSION, SslSessionDeleter>;

/// A context that does what the options say. On failure the status names the option and its value.
[[nodiscard]] Status make_server_context(const TlsServerOptions& options, SslContextPointer& out);
[[nodiscard]] Status make_client_context(const TlsClientOptions& options, SslContextPointer& out);

}  // namespace pollux
