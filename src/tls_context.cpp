// TLS contexts.
#include <pollux/tls.h>

#include <utility>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "option_checks.h"
#include "proto/tls_error.h"
#include "tls_context_core.h"

namespace pollux {

// The session cache.

void TlsSessionCache::begin(std::size_t capacity) {
    const std::lock_guard lock{mutex_};
    ++generation_;
    capacity_ = capacity;
    sessions_.clear();
}

std::uint64_t TlsSessionCache::generation() const {
    const std::lock_guard lock{mutex_};
    return generation_;
}

void TlsSessionCache::put(const std::string& server, std::uint64_t generation, SslSessionPointer session) {
    const std::lock_guard lock{mutex_};
    if (capacity_ == 0 || generation != generation_) return;
    if (sessions_.size() >= capacity_ && !sessions_.contains(server)) sessions_.erase(sessions_.begin());
    sessions_[server] = std::move(session);
}

SslSessionPointer TlsSessionCache::get(const std::string& server, std::uint64_t generation) {
    const std::lock_guard lock{mutex_};
    const auto entry = sessions_.find(server);
    if (entry == sessions_.end() || generation != generation_) return nullptr;
    SSL_SESSION_up_ref(entry->second.get());
    return SslSessionPointer{entry->second.get()};
}

// The core.

namespace {

/// What a session of a client leads back to, as its application data.
struct ClientLink {
    TlsSessionCache* cache;
    std::uint64_t generation;  // of the cache, when it connected
    const TlsServerName* server;
};

int client_link_index() {
    static const int index = SSL_get_ex_new_index(
        0, nullptr, nullptr, nullptr,
        [](void*, void* pointer, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<ClientLink*>(pointer); });
    return index;
}

}  // namespace

TlsContext::Core::Core(Options options) : is_server_(std::holds_alternative<TlsServerOptions>(options)) {
    status_ = set_up(std::move(options), false);
}

Status TlsContext::Core::set_up(Options options, bool keep_on_failure) {
    SslContextPointer context;
    Status status;
    if (const auto* server = std::get_if<TlsServerOptions>(&options)) {
        status = make_server_context(*server, context);
    } else {
        const auto& client = std::get<TlsClientOptions>(options);
        status = make_client_context(client, context);
        if (context != nullptr) SSL_CTX_sess_set_new_cb(context.get(), on_new_session);
    }
    if (!status && keep_on_failure) return status;
    const std::lock_guard lock{mutex_};
    // What was verified by the old rules is not resumed under the new ones.
    if (const auto* client = std::get_if<TlsClientOptions>(&options)) sessions_.begin(client->session_cache_size);
    options_ = std::move(options);
    context_ = std::move(context);
    status_ = status;
    return status;
}

Status TlsContext::Core::status() const {
    const std::lock_guard lock{mutex_};
    return status_;
}

Status TlsContext::Core::reload() {
    Options options;
    {
        const std::lock_guard lock{mutex_};
        options = options_;
    }
    return reload(std::move(options));
}

Status TlsContext::Core::reload(Options options) {
    if (std::holds_alternative<TlsServerOptions>(options) != is_server_) {
        return bad_option(is_server_ ? "a server's TlsContext was given a client's options"
                                     : "a client's TlsContext was given a server's options");
    }
    return set_up(std::move(options), true);
}

TlsVerification TlsContext::Core::verification() const {
    const std::lock_guard lock{mutex_};
    const auto* client = std::get_if<TlsClientOptions>(&options_);
    return client != nullptr ? client->verification : TlsVerification::insecure_none;
}

SslPointer TlsContext::Core::accept() const {
    const std::lock_guard lock{mutex_};
    if (context_ == nullptr) return nullptr;
    SslPointer ssl{SSL_new(context_.get())};
    if (ssl != nullptr) SSL_set_accept_state(ssl.get());
    return ssl;
}

namespace {

/// Asks for a server by its name, and accepts no other's certificate. False if the name cannot be one.
bool set_server_name(SSL* ssl, const TlsServerName& server, bool verifies_name) {
    X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
    if (server.is_address) return !verifies_name || X509_VERIFY_PARAM_set1_ip_asc(rules, server.name.c_str()) == 1;
    // What the macro SSL_set_tlsext_host_name does, without its C cast.
    if (SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(server.name.c_str())) != 1) {
        return false;
    }
    // The subject's common name is no name of a host (RFC 9525, 2).
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return !verifies_name || X509_VERIFY_PARAM_set1_host(rules, server.name.data(), server.name.size()) == 1;
}

}  // namespace

SslPointer TlsContext::Core::connect(const TlsServerName& server) {
    SslPointer ssl;
    auto link = std::make_unique<ClientLink>();
    bool verifies_name = false;
    {
        const std::lock_guard lock{mutex_};
        if (context_ == nullptr) return nullptr;
        ssl.reset(SSL_new(context_.get()));
        verifies_name = std::get<TlsClientOptions>(options_).verification == TlsVerification::full;
        *link = {&sessions_, sessions_.generation(), &server};
    }
    if (ssl == nullptr) return nullptr;
    SSL_set_connect_state(ssl.get());
    // A reload may ask for a verification that the client was not started with.
    if (server.name.empty() ? verifies_name : !set_server_name(ssl.get(), server, verifies_name)) return nullptr;
    if (const SslSessionPointer session = sessions_.get(server.cache, link->generation)) {
        SSL_set_session(ssl.get(), session.get());
    }
    if (SSL_set_ex_data(ssl.get(), client_link_index(), link.get()) == 1) static_cast<void>(link.release());
    return ssl;
}

/// OpenSSL tells of a session that could be resumed. Returning 1 keeps the reference.
int TlsContext::Core::on_new_session(SSL* ssl, SSL_SESSION* session) {
    const auto* link = static_cast<const ClientLink*>(SSL_get_ex_data(ssl, client_link_index()));
    if (link == nullptr || SSL_SESSION_is_resumable(session) == 0) return 0;
    link->cache->put(link->server->cache, link->generation, SslSessionPointer{session});
    return 1;
}

// The public face.

TlsContext TlsContext::server(TlsServerOptions options) {
    return TlsContext{std::make_shared<Core>(std::move(options))};
}

TlsContext TlsContext::client(TlsClientOptions options) {
    return TlsContext{std::make_shared<Core>(std::move(options))};
}

Status TlsContext::status() const {
    return core_ != nullptr ? core_->status() : bad_option("the TlsContext is empty");
}

bool TlsContext::is_server() const noexcept {
    return core_ != nullptr && core_->is_server();
}

Status TlsContext::reload() {
    return core_ != nullptr ? core_->reload() : status();
}

Status TlsContext::reload(TlsServerOptions options) {
    return core_ != nullptr ? core_->reload(std::move(options)) : status();
}

Status TlsContext::reload(TlsClientOptions options) {
    return core_ != nullptr ? core_->reload(std::move(options)) : status();
}

}  // namespace pollux
