// Two TLS sessions in memory, which hear from each other what the test lets through.
#pragma once

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/tls_session.h"
#include "tls_setup.h"
#include "unit/support.h"

namespace pollux::test {

enum class TlsRole : std::uint8_t { client, server };

inline std::string generated(const std::string& name) {
    return POLLUX_CERTIFICATES "/" + name;
}

/// Gives from the front of a string, and removes it there.
class TextInput final : public TlsSession::Input {
public:
    explicit TextInput(std::string& text) : text_(text) {}

    std::size_t on_wanted(MutableBytes bytes) override {
        const std::size_t count = std::min(bytes.size(), text_.size());
        std::memcpy(bytes.data(), text_.data(), count);
        text_.erase(0, count);
        return count;
    }
    [[nodiscard]] bool exhausted() const override { return text_.empty(); }

private:
    std::string& text_;
};

/// One end, with all that it says to the other.
class TlsEnd final : private TlsSession::Output {
public:
    using Step = TlsSession::Step;

    TlsEnd(SSL_CTX* context, TlsRole role) : session(make(context, role)) {}

    /// What it wants the other end to hear, and has it no more.
    std::string take() { return std::exchange(said_, {}); }

    /// Goes on with the handshake. What it takes of `input` is removed from there.
    Step shake(std::string& input) {
        TextInput source{input};
        return session.handshake(source, *this);
    }
    Step shake() {
        std::string nothing;
        return shake(nothing);
    }

    /// Decrypts all of it, and what the handshake took and left.
    Step hear(std::string& input) {
        TextInput source{input};
        std::vector<std::byte> memory(2 * TlsSession::max_record_bytes);
        for (;;) {
            const TlsSession::Decrypted result = session.decrypt(source, memory, *this);
            heard += as_text(Bytes{memory}.first(result.bytes));
            if (result.step != Step::wants_input || result.bytes == 0) return result.step;
        }
    }

    [[nodiscard]] bool say(std::string_view text) { return session.encrypt(as_bytes(text), *this); }
    void close() { session.close(*this); }
    void abandon_output() { said_.clear(); }

    /// For what the session itself has no use for.
    [[nodiscard]] SSL* native() const { return const_cast<SSL*>(session.native()); }

    TlsSession session;
    std::string heard;

private:
    static SslPointer make(SSL_CTX* context, TlsRole role) {
        SslPointer ssl{SSL_new(context)};
        role == TlsRole::client ? SSL_set_connect_state(ssl.get()) : SSL_set_accept_state(ssl.get());
        return ssl;
    }

    void on_encrypted(Bytes bytes) override { said_ += as_text(bytes); }

    std::string said_;
};

/// The contexts of both ends.
struct TlsContexts {
    explicit TlsContexts(TlsVersion version, bool with_client_certificate = false) {
        TlsServerOptions server_options{.certificate = generated("server-ecdsa.pem"),
                                        .key = generated("server-ecdsa.key")};
        server_options.protocol.min_version = server_options.protocol.max_version = version;
        TlsClientOptions client_options;
        client_options.trust.ca_file = generated("ca.pem");
        client_options.protocol = server_options.protocol;
        if (with_client_certificate) {
            server_options.client_certificate = TlsClientCertificate::required;
            server_options.client_trust.ca_file = generated("ca.pem");
            client_options.identity.certificate = generated("client-ecdsa.pem");
            client_options.identity.key = generated("client-ecdsa.key");
        }
        const Status server_status = make_server_context(server_options, server);
        const Status client_status = make_client_context(client_options, client);
        EXPECT_TRUE(server_status) << server_status;
        EXPECT_TRUE(client_status) << client_status;
    }

    SslContextPointer server;
    SslContextPointer client;
};

struct TlsEnds {
    explicit TlsEnds(const TlsContexts& contexts)
        : client(contexts.client.get(), TlsRole::client), server(contexts.server.get(), TlsRole::server) {}

    /// After the handshake.
    static TlsEnds talking(const TlsContexts& contexts) { return {contexts, true}; }

    TlsEnd client;
    TlsEnd server;
    bool client_done = false;
    bool server_done = false;

    /// One flight: from the client if `from_client`, in pieces that end at `cuts`. Whoever is done takes the rest as
    /// data. False if an end failed.
    [[nodiscard]] bool pass(bool from_client, std::string flight, std::size_t cut) {
        TlsEnd& to = from_client ? server : client;
        bool& done = from_client ? server_done : client_done;
        const std::array<std::string, 2> parts{flight.substr(0, cut), flight.substr(std::min(cut, flight.size()))};
        std::string unread;
        for (const std::string& part : parts) {
            unread += part;
            if (!done) {
                const TlsSession::Step step = to.shake(unread);
                if (step == TlsSession::Step::failed) return false;
                done = step == TlsSession::Step::done;
            }
            if (done && to.hear(unread) == TlsSession::Step::failed) return false;
        }
        return true;
    }

    /// The whole handshake, with one flight cut. Counts flights from 0, the client's and the server's in turn.
    /// Returns the size of the flight that was cut; 0 if there is none of that number.
    [[nodiscard]] std::size_t shake_hands(std::size_t cut_flight = ~std::size_t{0}, std::size_t cut = 0) {
        std::size_t size = 0;
        client_done = client.shake() == TlsSession::Step::done;
        for (std::size_t flight = 0; flight < 6; ++flight) {
            const bool from_client = flight % 2 == 0;
            const std::string wire = (from_client ? client : server).take();
            if (wire.empty()) break;
            if (flight == cut_flight) size = wire.size();
            if (!pass(from_client, wire, flight == cut_flight ? cut : wire.size())) break;
        }
        return size;
    }

    [[nodiscard]] bool done() const { return client_done && server_done; }

private:
    TlsEnds(const TlsContexts& contexts, bool /*talking*/) : TlsEnds(contexts) {
        (void)shake_hands();
        EXPECT_TRUE(done()) << client.session.error().message() << ", " << server.session.error().message();
    }
};

}  // namespace pollux::test
