// Whose certificates are accepted: a server's by clients, and a client's by servers.
#include <algorithm>

#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsVerifyTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsVerifyTest, everywhere, setting_name);

/// What a client of Pollux makes of a server's certificate. Success means that it was opened.
struct Attempt {
    std::string identity;
    std::string server_name = "localhost";
    TlsVerification verification = TlsVerification::full;
    std::string ca = "ca.pem";
    TlsVersion version = TlsVersion::tls1_3;
};

class VerifyingClient {
public:
    VerifyingClient(Engine& engine, Transport transport, const Attempt& attempt) : listener_(transport) {
        TlsClientOptions tls = client_options();
        tls.trust.ca_file = certificate_file(attempt.ca);
        tls.verification = attempt.verification;
        ClientOptions options = secure_client_of(listener_.address(), TlsContext::client(std::move(tls)));
        options.server_name = attempt.server_name;
        client_ = std::make_unique<Client<Recording>>(engine, std::move(options), std::ref(record_));
        const Status status = client_->start();
        EXPECT_TRUE(status) << status;
        TlsPeerOptions peer_options = only(attempt.version);
        peer_options.identity = attempt.identity;
        peer_ = {listener_.accept(), TlsRole::server, peer_options};
        (void)peer_.handshake();
    }

    /// The error that it failed with; none if the connection was opened.
    [[nodiscard]] std::error_code outcome() {
        EXPECT_TRUE(record_.wait_until([](const auto& now) { return now.opens + now.connect_errors.size() != 0; }));
        const Recorder::Seen now = record_.seen();
        EXPECT_EQ(now.opens + now.connect_errors.size(), 1u);
        return now.connect_errors.empty() ? std::error_code{} : now.connect_errors[0].error;
    }

    /// What the server is told.
    [[nodiscard]] TlsPeer& peer() { return peer_; }

private:
    Recorder record_;
    RawListener listener_;
    std::unique_ptr<Client<Recording>> client_;
    TlsPeer peer_;
};

/// Refused, with one of these X509_V_ERR numbers.
void expect_refused(std::error_code error, std::initializer_list<int> reasons) {
    EXPECT_EQ(error.category(), certificate_category()) << error.message();
    EXPECT_NE(std::find(reasons.begin(), reasons.end(), error.value()), reasons.end())
        << error.value() << ": " << error.message();
}

TEST_P(TlsVerifyTest, a_good_certificate) {
    for (const TlsVersion version : both_versions) {
        for (const char* identity : {"server", "server-ecdsa", "chained-full"}) {
            for (const char* name : {"localhost", "127.0.0.1", "::1"}) {
                VerifyingClient client{
                    engine, transport(), {.identity = identity, .server_name = name, .version = version}};
                EXPECT_FALSE(client.outcome()) << identity << " for " << name << ": " << client.outcome().message();
            }
        }
    }
}

TEST_P(TlsVerifyTest, bad_certificates) {
    for (const TlsVersion version : both_versions) {
        const auto outcome = [&](const char* identity) {
            return VerifyingClient{engine, transport(), {.identity = identity, .version = version}}.outcome();
        };
        expect_refused(outcome("expired"), {X509_V_ERR_CERT_HAS_EXPIRED});
        expect_refused(outcome("self-signed"), {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT});
        expect_refused(outcome("untrusted"),
                       {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE});
        expect_refused(outcome("wrong-name"), {X509_V_ERR_HOSTNAME_MISMATCH});
        // Without its intermediate certificate nothing leads to the authority.
        expect_refused(outcome("chained"),
                       {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE});
    }
}

TEST_P(TlsVerifyTest, names) {
    const auto outcome = [&](const char* identity, const char* name) {
        return VerifyingClient{engine, transport(), {.identity = identity, .server_name = name}}.outcome();
    };
    EXPECT_FALSE(outcome("exact", "www.example.test"));
    EXPECT_FALSE(outcome("exact", "WWW.Example.TEST"));
    EXPECT_FALSE(outcome("wildcard", "www.example.test"));
    EXPECT_FALSE(outcome("wildcard", "mail.example.test"));
    expect_refused(outcome("exact", "mail.example.test"), {X509_V_ERR_HOSTNAME_MISMATCH});
    expect_refused(outcome("exact", "example.test"), {X509_V_ERR_HOSTNAME_MISMATCH});
    expect_refused(outcome("wildcard", "example.test"), {X509_V_ERR_HOSTNAME_MISMATCH});
    expect_refused(outcome("wildcard", "a.b.example.test"), {X509_V_ERR_HOSTNAME_MISMATCH});
    expect_refused(outcome("wildcard", "www.example.test.evil.test"), {X509_V_ERR_HOSTNAME_MISMATCH});
    expect_refused(outcome("server-ecdsa", "127.0.0.2"), {X509_V_ERR_IP_ADDRESS_MISMATCH});
    expect_refused(outcome("server-ecdsa", "::2"), {X509_V_ERR_IP_ADDRESS_MISMATCH});
    expect_refused(outcome("wrong-name", "127.0.0.1"), {X509_V_ERR_IP_ADDRESS_MISMATCH});
}

TEST_P(TlsVerifyTest, the_name_is_the_endpoints_host) {
    if (!tcp()) GTEST_SKIP() << "a Unix endpoint has no host";
    auto server = serve_tls();
    const std::string port = std::to_string(server->port());
    for (const char* host : {"localhost", "127.0.0.1"}) {
        Recorder record;
        Client<Recording> client{
            engine, {.endpoint = "tcp://" + (host + (":" + port)), .tls = client_context()}, std::ref(record)};
        ASSERT_TRUE(client.start());
        EXPECT_TRUE(record.wait_for_opens(1)) << host;
    }
    auto elsewhere = serve_tls({}, {.tls = TlsContext::server(server_options("exact"))});
    auto client = connect_client(secure_client_of(elsewhere->address()));
    expect_refused(connect_error(), {X509_V_ERR_IP_ADDRESS_MISMATCH});
}

TEST_P(TlsVerifyTest, ignore_name_still_wants_a_chain) {
    const auto outcome = [&](const char* identity) {
        return VerifyingClient{
            engine, transport(), {.identity = identity, .verification = TlsVerification::ignore_name}}
            .outcome();
    };
    EXPECT_FALSE(outcome("wrong-name"));
    EXPECT_FALSE(outcome("server-ecdsa"));
    expect_refused(outcome("expired"), {X509_V_ERR_CERT_HAS_EXPIRED});
    expect_refused(outcome("self-signed"), {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT});
}

TEST_P(TlsVerifyTest, insecure_none_takes_anything) {
    for (const TlsVersion version : both_versions) {
        for (const char* identity : {"server-ecdsa", "wrong-name", "expired", "self-signed", "untrusted", "chained"}) {
            VerifyingClient client{
                engine,
                transport(),
                {.identity = identity, .verification = TlsVerification::insecure_none, .version = version}};
            EXPECT_FALSE(client.outcome()) << identity << ": " << client.outcome().message();
        }
    }
}

TEST_P(TlsVerifyTest, another_authority) {
    const auto outcome = [&](const char* identity) {
        return VerifyingClient{engine, transport(), {.identity = identity, .ca = "untrusted-ca.pem"}}.outcome();
    };
    EXPECT_FALSE(outcome("untrusted"));
    EXPECT_TRUE(outcome("server-ecdsa"));
}

TEST_P(TlsVerifyTest, the_server_hears_that_it_was_refused) {
    auto server = serve_tls({}, {.tls = TlsContext::server(server_options("wrong-name"))});
    ClientOptions options = secure_client_of(server->address());
    options.server_name = "localhost";
    auto client = connect_client(std::move(options));
    expect_refused(connect_error(), {X509_V_ERR_HOSTNAME_MISMATCH});
    const HandshakeError failure = handshake_error();
    EXPECT_EQ(failure.reason, CloseReason::tls_error);
    EXPECT_EQ(failure.error.category(), tls_category());
    EXPECT_NE(failure.error.message().find("alert"), std::string::npos) << failure.error.message();
}

/// A server that asks for certificates, and what came of a client with one or without.
class AskingServer {
public:
    AskingServer(Engine& engine, Transport transport, TlsClientCertificate ask) {
        TlsServerOptions tls = server_options();
        tls.client_certificate = ask;
        tls.client_trust.ca_file = certificate_file("ca.pem");
        const auto note = [this](Connection& connection) {
            const std::optional<TlsInfo> info = connection.tls();
            const bool shown = info && info->peer_certificate;
            record_.change([&](auto&) { subject_ = shown ? info->peer_certificate->subject : "nobody"; });
        };
        server_ = std::make_unique<Server<Recording>>(
            engine, ServerOptions{.endpoint = fresh_endpoint(transport), .tls = TlsContext::server(std::move(tls))},
            std::ref(record_),
            Hooks{.on_open = note, .on_handshake_error = [note](Connection& connection, CloseReason, std::error_code) {
                      note(connection);
                  }});
        const Status status = server_->start();
        EXPECT_TRUE(status) << status;
    }

    struct Outcome {
        bool opened = false;
        HandshakeError failure{};
        std::string subject{};
        TlsEnd end = TlsEnd::none;
    };

    /// What becomes of a client, and whom the server took it for.
    [[nodiscard]] Outcome outcome(const std::string& identity, TlsVersion version) {
        const Recorder::Seen before = record_.seen();
        TlsPeerOptions options = only(version);
        options.identity = identity;
        TlsPeer peer = TlsPeer::connect(server_->address(), options);
        (void)peer.handshake();
        EXPECT_TRUE(record_.wait_until([&](const auto& now) {
            return now.opens + now.handshake_errors.size() > before.opens + before.handshake_errors.size();
        }));
        const Recorder::Seen now = record_.seen();
        Outcome outcome{.opened = now.opens > before.opens};
        record_.change([&](auto&) { outcome.subject = subject_; });
        if (outcome.opened) {
            EXPECT_TRUE(peer.shut_down());
        } else {
            outcome.failure = now.handshake_errors.back();
            if (!peer.failed()) (void)peer.receive_rest();  // TLS 1.3: the client is told when it believes it is done
            outcome.end = peer.end();
        }
        return outcome;
    }

private:
    Recorder record_;
    std::string subject_;
    std::unique_ptr<Server<Recording>> server_;
};

TEST_P(TlsVerifyTest, a_client_certificate_is_not_asked_for) {
    AskingServer server{engine, transport(), TlsClientCertificate::none};
    for (const TlsVersion version : both_versions) {
        for (const char* identity : {"", "client", "client-untrusted"}) {
            const auto outcome = server.outcome(identity, version);
            EXPECT_TRUE(outcome.opened);
            EXPECT_EQ(outcome.subject, "nobody") << "it had one, but was not asked";
        }
    }
}

TEST_P(TlsVerifyTest, an_optional_client_certificate) {
    AskingServer server{engine, transport(), TlsClientCertificate::optional};
    for (const TlsVersion version : both_versions) {
        const auto none = server.outcome("", version);
        EXPECT_TRUE(none.opened);
        EXPECT_EQ(none.subject, "nobody");
        const auto good = server.outcome("client-ecdsa", version);
        EXPECT_TRUE(good.opened);
        EXPECT_EQ(good.subject, "CN=client-ecdsa");
        const auto bad = server.outcome("client-untrusted", version);
        EXPECT_FALSE(bad.opened) << "optional is not unverified";
        EXPECT_EQ(bad.failure.reason, CloseReason::tls_error);
        expect_refused(bad.failure.error,
                       {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE});
        EXPECT_EQ(bad.end, TlsEnd::failed) << "the client is sent an alert";
        EXPECT_EQ(bad.subject, "nobody") << "who it claimed to be is nobody's business";
    }
}

TEST_P(TlsVerifyTest, a_required_client_certificate) {
    AskingServer server{engine, transport(), TlsClientCertificate::required};
    for (const TlsVersion version : both_versions) {
        for (const char* identity : {"client", "client-ecdsa"}) {
            const auto good = server.outcome(identity, version);
            EXPECT_TRUE(good.opened);
            EXPECT_EQ(good.subject, std::string{"CN="} + identity);
        }
        const auto none = server.outcome("", version);
        EXPECT_FALSE(none.opened);
        EXPECT_EQ(none.failure.reason, CloseReason::tls_error);
        EXPECT_EQ(none.failure.error.message(), "peer did not return a certificate");
        EXPECT_EQ(none.end, TlsEnd::failed);
        const auto bad = server.outcome("client-untrusted", version);
        EXPECT_FALSE(bad.opened);
        expect_refused(bad.failure.error,
                       {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE});
    }
}

TEST_P(TlsVerifyTest, a_client_of_pollux_shows_its_certificate) {
    TlsServerOptions tls = server_options();
    tls.client_certificate = TlsClientCertificate::required;
    tls.client_trust.ca_file = certificate_file("ca.pem");
    auto server = serve_tls({.on_open =
                                 [](Connection& connection) {
                                     const std::optional<TlsInfo> info = connection.tls();
                                     ASSERT_TRUE(info && info->peer_certificate);
                                     EXPECT_EQ(info->peer_certificate->subject, "CN=client");
                                     EXPECT_FALSE(info->verify_result) << info->verify_result.message();
                                 }},
                            {.tls = TlsContext::server(tls)});
    TlsClientOptions with_identity = client_options();
    with_identity.identity = {.certificate = certificate_file("client.pem"), .key = certificate_file("client.key")};
    auto client = connect_client(secure_client_of(server->address(), TlsContext::client(with_identity)));
    ASSERT_TRUE(seen.wait_for_opens(1));
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    client->stop();

    // In TLS 1.3 a client is done before the server has seen its certificate, so it hears of the refusal later.
    auto without = connect_client(secure_client_of(server->address()));
    ASSERT_TRUE(seen.wait_for_handshake_errors(1));
    ASSERT_TRUE(client_seen.wait_until([](const auto& now) { return now.closes + now.connect_errors.size() == 2; }));
    if (client_seen.seen().closes == 2) {
        EXPECT_EQ(client_seen.reason(1), CloseReason::tls_error);
        const std::error_code error = client_seen.seen().errors[1];
        EXPECT_EQ(error.category(), tls_category());
        EXPECT_NE(error.message().find("certificate required"), std::string::npos) << error.message();
    }
}

}  // namespace
}  // namespace pollux::test
