// Reloading a TLS context: what new handshakes get, and what is kept.
#include "unit/tls_context_support.h"

namespace pollux::test {
namespace {

// Reload.

TEST_F(TlsContextTest, reload_reads_the_files_again) {
    TlsContext context = TlsContext::server(replaceable("server"));
    EXPECT_EQ(handshake(context).given, "localhost");
    replace("exact");
    EXPECT_EQ(handshake(context).given, "localhost") << "not before it is asked for";
    ASSERT_TRUE(context.reload());
    EXPECT_EQ(handshake(context).given, "www.example.test");
}

TEST_F(TlsContextTest, reload_takes_other_options) {
    TlsContext context = TlsContext::server(server_options());
    ASSERT_TRUE(context.reload(server_options("exact")));
    EXPECT_EQ(handshake(context).given, "www.example.test");
    ASSERT_TRUE(context.reload()) << "the new options are the ones that count";
    EXPECT_EQ(handshake(context).given, "www.example.test");
}

TEST_F(TlsContextTest, a_bad_reload_keeps_what_was) {
    TlsContext context = TlsContext::server(replaceable("server"));
    write("current.key", contents(file("exact.key")));
    expect_named(context.reload(), "certificate", path("current.pem"));
    EXPECT_TRUE(context.status());
    EXPECT_EQ(handshake(context).given, "localhost");
    replace("exact");
    EXPECT_TRUE(context.reload());
    EXPECT_EQ(handshake(context).given, "www.example.test");
}

TEST_F(TlsContextTest, bad_options_of_a_reload_are_forgotten) {
    TlsContext context = TlsContext::server(replaceable("server"));
    expect_named(context.reload({.certificate = "/no/such.pem"}), "certificate", "/no/such.pem");
    replace("exact");
    EXPECT_TRUE(context.reload());
    EXPECT_EQ(handshake(context).given, "www.example.test");
}

TEST_F(TlsContextTest, a_reload_can_mend_a_context) {
    TlsContext context = TlsContext::server({.certificate = path("current.pem"), .key = path("current.key")});
    EXPECT_FALSE(context.status());
    EXPECT_EQ(handshake(context).given, "");
    replace("server");
    EXPECT_TRUE(context.reload());
    EXPECT_TRUE(context.status());
    EXPECT_EQ(handshake(context).given, "localhost");
}

TEST_F(TlsContextTest, a_reload_does_not_change_sides) {
    TlsContext server = TlsContext::server(server_options());
    EXPECT_FALSE(server.reload(client_options()));
    EXPECT_TRUE(server.is_server());
    EXPECT_EQ(handshake(server).given, "localhost");
    TlsContext client = TlsContext::client(client_options());
    EXPECT_FALSE(client.reload(server_options()));
    EXPECT_TRUE(trusts(client, server, "localhost"));
}

TEST_F(TlsContextTest, a_client_reloads_whom_it_trusts) {
    const TlsContext server = TlsContext::server(server_options("untrusted"));
    TlsContext client = TlsContext::client({.trust = {.ca_file = write("ca.pem", contents(file("ca.pem")))}});
    EXPECT_FALSE(trusts(client, server, "localhost"));
    write("ca.pem", contents(file("untrusted-ca.pem")));
    ASSERT_TRUE(client.reload());
    EXPECT_TRUE(trusts(client, server, "localhost"));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options()), "localhost"));
}

// Sessions and what they were verified by.

/// One connection between two contexts.
struct Connected {
    SslPointer client;
    SslPointer server;
    bool done = false;

    Connected(const TlsContext& from, const TlsContext& to, const TlsServerName& name)
        : client(from.core()->connect(name)), server(to.core()->accept()) {
        connect_ends(server.get(), client.get());
        done = shake_hands(server.get(), client.get());
    }

    /// Closed in order: OpenSSL does not resume what was cut off.
    ~Connected() {
        for (const SslPointer* end : {&client, &server}) {
            if (*end != nullptr) SSL_set_shutdown(end->get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        }
    }
    Connected(const Connected&) = delete;
    Connected& operator=(const Connected&) = delete;

    [[nodiscard]] bool resumed() const { return SSL_session_reused(client.get()) == 1; }

    /// TLS 1.3 gives its tickets after the handshake.
    void take_tickets() const {
        char byte = 0;
        EXPECT_LE(SSL_read(client.get(), &byte, 1), 0) << "the server has sent no data";
    }
};

class TlsSessionReloadTest : public TlsContextTest {
protected:
    const TlsServerName localhost_{.name = "localhost", .cache = "localhost"};
};

TEST_F(TlsSessionReloadTest, a_session_is_resumed) {
    const TlsContext server = TlsContext::server(server_options());
    const TlsContext client = TlsContext::client(client_options());
    const Connected first{client, server, localhost_};
    ASSERT_TRUE(first.done);
    EXPECT_FALSE(first.resumed());
    first.take_tickets();
    const Connected second{client, server, localhost_};
    ASSERT_TRUE(second.done);
    EXPECT_TRUE(second.resumed());
}

TEST_F(TlsSessionReloadTest, a_session_ends_with_a_reload_of_the_server) {
    for (const bool tickets : {true, false}) {
        TlsServerOptions options = server_options();
        options.session_tickets = tickets;
        TlsContext server = TlsContext::server(options);
        const TlsContext client = TlsContext::client(client_options());
        Connected{client, server, localhost_}.take_tickets();
        ASSERT_TRUE(server.reload());
        const Connected second{client, server, localhost_};
        EXPECT_TRUE(second.done);
        EXPECT_FALSE(second.resumed()) << "the keys are new, and so is the cache";
    }
}

TEST_F(TlsSessionReloadTest, a_session_of_another_server_is_a_full_handshake) {
    const TlsContext client = TlsContext::client(client_options());
    Connected{client, TlsContext::server(server_options()), localhost_}.take_tickets();
    const Connected second{client, TlsContext::server(server_options()), localhost_};
    EXPECT_TRUE(second.done);
    EXPECT_FALSE(second.resumed());
}

TEST_F(TlsSessionReloadTest, sessions_go_with_the_rules_that_verified_them) {
    const TlsContext server = TlsContext::server(server_options("untrusted"));
    TlsContext client = TlsContext::client({.verification = TlsVerification::insecure_none});
    Connected{client, server, localhost_}.take_tickets();
    ASSERT_TRUE(client.reload(client_options()));
    EXPECT_FALSE((Connected{client, server, localhost_}.done));
}

TEST_F(TlsSessionReloadTest, a_ticket_that_comes_after_a_reload_is_not_used) {
    const TlsContext server = TlsContext::server(server_options("untrusted"));
    TlsContext client = TlsContext::client({.verification = TlsVerification::insecure_none});
    const Connected old{client, server, localhost_};
    ASSERT_TRUE(old.done);
    ASSERT_TRUE(client.reload(client_options()));
    old.take_tickets();
    EXPECT_FALSE((Connected{client, server, localhost_}.done)) << "nobody has verified this server";
}

TEST_F(TlsSessionReloadTest, a_client_that_is_trusted_no_longer_is_not_resumed) {
    TlsServerOptions options = server_options();
    options.client_certificate = TlsClientCertificate::required;
    options.client_trust.ca_file = file("untrusted-ca.pem");
    TlsContext server = TlsContext::server(options);
    TlsClientOptions own = client_options();
    own.identity = identity("client-untrusted");
    const TlsContext client = TlsContext::client(own);
    Connected{client, server, localhost_}.take_tickets();
    EXPECT_TRUE((Connected{client, server, localhost_}.resumed()));
    options.client_trust.ca_file = file("ca.pem");
    ASSERT_TRUE(server.reload(options));
    const Connected after{client, server, localhost_};
    EXPECT_FALSE(after.resumed());
    EXPECT_FALSE(SSL_is_init_finished(after.server.get())) << "its certificate is not trusted any more";
}

TEST_F(TlsSessionReloadTest, a_client_without_certificate_does_not_resume_where_one_is_now_required) {
    TlsServerOptions options = server_options();
    TlsContext server = TlsContext::server(options);
    const TlsContext client = TlsContext::client(client_options());
    Connected{client, server, localhost_}.take_tickets();
    options.client_certificate = TlsClientCertificate::required;
    options.client_trust.ca_file = file("ca.pem");
    ASSERT_TRUE(server.reload(options));
    const Connected after{client, server, localhost_};
    EXPECT_FALSE(after.resumed());
    EXPECT_FALSE(SSL_is_init_finished(after.server.get())) << "it has shown no certificate";
}

}  // namespace
}  // namespace pollux::test
