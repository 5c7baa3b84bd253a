// Fuzzes a TLS session's input before, in and after the handshake: garbage never makes it agree, never makes plaintext
// out of what was not encrypted for it, and never leads it to memory that is not its own.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/support.h"
#include "proto/tls_session.h"

namespace {

using pollux::Bytes;
using pollux::MutableBytes;
using pollux::TlsSession;
using pollux::test::Choices;
using pollux::test::insist;
using Step = TlsSession::Step;

/// A certificate for a key that lives as long as the process.
void use_new_identity(SSL_CTX* context) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    insist(SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

SSL_CTX* context_of(bool server) {
    static SSL_CTX* const contexts[] = {SSL_CTX_new(TLS_client_method()), [] {
                                            SSL_CTX* made = SSL_CTX_new(TLS_server_method());
                                            use_new_identity(made);
                                            SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION);
                                            return made;
                                        }()};
    return contexts[server ? 1 : 0];
}

/// One end, with what it says kept for the other.
class End final : private TlsSession::Input, private TlsSession::Output {
public:
    End(bool server, int version) : session_(make(server, version)) {}

    std::string take() { return std::exchange(said_, {}); }

    void hear(std::string_view input) {
        unread_ += input;
        if (step_ == Step::wants_input) shake();
        if (step_ == Step::done) decrypt();
    }

    void begin() { shake(); }

    /// True if the handshake is done and nothing went wrong since.
    [[nodiscard]] bool open() const { return step_ == Step::done; }
    [[nodiscard]] const std::string& heard() const { return heard_; }

    bool say(std::string_view text) { return session_.encrypt(pollux::as_bytes(text), *this); }
    void release() { session_.release_buffers(); }
    void close() { session_.close(*this); }

private:
    static pollux::SslPointer make(bool server, int version) {
        pollux::SslPointer ssl{SSL_new(context_of(server))};
        SSL_set_max_proto_version(ssl.get(), version);
        server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
        return ssl;
    }

    void on_encrypted(Bytes bytes) override { said_ += pollux::as_text(bytes); }

    std::size_t on_wanted(MutableBytes bytes) override {
        const std::size_t count = std::min(bytes.size(), unread_.size());
        std::memcpy(bytes.data(), unread_.data(), count);
        unread_.erase(0, count);
        return count;
    }
    [[nodiscard]] bool exhausted() const override { return unread_.empty(); }

    void shake() {
        step_ = session_.handshake(*this, *this);
        insist(step_ != Step::wants_input || unread_.empty());
        insist((step_ == Step::failed) == static_cast<bool>(session_.error()));
    }

    /// Into memory of exactly the size that is told, so that a sanitizer sees a step beyond it.
    void decrypt() {
        for (;;) {
            std::vector<std::byte> memory(TlsSession::max_record_bytes);
            const TlsSession::Decrypted result = session_.decrypt(*this, memory, *this);
            insist(result.bytes <= memory.size());
            heard_ += pollux::as_text(Bytes{memory}.first(result.bytes));
            if (result.step != Step::wants_input) step_ = result.step;
            if (result.step != Step::wants_input || result.bytes == 0) return;
        }
    }

    TlsSession session_;
    Step step_ = Step::wants_input;
    std::string said_;
    std::string unread_;
    std::string heard_;
};

/// Gives `bytes` to an end in pieces of a size.
void deliver(End& to, std::string_view bytes, std::size_t piece) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) to.hear(bytes.substr(0, piece));
}

/// Changes as many bytes as there are changes for: two bytes of position, one of difference.
std::string changed(std::string wire, std::string_view changes) {
    for (; changes.size() >= 3 && !wire.empty(); changes.remove_prefix(3)) {
        const std::size_t high = static_cast<std::uint8_t>(changes[0]);
        const std::size_t low = static_cast<std::uint8_t>(changes[1]);
        char& target = wire[(high << 8 | low) % wire.size()];
        target = static_cast<char>(target ^ changes[2]);
    }
    return wire;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{pollux::test::text_of(data, size)};
    const std::uint8_t mode = choices.byte();
    const std::size_t piece = std::size_t{1} + choices.byte() * std::size_t{8};
    const int version = (mode & 1) != 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    const bool attack_server = (mode & 2) != 0;
    const bool change = (mode & 4) != 0;  // what the peer says is changed, else it is replaced
    const std::size_t stage = mode >> 3 & 7U;

    End client{false, version};
    End server{true, version};
    client.begin();
    End& victim = attack_server ? server : client;
    End& peer = attack_server ? client : server;

    // So many flights come through as they are.
    for (std::size_t flight = 0; flight < stage; ++flight) {
        server.hear(client.take());
        client.hear(server.take());
    }
    const bool was_open = victim.open();
    if (was_open && peer.open()) (void)peer.say("something that was encrypted");
    const std::string wire = change ? changed(peer.take(), choices.rest()) : std::string{choices.rest()};
    deliver(victim, wire, piece);
    if ((mode & 64) != 0) victim.release();
    deliver(victim, wire, piece);

    // Only what was encrypted may be heard, whole and once.
    if (was_open) insist(victim.heard().empty() || victim.heard() == "something that was encrypted");
    if (!change && stage == 0) insist(!victim.open());
    (void)victim.say("is anybody there?");
    victim.close();
    return 0;
}
