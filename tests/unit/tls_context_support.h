// Helpers of the TLS context tests: certificates, handshakes in memory, and a folder for files that change.
#pragma once

#include <gmock/gmock.h>
#include <pollux/tls.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tls_context_core.h"

namespace pollux::test {

inline std::string file(const std::string& name) {
    return POLLUX_CERTIFICATES "/" + name;
}

inline std::string contents(const std::string& path) {
    std::ifstream stream{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

inline TlsIdentity identity(const std::string& name) {
    return {.certificate = file(name + ".pem"), .key = file(name + ".key")};
}

inline TlsServerOptions server_options(const std::string& name = "server") {
    return {.certificate = file(name + ".pem"), .key = file(name + ".key")};
}

inline TlsClientOptions client_options() {
    return {.trust = {.ca_file = file("ca.pem")}};
}

// What a client of a server context is given, without a socket.

struct ContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ClientContext = std::unique_ptr<SSL_CTX, ContextDeleter>;

/// A client that verifies nothing, so that the test sees what it is given.
inline ClientContext bare_client() {
    return ClientContext{SSL_CTX_new(TLS_client_method())};
}

/// What one end wrote becomes what the other reads.
inline void connect_ends(SSL* one, SSL* other) {
    BIO* first = nullptr;
    BIO* second = nullptr;
    ASSERT_EQ(BIO_new_bio_pair(&first, 0, &second, 0), 1);
    SSL_set_bio(one, first, first);
    SSL_set_bio(other, second, second);
}

inline bool shake_hands(SSL* server, SSL* client) {
    for (int flight = 0; flight < 10; ++flight) {
        const int client_done = SSL_do_handshake(client);
        const int server_done = SSL_do_handshake(server);
        if (client_done == 1 && server_done == 1) return true;
    }
    return false;
}

inline std::string common_name(const X509* certificate) {
    char text[256] = "";
    if (certificate != nullptr) {
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
    }
    return text;
}

/// What came of a handshake between a server's context and a client.
struct Outcome {
    std::string given;     ///< The common name of the server's certificate; empty if the handshake failed.
    int chain_length = 0;  ///< Certificates that the server sent.
    std::string key_type;  ///< "RSA" or "EC".
    std::string alpn;
};

inline Outcome handshake(const TlsContext& server, const std::string& name = {},
                         const std::function<void(SSL*)>& prepare = {}) {
    const ClientContext context = bare_client();
    const SslPointer client{SSL_new(context.get())};
    const SslPointer accepted = server.core()->accept();
    if (accepted == nullptr) return {};
    SSL_set_connect_state(client.get());
    connect_ends(accepted.get(), client.get());
    if (!name.empty()) {
        // SSL_set_tlsext_host_name is a macro with an old-style cast.
        SSL_ctrl(client.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(name.c_str()));
    }
    if (prepare) prepare(client.get());
    if (!shake_hands(accepted.get(), client.get())) return {};
    X509* certificate = SSL_get0_peer_certificate(client.get());
    Outcome outcome{.given = common_name(certificate),
                    .chain_length = sk_X509_num(SSL_get_peer_cert_chain(client.get())),
                    .key_type = EVP_PKEY_is_a(X509_get0_pubkey(certificate), "RSA") == 1 ? "RSA" : "EC",
                    .alpn = {}};
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.get(), &protocol, &size);
    if (size > 0) outcome.alpn.assign(reinterpret_cast<const char*>(protocol), size);
    return outcome;
}

/// True if the client context accepts the server's certificate for `name`.
inline bool trusts(const TlsContext& client, const TlsContext& server, const std::string& name,
                   bool is_address = false) {
    const TlsServerName asked{.name = name, .cache = name, .is_address = is_address};
    const SslPointer connecting = client.core()->connect(asked);
    const SslPointer accepted = server.core()->accept();
    if (connecting == nullptr || accepted == nullptr) return false;
    connect_ends(accepted.get(), connecting.get());
    return shake_hands(accepted.get(), connecting.get());
}

/// A folder of the test's own.
class TlsContextTest : public testing::Test {
protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        folder_ = std::filesystem::path{testing::TempDir()} / ("pollux_tls_" + std::string{test->name()});
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream{path(name), std::ios::binary} << text;
        return path(name);
    }

    /// A certificate and its key under names that stay while their contents change.
    [[nodiscard]] TlsServerOptions replaceable(const std::string& name) const {
        replace(name);
        return {.certificate = path("current.pem"), .key = path("current.key")};
    }
    void replace(const std::string& name) const {
        write("current.pem", contents(file(name + ".pem")));
        write("current.key", contents(file(name + ".key")));
    }

private:
    std::filesystem::path folder_;
};

/// A mistake must be answered with its option and its value.
inline void expect_named(const Status& status, const std::string& option, const std::string& value) {
    EXPECT_FALSE(status) << option;
    EXPECT_THAT(status.message(), testing::HasSubstr(option));
    EXPECT_THAT(status.message(), testing::HasSubstr(value)) << option;
}

}  // namespace pollux::test
