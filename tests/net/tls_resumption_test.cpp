// Sessions that are taken up again: by tickets and from the cache, in both versions, with Pollux on either side.
#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsResumptionTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsResumptionTest, everywhere, setting_name);

/// A server that echoes, and that tells by a letter whether the session is resumed.
Hooks telling() {
    return {.on_open =
                [](Connection& connection) {
                    const std::optional<TlsInfo> info = connection.tls();
                    connection.send(info && info->resumed ? "R" : "N");
                },
            .on_data = echo};
}

/// Connects, offering a session if there is one, and returns the session to offer next time. In TLS 1.3 that comes
/// with the server's first bytes.
std::shared_ptr<SSL_SESSION> visit(const ServerBase& server, const TlsPeerContext& context,
                                   const std::shared_ptr<SSL_SESSION>& session, bool expect_resumed) {
    TlsPeer peer{RawSocket::connect(server.address()), context};
    if (session) peer.offer(session);
    EXPECT_TRUE(peer.handshake()) << peer.failure();
    EXPECT_EQ(peer.receive(1), expect_resumed ? "R" : "N");
    EXPECT_EQ(peer.resumed(), expect_resumed);
    EXPECT_TRUE(peer.send("hello"));
    EXPECT_EQ(peer.receive(5), "hello");
    std::shared_ptr<SSL_SESSION> next = peer.session();
    EXPECT_TRUE(peer.shut_down());
    return next;
}

TEST_P(TlsResumptionTest, a_client_comes_back) {
    for (const bool tickets : {true, false}) {
        TlsServerOptions tls = server_options();
        tls.session_tickets = tickets;
        auto server = serve_tls(telling(), {.tls = TlsContext::server(tls)});
        for (const TlsVersion version : both_versions) {
            const TlsPeerContext context{TlsRole::client, only(version)};
            std::shared_ptr<SSL_SESSION> session = visit(*server, context, nullptr, false);
            for (int round = 0; round < 5; ++round) session = visit(*server, context, session, true);
        }
    }
}

TEST_P(TlsResumptionTest, no_resumption_if_told_so) {
    TlsServerOptions tls = server_options();
    tls.session_resumption = false;
    auto server = serve_tls(telling(), {.tls = TlsContext::server(tls)});
    for (const TlsVersion version : both_versions) {
        const TlsPeerContext context{TlsRole::client, only(version)};
        const std::shared_ptr<SSL_SESSION> session = visit(*server, context, nullptr, false);
        (void)visit(*server, context, session, false);
    }
}

TEST_P(TlsResumptionTest, another_server_does_not_know_the_session) {
    auto server = serve_tls(telling(), {.tls = TlsContext::server(server_options())});
    auto other = serve_tls(telling(), {.tls = TlsContext::server(server_options())});
    for (const TlsVersion version : both_versions) {
        const TlsPeerContext context{TlsRole::client, only(version)};
        const std::shared_ptr<SSL_SESSION> session = visit(*server, context, nullptr, false);
        (void)visit(*other, context, session, false);
    }
}

TEST_P(TlsResumptionTest, a_reload_forgets_the_sessions) {
    // Who is trusted no longer must not come in by a session of former times.
    for (const bool tickets : {true, false}) {
        TlsServerOptions options = server_options();
        options.session_tickets = tickets;
        TlsContext tls = TlsContext::server(options);
        auto server = serve_tls(telling(), {.tls = tls});
        for (const TlsVersion version : both_versions) {
            const TlsPeerContext context{TlsRole::client, only(version)};
            std::shared_ptr<SSL_SESSION> session = visit(*server, context, nullptr, false);
            session = visit(*server, context, session, true);
            const Status status = tls.reload();
            ASSERT_TRUE(status) << status;
            session = visit(*server, context, session, false);
            session = visit(*server, context, session, true);
        }
    }
}

TEST_P(TlsResumptionTest, the_client_certificate_is_still_known) {
    TlsServerOptions tls = server_options();
    tls.client_certificate = TlsClientCertificate::required;
    tls.client_trust.ca_file = certificate_file("ca.pem");
    auto server = serve_tls({.on_open =
                                 [](Connection& connection) {
                                     const std::optional<TlsInfo> info = connection.tls();
                                     ASSERT_TRUE(info && info->peer_certificate);
                                     EXPECT_EQ(info->peer_certificate->subject, "CN=client-ecdsa");
                                     EXPECT_FALSE(info->verify_result) << info->verify_result.message();
                                     connection.send(info->resumed ? "R" : "N");
                                 },
                             .on_data = echo},
                            {.tls = TlsContext::server(tls)});
    for (const TlsVersion version : both_versions) {
        TlsPeerOptions options = only(version);
        options.identity = "client-ecdsa";
        const TlsPeerContext context{TlsRole::client, options};
        const std::shared_ptr<SSL_SESSION> session = visit(*server, context, nullptr, false);
        (void)visit(*server, context, session, true);
    }
}

TEST_P(TlsResumptionTest, bytes_directly_behind_the_finished_of_a_resumed_session) {
    auto server = serve_tls(telling());
    for (const TlsVersion version : both_versions) {
        const TlsPeerContext context{TlsRole::client, only(version)};
        const std::shared_ptr<SSL_SESSION> session = visit(*server, context, nullptr, false);
        TlsPeer peer{RawSocket::connect(server->address()), context};
        peer.offer(session);
        // With resumption the client's flight is the last one in TLS 1.2 too.
        ASSERT_TRUE(peer.handshake([&](const RawSocket& socket, std::string_view flight) {
            std::string wire{flight};
            if (peer.established()) wire += in_order({peer.seal("early"), peer.seal(" bird")});
            return socket.send(wire);
        }));
        EXPECT_TRUE(peer.resumed());
        EXPECT_EQ(peer.receive(11), "Rearly bird");
    }
}

/// A server that is no Pollux and tells by a letter whether the session is resumed, once for each of `clients`.
class ForeignServer {
public:
    ForeignServer(Transport transport, TlsVersion version, bool tickets) : listener_(transport) {
        TlsPeerOptions options = only(version);
        options.identity = "server-ecdsa";
        options.tickets = tickets || version == TlsVersion::tls1_3;
        context_.emplace(TlsRole::server, options);
    }

    [[nodiscard]] SocketAddress address() const { return listener_.address(); }

    /// Serves one client from its first to its last byte. True if its session was resumed.
    [[nodiscard]] bool serve_one() {
        TlsPeer peer{listener_.accept(), *context_};
        EXPECT_TRUE(peer.handshake()) << peer.failure();
        EXPECT_TRUE(peer.send("x"));
        EXPECT_EQ(peer.receive_rest().end, TlsEnd::close_notify);
        EXPECT_TRUE(peer.finish_sending());
        return peer.resumed();
    }

private:
    RawListener listener_;
    std::optional<TlsPeerContext> context_;
};

/// A client of Pollux that hangs up after the first byte.
bool visit_as_pollux(Engine& engine, ForeignServer& server, const TlsContext& tls,
                     const std::string& name = "localhost") {
    Recorder record;
    std::atomic<bool> resumed{false};
    ClientOptions options = secure_client_of(server.address(), tls);
    options.server_name = name;
    Client<Recording> client{engine, std::move(options), std::ref(record),
                             Hooks{.on_open = [&](Connection& connection) { resumed = connection.tls()->resumed; },
                                   .on_data = [](Connection& connection, Bytes) { connection.close(); }}};
    EXPECT_TRUE(client.start());
    EXPECT_EQ(server.serve_one(), resumed);
    EXPECT_TRUE(record.wait_for_closes(1));
    return resumed;
}

TEST_P(TlsResumptionTest, a_client_of_pollux_comes_back) {
    for (const TlsVersion version : both_versions) {
        for (const bool tickets : {true, false}) {
            ForeignServer server{transport(), version, tickets};
            const TlsContext tls = client_context();
            EXPECT_FALSE(visit_as_pollux(engine, server, tls));
            for (int round = 0; round < 3; ++round) {
                EXPECT_TRUE(visit_as_pollux(engine, server, tls)) << testing::PrintToString(version);
            }
        }
    }
}

TEST_P(TlsResumptionTest, a_client_of_pollux_without_a_cache_does_not) {
    for (const TlsVersion version : both_versions) {
        ForeignServer server{transport(), version, true};
        TlsClientOptions options = client_options();
        options.session_cache_size = 0;
        const TlsContext tls = TlsContext::client(options);
        EXPECT_FALSE(visit_as_pollux(engine, server, tls));
        EXPECT_FALSE(visit_as_pollux(engine, server, tls));
    }
}

TEST_P(TlsResumptionTest, another_context_of_pollux_does_not_know_the_session) {
    ForeignServer server{transport(), TlsVersion::tls1_3, true};
    EXPECT_FALSE(visit_as_pollux(engine, server, client_context()));
    EXPECT_FALSE(visit_as_pollux(engine, server, client_context()));
}

TEST_P(TlsResumptionTest, a_session_is_not_offered_under_another_name) {
    // A resumed session shows no certificate, so whoever took it up under another name would check that name nowhere.
    for (const TlsVersion version : both_versions) {
        TlsServerOptions server_tls = server_options();
        server_tls.protocol = {.min_version = version, .max_version = version};
        auto server = serve_tls(telling(), {.tls = TlsContext::server(server_tls)});
        const TlsContext tls = client_context();
        const auto connect_as = [&](const char* name) {
            Recorder record;
            ClientOptions options = secure_client_of(server->address(), tls);
            options.server_name = name;
            Client<Recording> client{engine, std::move(options), std::ref(record)};
            EXPECT_TRUE(client.start());
            EXPECT_TRUE(record.wait_until(
                [](const auto& now) { return !now.received.empty() || !now.connect_errors.empty(); }));
            const Recorder::Seen now = record.seen();
            return now.connect_errors.empty() ? now.received : now.connect_errors[0].error.message();
        };
        EXPECT_EQ(connect_as("localhost"), "N");
        EXPECT_EQ(connect_as("localhost"), "R");
        EXPECT_NE(connect_as("other.test").find("mismatch"), std::string::npos);
        EXPECT_EQ(connect_as("localhost"), "R");
    }
}

TEST_P(TlsResumptionTest, pollux_on_both_sides_after_a_reconnect) {
    auto server = serve_tls(telling());
    ClientOptions options = secure_client_of(server->address());
    options.reconnect = {.enabled = true, .delay = 5ms, .growth = 1.0, .max_delay = 50ms};
    auto client = connect_client(std::move(options));
    ASSERT_TRUE(client_seen.wait_for_bytes(1));
    for (std::size_t round = 1; round <= 3; ++round) {
        client->reconnect();
        ASSERT_TRUE(client_seen.wait_for_bytes(1 + round));
    }
    EXPECT_EQ(client_seen.seen().received, "NRRR");
}

}  // namespace
}  // namespace pollux::test
