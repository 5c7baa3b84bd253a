// OpenSSL between two memory BIOs.
#include "tls_peer.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace pollux::test {
namespace {

/// A peer that cannot be made is a mistake of the test or of the generated files.
void insist(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "TlsPeer: %s\n", what);
    ERR_print_errors_fp(stderr);
    std::abort();
}

int version_number(TlsVersion version) {
    return version == TlsVersion::tls1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

/// Each name behind its length, as it goes over the wire.
std::string encode_alpn(const std::vector<std::string>& names) {
    std::string encoded;
    for (const std::string& name : names) encoded += static_cast<char>(name.size()) + name;
    return encoded;
}

int select_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                unsigned offered_size, void* argument) {
    const auto& own = *static_cast<const std::string*>(argument);
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, chosen_size, unsigned_data(own), static_cast<unsigned>(own.size()), offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/// A line is "<label> <client random> <secret>", the last two in hexadecimal.
void keep_secret(const SSL* ssl, const char* line) {
    auto* lines = static_cast<std::vector<std::string>*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0));
    lines->emplace_back(line);
}

int accept_any_certificate(int /*verified*/, X509_STORE_CTX* /*context*/) {
    return 1;  // the test looks at verify_result()
}

std::shared_ptr<SSL_CTX> new_context(TlsRole role) {
    SSL_CTX* context = SSL_CTX_new(role == TlsRole::client ? TLS_client_method() : TLS_server_method());
    insist(context != nullptr, "no context");
    return {context, SSL_CTX_free};
}

}  // namespace

std::string certificate_file(std::string_view name) {
    return std::string{POLLUX_CERTIFICATES "/"} + std::string{name};
}

TlsPeerContext::TlsPeerContext(TlsRole role, const TlsPeerOptions& options)
    : role_(role),
      server_name_(options.server_name),
      alpn_(std::make_shared<const std::string>(encode_alpn(options.alpn))),
      secrets_(std::make_shared<std::vector<std::string>>()),
      context_(new_context(role)) {
    SSL_CTX* context = context_.get();
    SSL_CTX_set_min_proto_version(context, version_number(options.min_version));
    SSL_CTX_set_max_proto_version(context, version_number(options.max_version));
    if (!options.tickets) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context, 0);
    }
    insist(SSL_CTX_load_verify_locations(context, certificate_file("ca.pem").c_str(), nullptr) == 1, "no ca.pem");
    if (!options.suites.empty()) {
        insist(SSL_CTX_set_ciphersuites(context, options.suites.c_str()) == 1, "unknown suites");
    }
    if (!options.signatures.empty()) {
        insist(SSL_CTX_ctrl(context, SSL_CTRL_SET_SIGALGS_LIST, 0, const_cast<char*>(options.signatures.c_str())) == 1,
               "unknown signatures");
    }
    if (!options.identity.empty()) {
        const std::string certificate = certificate_file(options.identity + ".pem");
        insist(SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) == 1, certificate.c_str());
        // chained-full.pem belongs to chained.key.
        const std::string stem = options.identity.substr(0, options.identity.find("-full"));
        const std::string key = certificate_file(stem + ".key");
        insist(SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1, key.c_str());
    }
    if (options.ask_for_certificate || role == TlsRole::client) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any_certificate);
    }
    if (role == TlsRole::server) {
        const unsigned char id = 1;
        SSL_CTX_set_session_id_context(context, &id, 1);
    }
    if (options.keep_secrets) {
        SSL_CTX_set_ex_data(context, 0, secrets_.get());
        SSL_CTX_set_keylog_callback(context, keep_secret);
    }
    if (alpn_->empty()) return;
    if (role == TlsRole::client) {
        SSL_CTX_set_alpn_protos(context, unsigned_data(*alpn_), static_cast<unsigned>(alpn_->size()));
    } else {
        SSL_CTX_set_alpn_select_cb(context, select_alpn, const_cast<std::string*>(alpn_.get()));
    }
}

std::string TlsPeerContext::secret(std::string_view label) const {
    for (auto line = secrets_->rbegin(); line != secrets_->rend(); ++line) {
        if (!line->starts_with(std::string{label} + " ")) continue;
        long size = 0;
        unsigned char* bytes = OPENSSL_hexstr2buf(line->c_str() + line->rfind(' ') + 1, &size);
        insist(bytes != nullptr, "a secret that is not hexadecimal");
        std::string secret{reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
        OPENSSL_free(bytes);
        return secret;
    }
    return {};
}

bool deliver_whole(const RawSocket& socket, std::string_view bytes) {
    return socket.send(bytes);
}

bool deliver_bytewise(const RawSocket& socket, std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [&](const char& byte) { return socket.send({&byte, 1}); });
}

std::string in_order(std::initializer_list<std::string_view> records) {
    std::string wire;
    for (const std::string_view record : records) wire += record;
    return wire;
}

TlsPeer::TlsPeer(RawSocket socket, const TlsPeerContext& context)
    : socket_(std::move(socket)), locks_(std::make_unique<Locks>()) {
    // The connection refers to the context's list of protocols, so it keeps the whole of it.
    auto* ssl = SSL_new(context.get());
    insist(ssl != nullptr, "no connection");
    ssl_ = std::shared_ptr<SSL>{ssl, [context](SSL* last) { SSL_free(last); }};
    BIO* incoming = BIO_new(BIO_s_mem());
    BIO* outgoing = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(incoming, -1);
    SSL_set_bio(ssl, incoming, outgoing);
    if (context.role() == TlsRole::client) {
        SSL_set_connect_state(ssl);
        if (!context.server_name().empty()) {
            SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(context.server_name().c_str()));
        }
    } else {
        SSL_set_accept_state(ssl);
    }
}

TlsPeer::TlsPeer(RawSocket socket, TlsRole role, const TlsPeerOptions& options)
    : TlsPeer(std::move(socket), TlsPeerContext{role, options}) {}

TlsPeer TlsPeer::connect(const SocketAddress& to, const TlsPeerOptions& options) {
    return {RawSocket::connect(to), TlsRole::client, options};
}

void TlsPeer::offer(const std::shared_ptr<SSL_SESSION>& session) {
    insist(SSL_set_session(ssl_.get(), session.get()) == 1, "the session is refused");
}

bool TlsPeer::handshake(const Delivery& deliver) {
    for (;;) {
        const std::string flight = next_flight();
        const bool sent = flight.empty() || deliver(socket_, flight);
        if (failed()) return false;
        if (established()) return sent;
        // What could not be sent may have been answered all the same.
        if (!hear()) return false;
    }
}

std::string TlsPeer::next_flight() {
    const std::lock_guard lock{locks_->ssl};
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result != 1 && SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) note_failure();
    return take_output();
}

bool TlsPeer::hear() {
    errno = 0;
    const std::string bytes = socket_.receive_some(std::size_t{64} * 1024);
    if (bytes.empty()) {
        if (errno == 0) end_ = TlsEnd::truncated;
        if (errno != 0 && errno != EAGAIN) end_ = TlsEnd::reset;
        return false;
    }
    hear(bytes);
    return true;
}

void TlsPeer::hear(std::string_view bytes) {
    const std::lock_guard lock{locks_->ssl};
    const int written = BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    insist(written == static_cast<int>(bytes.size()), "no memory");
}

bool TlsPeer::established() const {
    const std::lock_guard lock{locks_->ssl};
    return SSL_is_init_finished(ssl_.get()) == 1;
}

std::string TlsPeer::seal(std::string_view plain) {
    const std::lock_guard lock{locks_->ssl};
    ERR_clear_error();
    std::size_t written = 0;
    if (!plain.empty() && SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written) != 1) note_failure();
    return take_output();
}

std::string TlsPeer::seal_close_notify() {
    const std::lock_guard lock{locks_->ssl};
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    return take_output();
}

std::string TlsPeer::seal_key_update(bool ask_for_another) {
    const std::lock_guard lock{locks_->ssl};
    ERR_clear_error();
    SSL_key_update(ssl_.get(), ask_for_another ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
    if (SSL_do_handshake(ssl_.get()) != 1) note_failure();
    return take_output();
}

std::string TlsPeer::seal_renegotiation() {
    const std::lock_guard lock{locks_->ssl};
    ERR_clear_error();
    SSL_renegotiate(ssl_.get());
    (void)SSL_do_handshake(ssl_.get());
    return take_output();
}

bool TlsPeer::send(std::string_view plain, const Delivery& deliver) {
    constexpr std::size_t most_at_once = std::size_t{64} * 1024;
    while (!plain.empty()) {
        const std::lock_guard sending{locks_->sending};
        const std::string wire = seal(plain.substr(0, most_at_once));
        if (failed() || !deliver(socket_, wire)) return false;
        plain.remove_prefix(std::min(plain.size(), most_at_once));
    }
    return true;
}

bool TlsPeer::finish_sending() {
    const std::lock_guard sending{locks_->sending};
    return socket_.send(seal_close_notify());
}

bool TlsPeer::shut_down() {
    const bool sent = finish_sending();
    const TlsEnd last = receive_rest().end;
    socket_.close();
    return sent && last == TlsEnd::close_notify;
}

std::string TlsPeer::receive(std::size_t size) {
    std::string bytes;
    while (bytes.size() < size) {
        const std::string more = receive_some(size - bytes.size());
        if (more.empty()) break;
        bytes += more;
    }
    return bytes;
}

std::string TlsPeer::receive_some(std::size_t size) {
    std::string bytes(size, '\0');
    for (;;) {
        {
            const std::lock_guard lock{locks_->ssl};
            ERR_clear_error();
            const int limit = static_cast<int>(std::min<std::size_t>(size, std::size_t{1} << 30));
            const int count = SSL_read(ssl_.get(), bytes.data(), limit);
            if (count > 0) {
                bytes.resize(static_cast<std::size_t>(count));
                return bytes;
            }
            const int error = SSL_get_error(ssl_.get(), count);
            if (error == SSL_ERROR_ZERO_RETURN) end_ = TlsEnd::close_notify;
            if (error != SSL_ERROR_ZERO_RETURN && error != SSL_ERROR_WANT_READ) note_failure();
            if (error != SSL_ERROR_WANT_READ) bytes.clear();
        }
        answer();
        if (bytes.empty() || !hear()) return {};
    }
}

TlsPeer::Rest TlsPeer::receive_rest() {
    Rest rest;
    for (;;) {
        const std::string more = receive_some(std::size_t{64} * 1024);
        if (more.empty()) break;
        rest.bytes += more;
    }
    rest.end = end_;
    return rest;
}

std::string TlsPeer::version() const {
    return SSL_get_version(ssl_.get());
}

std::string TlsPeer::alpn() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

bool TlsPeer::resumed() const {
    return SSL_session_reused(ssl_.get()) == 1;
}

std::string TlsPeer::peer_subject() const {
    X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr) return {};
    const std::unique_ptr<BIO, int (*)(BIO*)> out{BIO_new(BIO_s_mem()), BIO_free};
    X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string TlsPeer::peer_certificate_pem() const {
    X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr) return {};
    const std::unique_ptr<BIO, int (*)(BIO*)> out{BIO_new(BIO_s_mem()), BIO_free};
    PEM_write_bio_X509(out.get(), certificate);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

long TlsPeer::verify_result() const {
    return SSL_get_verify_result(ssl_.get());
}

std::shared_ptr<SSL_SESSION> TlsPeer::session() const {
    return {SSL_get1_session(ssl_.get()), SSL_SESSION_free};
}

std::string TlsPeer::take_output() {
    char* data = nullptr;
    BIO* outgoing = SSL_get_wbio(ssl_.get());
    const long size = BIO_get_mem_data(outgoing, &data);
    std::string bytes{data, static_cast<std::size_t>(size)};
    (void)BIO_reset(outgoing);
    return bytes;
}

void TlsPeer::note_failure() {
    end_ = TlsEnd::failed;
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    failure_ = reason != nullptr ? reason : "no reason";
}

/// Sends what receiving gave rise to: an alert, or the answer to a key update. If another thread sends just now, that
/// goes out with its next bytes.
void TlsPeer::answer() {
    const std::unique_lock sending{locks_->sending, std::try_to_lock};
    if (!sending.owns_lock()) return;
    std::string wire;
    {
        const std::lock_guard lock{locks_->ssl};
        wire = take_output();
    }
    if (!wire.empty()) (void)socket_.send(wire);
}

}  // namespace pollux::test
