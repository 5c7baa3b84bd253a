// TLS: what a server or client is given to encrypt its connections, and what a handler can learn about one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <pollux/error.h>

namespace pollux {

/// Something that OpenSSL reads: a file, or its contents. A string names a file; contents are wrapped:
///
///     .certificate = "server.pem"
///     .certificate = pollux::TlsInput::contents(pem_text)
class TlsInput {
public:
    /// Nothing.
    TlsInput() = default;

    /// A file by its path. It is read when the context is made, and again by `TlsContext::reload`.
    TlsInput(std::string path) : text_(std::move(path)) {}
    TlsInput(std::string_view path) : text_(path) {}
    TlsInput(const char* path) : text_(path) {}

    /// What would be in the file.
    [[nodiscard]] static TlsInput contents(std::string bytes) {
        TlsInput input{std::move(bytes)};
        input.is_contents_ = true;
        return input;
    }

    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    [[nodiscard]] bool is_contents() const noexcept { return is_contents_; }

    /// The path or the contents.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    bool is_contents_ = false;
};

/// A certificate with its private key: either PEM (`certificate`, `key`, `chain`) or PKCS#12 (`pfx`).
struct TlsIdentity {
    TlsInput certificate{};  ///< PEM: the certificate, and behind it any of its chain.
    TlsInput key{};          ///< PEM: the private key. Empty if it is in `certificate` too.
    TlsInput chain{};        ///< PEM: intermediate certificates that are not in `certificate`.
    TlsInput pfx{};          ///< PKCS#12 (.pfx, .p12): certificate, key and chain in one.

    std::string password{};  ///< Of an encrypted key or of `pfx`.

    /// Asked for the password, if `password` is empty and one is needed. Called on the thread that makes or reloads the
    /// context.
    std::function<std::string()> password_callback{};
};

/// Protocol versions. Older ones are broken and cannot be chosen.
enum class TlsVersion : std::uint8_t { tls1_2, tls1_3 };

/// What servers and clients both choose. Empty strings take Pollux's default.
struct TlsProtocolOptions {
    TlsVersion min_version = TlsVersion::tls1_2;
    TlsVersion max_version = TlsVersion::tls1_3;

    /// TLS 1.2 ciphers, in OpenSSL's notation. Default: forward secrecy and AEAD only.
    std::string ciphers{};

    /// TLS 1.3 cipher suites, in OpenSSL's notation. Default: OpenSSL's.
    std::string cipher_suites{};

    /// Groups of the key exchange, as in "X25519:P-256". Default: OpenSSL's.
    std::string groups{};

    /// Application protocols (ALPN, RFC 7301), the most wanted first, as in {"h2", "http/1.1"}. A server chooses the
    /// first of its own that the client offers; if there is none, the handshake fails with no_application_protocol.
    /// A client that offers none is served without.
    std::vector<std::string> alpn{};
};

/// Whose certificates are accepted.
struct TlsTrust {
    TlsInput ca_file{};          ///< PEM: certificates of authorities.
    std::string ca_directory{};  ///< A directory of such files, with hashed names (`openssl rehash`).
    bool system_store = false;   ///< The authorities that the system trusts; none on Windows, whose store is not asked.
    unsigned max_chain_depth = 8;  ///< Intermediate certificates between the peer's and the authority's.
};

/// Whether a server asks its clients for a certificate.
enum class TlsClientCertificate : std::uint8_t {
    none,      ///< Not asked for.
    optional,  ///< Asked for; verified if the client has one.
    required,  ///< Asked for; without one the handshake fails.
};

struct TlsServerOptions {
    // The first identity: the same members as in TlsIdentity, for the usual server that has one.
    TlsInput certificate{};
    TlsInput key{};
    TlsInput chain{};
    TlsInput pfx{};
    std::string password{};
    std::function<std::string()> password_callback{};

    /// More of them. A client is given the one that is made for the name it asks for (SNI, RFC 6066): a certificate
    /// with exactly that name, else one with a wildcard for it, else the first. Several with the same names but keys of
    /// different kinds (RSA and ECDSA) are one identity, from which the client's abilities choose.
    std::vector<TlsIdentity> more_identities{};

    TlsProtocolOptions protocol{};

    TlsClientCertificate client_certificate = TlsClientCertificate::none;
    TlsTrust client_trust{};  ///< The authorities of client certificates.

    /// PEM: parameters of the finite-field Diffie-Hellman exchange of TLS 1.2. Default: a standard group as strong as
    /// the key.
    TlsInput dh_parameters{};

    /// Resumption: a client that was here before is spared the asymmetric cryptography. Tickets keep nothing on the
    /// server; without them sessions are kept in a cache. A reload forgets both: it makes new keys.
    bool session_resumption = true;
    bool session_tickets = true;
    std::size_t session_cache_size = 20'480;
    std::chrono::seconds session_timeout{std::chrono::hours{2}};
};

/// What a client checks before it trusts a server.
enum class TlsVerification : std::uint8_t {
    full,           ///< The chain leads to a trusted authority and the certificate is for the name that was asked for.
    ignore_name,    ///< The chain only: any server with a certificate of a trusted authority can pose as this one.
    insecure_none,  ///< Nothing: whoever is on the way can read and change everything.
};

struct TlsClientOptions {
    TlsVerification verification = TlsVerification::full;

    /// The authorities that are trusted. If nothing is set in it, the system's are.
    TlsTrust trust{};

    /// The client's own certificate, for servers that ask for one.
    TlsIdentity identity{};

    TlsProtocolOptions protocol{};

    /// Keeps the last session of each server, up to this many, and offers it when connecting again. 0 for never.
    std::size_t session_cache_size = 1024;
};

/// What a server or client is given to encrypt its connections: certificates, keys, trust and rules, read once and
/// shared. A handle: copies name the same context, and servers and clients keep it alive. Any thread may call any
/// function.
class TlsContext {
public:
    /// No context: connections are not encrypted.
    TlsContext() = default;

    /// A context for servers or for clients. Mistakes (a missing file, a key that is not the certificate's, an unknown
    /// cipher) are kept in `status()`, which names the option and the value; a server or client with such a context
    /// does not start and gives that status.
    [[nodiscard]] static TlsContext server(TlsServerOptions options);
    [[nodiscard]] static TlsContext client(TlsClientOptions options = {});

    /// True if there is a context, usable or not.
    explicit operator bool() const noexcept { return core_ != nullptr; }

    /// Why it cannot be used; success if it can.
    [[nodiscard]] Status status() const;

    /// True if it was made by `server`.
    [[nodiscard]] bool is_server() const noexcept;

    /// Reads every file again. New handshakes use what was read, established connections go on with what they have. If
    /// anything is wrong, everything stays as it is and the status tells why.
    [[nodiscard]] Status reload();

    /// The same with other options.
    [[nodiscard]] Status reload(TlsServerOptions options);
    [[nodiscard]] Status reload(TlsClientOptions options);

    /// Internal: the library's own side of a context.
    class Core;
    [[nodiscard]] const std::shared_ptr<Core>& core() const noexcept { return core_; }

private:
    explicit TlsContext(std::shared_ptr<Core> core) : core_(std::move(core)) {}

    std::shared_ptr<Core> core_;
};

/// A certificate as the peer showed it.
struct TlsCertificate {
    std::string subject;  ///< As in "CN=client,O=Example" (RFC 2253).
    std::string issuer;
    std::string serial_number;       ///< Hexadecimal.
    std::vector<std::string> names;  ///< Subject alternative names: DNS names and IP addresses.
    std::string sha256_fingerprint;  ///< 64 hexadecimal digits.
    std::chrono::system_clock::time_point not_before;
    std::chrono::system_clock::time_point not_after;
    std::string pem;
};

/// What is known about a connection's encryption. Made anew by each call of `Connection::tls`.
struct TlsInfo {
    std::string version;      ///< "TLSv1.3".
    std::string cipher;       ///< "TLS_AES_256_GCM_SHA384".
    std::string alpn;         ///< The application protocol that was agreed on; empty if none was.
    std::string server_name;  ///< The name that the client asked for (SNI); empty if it did not.
    bool resumed = false;     ///< An earlier session was resumed.

    /// The certificate the peer showed; none if it showed none, or if the handshake failed before it was accepted.
    std::optional<TlsCertificate> peer_certificate;

    /// What came of checking it, in `certificate_category`; success if there was nothing to check. A client told not to
    /// verify is told here what would have been wrong.
    std::error_code verify_result;
};

/// Errors of OpenSSL: the value is OpenSSL's packed error code, the message is its reason.
[[nodiscard]] const std::error_category& tls_category() noexcept;

/// Errors of a certificate's check: the value is OpenSSL's X509_V_ERR number, as in "certificate has expired".
[[nodiscard]] const std::error_category& certificate_category() noexcept;

}  // namespace pollux
