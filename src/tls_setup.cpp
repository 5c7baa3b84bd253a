// Makes OpenSSL contexts from options.
#include "tls_setup.h"

#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "ascii.h"
#include "option_checks.h"
#include "proto/tls_error.h"
#include "tls_identity.h"

namespace pollux {

namespace {

/// Forward secrecy and AEAD only.
constexpr const char* default_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20";

constexpr std::string_view session_scope = "pollux";

constexpr std::size_t read_buffer_bytes = 64 * 1024;

/// What a server's first context leads to: the contexts of the other names, and the protocols it speaks. Owned by that
/// context, so it lives as long as any session made from it.
struct ServerTable {
    std::unordered_map<std::string, SSL_CTX*> by_name;  // a null context stands for the first; wildcards begin with '.'
    std::vector<SslContextPointer> contexts;
};

/// The protocols a context offers or chooses from, as TLS writes them; owned by the context.
using Protocols = std::vector<unsigned char>;

template <class T>
void free_extra(void* /*parent*/, void* pointer, CRYPTO_EX_DATA* /*data*/, int /*index*/, long /*number*/,
                void* /*argument*/) {
    delete static_cast<T*>(pointer);
}

template <class T>
int extra_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_extra<T>);
    return index;
}

/// Makes the context the owner of an object and returns it.
template <class T>
T& attach(SSL_CTX* context, std::unique_ptr<T> object) {
    T& reference = *object;
    if (SSL_CTX_set_ex_data(context, extra_index<T>(), object.get()) == 1) static_cast<void>(object.release());
    return reference;
}

Status bad_value(const std::string& option, const std::string& value) {
    return tls_failure(option, value);
}

// Protocol.

int version_number(TlsVersion version) {
    return version == TlsVersion::tls1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

Status encode_protocols(const TlsProtocolOptions& options, const std::string& prefix, Protocols& out) {
    for (const std::string& name : options.alpn) {
        if (name.empty() || name.size() > 255) {
            return bad_option(prefix + "alpn has a name of " + std::to_string(name.size()) + " bytes, not of 1 to 255");
        }
        out.push_back(static_cast<unsigned char>(name.size()));
        out.insert(out.end(), name.begin(), name.end());
    }
    if (out.size() > std::numeric_limits<std::uint16_t>::max()) return bad_option(prefix + "alpn is too long");
    return {};
}

int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void* argument) {
    const auto& own = *static_cast<const Protocols*>(argument);
    unsigned char* found = nullptr;
    const int outcome = SSL_select_next_proto(&found, chosen_size, own.data(), static_cast<unsigned int>(own.size()),
                                              offered, offered_size);
    *chosen = found;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Status apply_protocol(SSL_CTX* context, const TlsProtocolOptions& options, bool server) {
    const std::string prefix = "TlsProtocolOptions::";
    if (options.min_version > options.max_version) {
        return bad_option(prefix + "min_version is above " + prefix + "max_version");
    }
    SSL_CTX_set_min_proto_version(context, version_number(options.min_version));
    SSL_CTX_set_max_proto_version(context, version_number(options.max_version));
    const char* ciphers = options.ciphers.empty() ? default_ciphers : options.ciphers.c_str();
    if (SSL_CTX_set_cipher_list(context, ciphers) != 1) return bad_value(prefix + "ciphers", ciphers);
    if (!options.cipher_suites.empty() && SSL_CTX_set_ciphersuites(context, options.cipher_suites.c_str()) != 1) {
        return bad_value(prefix + "cipher_suites", options.cipher_suites);
    }
    std::string groups = options.groups;  // OpenSSL's macro takes it as writable
    if (!groups.empty() && SSL_CTX_set1_groups_list(context, groups.data()) != 1) {
        return bad_value(prefix + "groups", options.groups);
    }
    if (options.alpn.empty()) return {};
    auto encoded = std::make_unique<Protocols>();
    if (Status status = encode_protocols(options, prefix, *encoded); !status) return status;
    const Protocols& protocols = attach(context, std::move(encoded));
    if (server) {
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, const_cast<Protocols*>(&protocols));
    } else if (SSL_CTX_set_alpn_protos(context, protocols.data(), static_cast<unsigned int>(protocols.size())) != 0) {
        return bad_value(prefix + "alpn", options.alpn.front());
    }
    return {};
}

SslContextPointer make_context(const SSL_METHOD* method) {
    SslContextPointer context{SSL_CTX_new(method)};
    if (context == nullptr) return nullptr;
    SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    // One receive brings several records, straight into the buffer where OpenSSL decrypts them.
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_default_read_buffer_len(context.get(), read_buffer_bytes);
    return context;
}

// Trust.

Status add_authorities(SSL_CTX* context, const TlsInput& input, const std::string& option, bool server) {
    std::string text;
    if (Status status = read_tls_input(input, option, text); !status) return status;
    const BioPointer bio = open_memory(text);
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    std::size_t count = 0;
    while (const X509Pointer certificate{PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)}) {
        if (X509_STORE_add_cert(store, certificate.get()) != 1) return tls_failure(option, input);
        // Tell clients which authorities are meant, so that they can choose among their certificates.
        if (server && SSL_CTX_add_client_CA(context, certificate.get()) != 1) return tls_failure(option, input);
        ++count;
    }
    if (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) return tls_failure(option, input);
    ERR_clear_error();
    return {};
}

bool is_empty(const TlsTrust& trust) {
    return trust.ca_file.empty() && trust.ca_directory.empty() && !trust.system_store;
}

Status apply_trust(SSL_CTX* context, const TlsTrust& trust, const std::string& prefix, bool server) {
    SSL_CTX_set_verify_depth(context, static_cast<int>(trust.max_chain_depth));
    if (!trust.ca_file.empty()) {
        if (Status status = add_authorities(context, trust.ca_file, prefix + "ca_file", server); !status) return status;
    }
    std::error_code error;
    if (!trust.ca_directory.empty() && !std::filesystem::is_directory(trust.ca_directory, error)) {
        return {error ? error : std::make_error_code(std::errc::not_a_directory),
                prefix + "ca_directory is " + trust.ca_directory};
    }
    if (!trust.ca_directory.empty() && SSL_CTX_load_verify_dir(context, trust.ca_directory.c_str()) != 1) {
        return bad_value(prefix + "ca_directory", trust.ca_directory);
    }
    if (trust.system_store && SSL_CTX_set_default_verify_paths(context) != 1) {
        return bad_value(prefix + "system_store", "true");
    }
    return {};
}

// Identity.

Status use_identity(SSL_CTX* context, const LoadedIdentity& identity, const std::string& option,
                    const TlsIdentity& source) {
    if (SSL_CTX_use_cert_and_key(context, identity.certificate.get(), identity.key.get(), identity.chain.get(), 1) ==
        1) {
        return {};
    }
    const TlsInput& input = source.pfx.empty() ? source.certificate : source.pfx;
    return tls_failure(option + (source.pfx.empty() ? "certificate" : "pfx"), input);
}

// Servers.

Status apply_dh(SSL_CTX* context, const TlsInput& input) {
    if (input.empty()) {
        SSL_CTX_set_dh_auto(context, 1);
        return {};
    }
    const std::string option = "TlsServerOptions::dh_parameters";
    std::string text;
    if (Status status = read_tls_input(input, option, text); !status) return status;
    KeyPointer parameters{PEM_read_bio_Parameters(open_memory(text).get(), nullptr)};
    if (parameters != nullptr && EVP_PKEY_is_a(parameters.get(), "DH") != 1) {
        return bad_option(describe_input(option, input) + ", which has parameters of another algorithm");
    }
    if (parameters == nullptr || SSL_CTX_set0_tmp_dh_pkey(context, parameters.get()) != 1) {
        return tls_failure(option, input);
    }
    static_cast<void>(parameters.release());
    return {};
}

Status apply_client_certificates(SSL_CTX* context, const TlsServerOptions& options) {
    if (options.client_certificate == TlsClientCertificate::none) return {};
    if (is_empty(options.client_trust)) {
        return bad_option("TlsServerOptions::client_certificate is set and client_trust is not: nobody is trusted");
    }
    if (Status status = apply_trust(context, options.client_trust, "TlsServerOptions::client_trust.", true); !status) {
        return status;
    }
    const bool required = options.client_certificate == TlsClientCertificate::required;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
    return {};
}

void apply_resumption(SSL_CTX* context, const TlsServerOptions& options) {
    if (!options.session_resumption) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context, 0);
        return;
    }
    // For OpenSSL a size of 0 would be no bound.
    SSL_CTX_set_session_cache_mode(context,
                                   options.session_cache_size == 0 ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(context, static_cast<long>(options.session_cache_size));
    SSL_CTX_set_timeout(context, static_cast<long>(options.session_timeout.count()));
    // A session with a client certificate is resumed only in the scope that verified it.
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(session_scope.data()),
                                   static_cast<unsigned int>(session_scope.size()));
    if (!options.session_tickets) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
}

/// A server's context with everything but its identity.
Status make_bare_server_context(const TlsServerOptions& options, SslContextPointer& out) {
    out = make_context(TLS_server_method());
    if (out == nullptr) return {take_tls_error(), "cannot make a TLS context"};
    if (Status status = apply_protocol(out.get(), options.protocol, true); !status) return status;
    if (Status status = apply_dh(out.get(), options.dh_parameters); !status) return status;
    if (Status status = apply_client_certificates(out.get(), options); !status) return status;
    apply_resumption(out.get(), options);
    return {};
}

SSL_CTX* find_context(const ServerTable& table, std::string_view server_name, bool& found) {
    const std::string name = to_lower(server_name);
    auto entry = name.starts_with('.') ? table.by_name.end() : table.by_name.find(name);
    // A wildcard stands for exactly one label (RFC 6125, 6.4.3).
    if (entry == table.by_name.end()) {
        const std::size_t dot = name.find('.');
        if (dot != std::string::npos && dot != 0) entry = table.by_name.find(name.substr(dot));
    }
    found = entry != table.by_name.end();
    return found ? entry->second : nullptr;
}

int choose_identity(SSL* ssl, int* /*alert*/, void* argument) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    bool found = false;
    SSL_CTX* context = find_context(*static_cast<const ServerTable*>(argument), name, found);
    if (context != nullptr) SSL_set_SSL_CTX(ssl, context);
    return found ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/// An identity's context while a server's are made. The first is the server's own.
struct Placed {
    std::vector<std::string> names;
    int key_type;
    SSL_CTX* context;
};

/// Certificates for the same names with keys of different kinds share a context, so that OpenSSL chooses.
SSL_CTX* find_companion(const std::vector<Placed>& placed, const std::vector<std::string>& names, int key_type) {
    SSL_CTX* companion = nullptr;
    for (const Placed& other : placed) {
        if (other.names != names) continue;
        if (other.key_type == key_type) return nullptr;
        companion = other.context;
    }
    return companion;
}

TlsIdentity first_identity(const TlsServerOptions& options) {
    return {.certificate = options.certificate,
            .key = options.key,
            .chain = options.chain,
            .pfx = options.pfx,
            .password = options.password,
            .password_callback = options.password_callback};
}

Status add_identity(const TlsServerOptions& options, const TlsIdentity& identity, const std::string& prefix,
                    SSL_CTX* first, std::vector<Placed>& placed, ServerTable& table) {
    LoadedIdentity loaded;
    if (Status status = load_identity(identity, prefix, loaded); !status) return status;
    std::vector<std::string> names = dns_names(loaded.certificate.get());
    const int key_type = EVP_PKEY_get_base_id(loaded.key.get());
    SSL_CTX* context = placed.empty() ? first : find_companion(placed, names, key_type);
    if (context == nullptr) {
        SslContextPointer made;
        if (Status status = make_bare_server_context(options, made); !status) return status;
        context = table.contexts.emplace_back(std::move(made)).get();
    }
    if (Status status = use_identity(context, loaded, prefix, identity); !status) return status;
    for (const std::string& name : names) {
        // "*.example.com" is found by ".example.com". Who came first keeps the name.
        table.by_name.emplace(name.starts_with("*.") ? name.substr(1) : name, context == first ? nullptr : context);
    }
    placed.push_back({std::move(names), key_type, context});
    return {};
}

}  // namespace

Status make_server_context(const TlsServerOptions& options, SslContextPointer& out) {
    ERR_clear_error();
    SslContextPointer context;
    if (Status status = make_bare_server_context(options, context); !status) return status;
    const TlsIdentity first = first_identity(options);
    ServerTable& table = attach(context.get(), std::make_unique<ServerTable>());
    std::vector<Placed> placed;
    if (Status status = add_identity(options, first, "TlsServerOptions::", context.get(), placed, table); !status) {
        return status;
    }
    for (std::size_t i = 0; i < options.more_identities.size(); ++i) {
        const std::string prefix = "TlsServerOptions::more_identities[" + std::to_string(i) + "].";
        Status status = add_identity(options, options.more_identities[i], prefix, context.get(), placed, table);
        if (!status) return status;
    }
    // What the macro SSL_CTX_set_tlsext_servername_callback does, without its C cast.
    SSL_CTX_callback_ctrl(context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(choose_identity));
    SSL_CTX_set_tlsext_servername_arg(context.get(), &table);
    out = std::move(context);
    return {};
}

Status make_client_context(const TlsClientOptions& options, SslContextPointer& out) {
    ERR_clear_error();
    SslContextPointer context = make_context(TLS_client_method());
    if (context == nullptr) return {take_tls_error(), "cannot make a TLS context"};
    if (Status status = apply_protocol(context.get(), options.protocol, false); !status) return status;
    if (options.verification != TlsVerification::insecure_none) {
        TlsTrust trust = options.trust;
        if (is_empty(trust)) trust.system_store = true;
        if (Status status = apply_trust(context.get(), trust, "TlsClientOptions::trust.", false); !status)
            return status;
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    }
    const TlsIdentity& identity = options.identity;
    if (!identity.certificate.empty() || !identity.key.empty() || !identity.chain.empty() || !identity.pfx.empty()) {
        const std::string prefix = "TlsClientOptions::identity.";
        LoadedIdentity loaded;
        if (Status status = load_identity(identity, prefix, loaded); !status) return status;
        if (Status status = use_identity(context.get(), loaded, prefix, identity); !status) return status;
    }
    // OpenSSL's own cache does not know servers by name: TlsSessionCache does.
    SSL_CTX_set_session_cache_mode(context.get(), options.session_cache_size == 0
                                                      ? SSL_SESS_CACHE_OFF
                                                      : SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    out = std::move(context);
    return {};
}

}  // namespace pollux
