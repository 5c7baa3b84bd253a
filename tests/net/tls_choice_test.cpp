// What both sides agree on: certificates by name and by kind of key, application protocols; and what a handler is told.
#include <algorithm>
#include <mutex>

#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsChoiceTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsChoiceTest, everywhere, setting_name);

TlsIdentity identity(const std::string& name) {
    return {.certificate = certificate_file(name + ".pem"), .key = certificate_file(name + ".key")};
}

/// What handlers were told, in the order of the connections.
class Told {
public:
    void add(Connection& connection) {
        const std::lock_guard lock{mutex_};
        infos_.push_back(connection.tls());
    }
    [[nodiscard]] TlsInfo last() {
        const std::lock_guard lock{mutex_};
        const bool told = !infos_.empty() && infos_.back().has_value();
        EXPECT_TRUE(told);
        return told ? *infos_.back() : TlsInfo{};
    }

private:
    std::mutex mutex_;
    std::vector<std::optional<TlsInfo>> infos_;
};

TEST_P(TlsChoiceTest, the_name_chooses_the_certificate) {
    TlsServerOptions tls = server_options();
    tls.more_identities = {identity("wildcard"), identity("exact")};
    Told told;
    auto server =
        serve_tls({.on_open = [&](Connection& connection) { told.add(connection); }}, {.tls = TlsContext::server(tls)});
    const auto chosen_for = [&](const std::string& name, TlsVersion version) {
        TlsPeerOptions options = only(version);
        options.server_name = name;
        TlsPeer peer = join(*server, options);
        EXPECT_TRUE(peer.shut_down());
        EXPECT_EQ(told.last().server_name, name);
        return peer.peer_subject();
    };
    for (const TlsVersion version : both_versions) {
        EXPECT_EQ(chosen_for("www.example.test", version), "CN=www.example.test") << "the exact name wins";
        EXPECT_EQ(chosen_for("WWW.Example.TEST", version), "CN=www.example.test");
        EXPECT_EQ(chosen_for("mail.example.test", version), "CN=*.example.test");
        EXPECT_EQ(chosen_for("Mail.Example.Test", version), "CN=*.example.test");
        EXPECT_EQ(chosen_for("a.b.example.test", version), "CN=localhost") << "a wildcard stands for one label";
        EXPECT_EQ(chosen_for("example.test", version), "CN=localhost");
        EXPECT_EQ(chosen_for("localhost", version), "CN=localhost");
        EXPECT_EQ(chosen_for("nobody.test", version), "CN=localhost") << "the first is for everybody else";
        EXPECT_EQ(chosen_for("", version), "CN=localhost");
        EXPECT_EQ(chosen_for(std::string(200, 'a') + ".example.test", version), "CN=*.example.test");
    }
}

TEST_P(TlsChoiceTest, the_clients_abilities_choose_the_kind_of_key) {
    TlsServerOptions tls = server_options("server");
    tls.more_identities = {identity("server-ecdsa")};
    auto server = serve_tls({}, {.tls = TlsContext::server(tls)});
    const auto certificate_for = [&](const char* signatures, TlsVersion version) {
        TlsPeerOptions options = only(version);
        options.signatures = signatures;
        return join(*server, options).peer_certificate_pem();
    };
    for (const TlsVersion version : both_versions) {
        const std::string rsa = certificate_for("rsa_pss_rsae_sha256:RSA+SHA256", version);
        const std::string ecdsa = certificate_for("ECDSA+SHA256", version);
        EXPECT_NE(rsa, ecdsa);
        EXPECT_FALSE(rsa.empty());
        EXPECT_FALSE(ecdsa.empty());
    }
}

TEST_P(TlsChoiceTest, an_application_protocol) {
    TlsServerOptions tls = server_options();
    tls.protocol.alpn = {"h2", "http/1.1"};
    Told told;
    auto server =
        serve_tls({.on_open = [&](Connection& connection) { told.add(connection); }}, {.tls = TlsContext::server(tls)});
    const auto agreed = [&](std::vector<std::string> offered, TlsVersion version) {
        TlsPeerOptions options = only(version);
        options.alpn = std::move(offered);
        TlsPeer peer = join(*server, options);
        EXPECT_TRUE(peer.shut_down());
        EXPECT_EQ(told.last().alpn, peer.alpn());
        return peer.alpn();
    };
    for (const TlsVersion version : both_versions) {
        EXPECT_EQ(agreed({"http/1.1", "h2"}, version), "h2") << "the server's order counts";
        EXPECT_EQ(agreed({"http/1.1"}, version), "http/1.1");
        EXPECT_EQ(agreed({"spdy/3", "http/1.1"}, version), "http/1.1");
        EXPECT_EQ(agreed({}, version), "") << "who offers none is served without";
    }
}

TEST_P(TlsChoiceTest, no_application_protocol_in_common) {
    TlsServerOptions tls = server_options();
    tls.protocol.alpn = {"h2"};
    auto server = serve_tls({}, {.tls = TlsContext::server(tls)});
    for (const TlsVersion version : both_versions) {
        const std::size_t before = seen.seen().handshake_errors.size();
        TlsPeerOptions options = only(version);
        options.alpn = {"http/1.1", "h", "h2x"};
        TlsPeer peer = TlsPeer::connect(server->address(), options);
        EXPECT_FALSE(peer.handshake());
        EXPECT_NE(peer.failure().find("no application protocol"), std::string::npos) << peer.failure();
        ASSERT_TRUE(seen.wait_for_handshake_errors(before + 1));
        EXPECT_EQ(seen.seen().handshake_errors.back().reason, CloseReason::tls_error);
        EXPECT_EQ(seen.seen().handshake_errors.back().error.message(), "no application protocol");
    }
}

TEST_P(TlsChoiceTest, a_server_without_protocols_ignores_the_offer) {
    Told told;
    auto server = serve_tls({.on_open = [&](Connection& connection) { told.add(connection); }});
    TlsPeerOptions options;
    options.alpn = {"h2"};
    TlsPeer peer = join(*server, options);
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_EQ(peer.alpn(), "");
    EXPECT_EQ(told.last().alpn, "");
}

TEST_P(TlsChoiceTest, pollux_on_both_sides_agrees) {
    TlsServerOptions server_tls = server_options();
    server_tls.protocol.alpn = {"chat/2", "chat/1"};
    TlsClientOptions client_tls = client_options();
    client_tls.protocol.alpn = {"chat/1", "chat/2"};
    Told told;
    Told client_told;
    auto server = serve_tls({.on_open = [&](Connection& connection) { told.add(connection); }},
                            {.tls = TlsContext::server(server_tls)});
    ClientOptions options = secure_client_of(server->address(), TlsContext::client(client_tls));
    options.server_name = "localhost";
    auto client =
        connect_client(std::move(options), {.on_open = [&](Connection& connection) { client_told.add(connection); }});
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_EQ(told.last().alpn, "chat/2");
    EXPECT_EQ(client_told.last().alpn, "chat/2");
    EXPECT_EQ(told.last().server_name, "localhost");
    EXPECT_EQ(client_told.last().server_name, "localhost");
    EXPECT_EQ(told.last().cipher, client_told.last().cipher);
}

TEST_P(TlsChoiceTest, an_address_is_not_asked_for_as_a_name) {
    if (!tcp()) GTEST_SKIP() << "a Unix endpoint has no host";
    Told told;
    auto server = serve_tls({.on_open = [&](Connection& connection) { told.add(connection); }});
    auto client = connect_client(secure_client_of(server->address()));
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_EQ(told.last().server_name, "");
}

void expect_hexadecimal(const std::string& text) {
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text.find_first_not_of("0123456789abcdefABCDEF"), std::string::npos) << text;
}

void expect_client_certificate(const std::optional<TlsCertificate>& certificate) {
    ASSERT_TRUE(certificate.has_value());
    EXPECT_EQ(certificate->subject, "CN=client");
    EXPECT_NE(certificate->issuer.find("CN="), std::string::npos) << certificate->issuer;
    EXPECT_EQ(certificate->sha256_fingerprint.size(), 64u);
    expect_hexadecimal(certificate->sha256_fingerprint);
    expect_hexadecimal(certificate->serial_number);
    const auto now = std::chrono::system_clock::now();
    EXPECT_LT(certificate->not_before, now);
    EXPECT_GT(certificate->not_after, now);
    EXPECT_TRUE(certificate->pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
    EXPECT_TRUE(certificate->pem.ends_with("-----END CERTIFICATE-----\n"));
}

TEST_P(TlsChoiceTest, what_a_servers_handler_is_told) {
    TlsServerOptions tls = server_options();
    tls.client_certificate = TlsClientCertificate::required;
    tls.client_trust.ca_file = certificate_file("ca.pem");
    const auto check = [](Connection& connection, const char* version) {
        EXPECT_TRUE(connection.is_secure());
        const std::optional<TlsInfo> info = connection.tls();
        ASSERT_TRUE(info.has_value());
        EXPECT_EQ(info->version, version);
        EXPECT_NE(info->cipher.find("_"), info->cipher.find("-")) << info->cipher;
        EXPECT_EQ(info->server_name, "some.where.test");
        EXPECT_FALSE(info->resumed);
        EXPECT_FALSE(info->verify_result) << info->verify_result.message();
        expect_client_certificate(info->peer_certificate);
    };
    for (const TlsVersion version : both_versions) {
        const char* name = version == TlsVersion::tls1_2 ? "TLSv1.2" : "TLSv1.3";
        Recorder record;
        Server<Recording> server{
            engine,
            {.endpoint = endpoint(), .tls = TlsContext::server(tls)},
            std::ref(record),
            Hooks{.on_open = [&](Connection& connection) { check(connection, name); },
                  .on_close = [&](Connection& connection, CloseReason, std::error_code) { check(connection, name); }}};
        ASSERT_TRUE(server.start());
        TlsPeerOptions options = only(version);
        options.identity = "client";
        options.server_name = "some.where.test";
        TlsPeer peer = join(server, options);
        EXPECT_TRUE(peer.shut_down());
        ASSERT_TRUE(record.wait_for_closes(1));
    }
}

TEST_P(TlsChoiceTest, what_a_clients_handler_is_told) {
    auto server = serve_tls();
    const auto check = [](Connection& connection) {
        const std::optional<TlsInfo> info = connection.tls();
        ASSERT_TRUE(info.has_value());
        EXPECT_EQ(info->version, "TLSv1.3");
        EXPECT_TRUE(info->cipher.starts_with("TLS_")) << info->cipher;
        ASSERT_TRUE(info->peer_certificate.has_value());
        EXPECT_EQ(info->peer_certificate->subject, "CN=localhost");
        const std::vector<std::string>& names = info->peer_certificate->names;
        for (const char* name : {"localhost", "127.0.0.1", "::1"}) {
            EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name << " is missing";
        }
    };
    auto client =
        connect_client(secure_client_of(server->address()),
                       {.on_open = check,
                        .on_close = [&](Connection& connection, CloseReason, std::error_code) { check(connection); }});
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    client->stop();
    EXPECT_EQ(client_seen.seen().closes, 1u);
}

TEST_P(TlsChoiceTest, what_is_known_of_a_handshake_that_failed) {
    Told told;
    auto server = serve_tls({.on_handshake_error = [&](Connection& connection, CloseReason, std::error_code) {
        EXPECT_TRUE(connection.is_secure());
        told.add(connection);
    }});
    TlsPeerOptions options;
    options.server_name = "some.where.test";
    TlsPeer peer = TlsPeer::connect(server->address(), options);
    ASSERT_TRUE(peer.socket().send(peer.next_flight()));
    ASSERT_TRUE(peer.hear());
    peer.close();
    ASSERT_TRUE(seen.wait_for_handshake_errors(1));
    EXPECT_EQ(told.last().server_name, "some.where.test");
    EXPECT_FALSE(told.last().peer_certificate.has_value());
}

TEST_P(TlsChoiceTest, chosen_ciphers_and_groups) {
    TlsServerOptions tls = server_options();
    tls.protocol.cipher_suites = "TLS_CHACHA20_POLY1305_SHA256";
    tls.protocol.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    tls.protocol.groups = "P-384";
    Told told;
    auto server =
        serve_tls({.on_open = [&](Connection& connection) { told.add(connection); }}, {.tls = TlsContext::server(tls)});
    for (const TlsVersion version : both_versions) {
        // In TLS 1.3 the client has guessed another group: HelloRetryRequest.
        TlsPeer peer = join(*server, only(version));
        EXPECT_TRUE(peer.shut_down());
        EXPECT_EQ(told.last().cipher,
                  version == TlsVersion::tls1_2 ? "ECDHE-ECDSA-AES128-GCM-SHA256" : "TLS_CHACHA20_POLY1305_SHA256");
    }
}

}  // namespace
}  // namespace pollux::test
