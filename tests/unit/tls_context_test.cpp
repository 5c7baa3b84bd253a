// TLS contexts: what they are made of, which certificate a client is given, and whom a client trusts.
#include "unit/tls_context_support.h"

namespace pollux::test {
namespace {

// An empty handle.

TEST_F(TlsContextTest, without_a_context_there_is_none) {
    TlsContext none;
    EXPECT_FALSE(none);
    EXPECT_FALSE(none.is_server());
    EXPECT_FALSE(none.status());
    EXPECT_FALSE(none.reload());
}

TEST_F(TlsContextTest, it_knows_whose_it_is) {
    EXPECT_TRUE(TlsContext::server(server_options()).is_server());
    EXPECT_FALSE(TlsContext::client(client_options()).is_server());
    EXPECT_TRUE(TlsContext::server({})) << "a context that cannot be used is a context too";
}

TEST_F(TlsContextTest, copies_are_the_same_context) {
    TlsContext context = TlsContext::server(replaceable("server"));
    const TlsContext copy = context;
    replace("exact");
    ASSERT_TRUE(context.reload());
    EXPECT_EQ(handshake(copy).given, "www.example.test");
}

// Where certificates and keys come from.

TEST_F(TlsContextTest, certificate_and_key_from_files) {
    for (const char* name : {"server", "server-ecdsa", "chained"}) {
        const TlsContext context = TlsContext::server(server_options(name));
        ASSERT_TRUE(context.status()) << context.status();
        EXPECT_EQ(handshake(context).given, "localhost");
    }
}

TEST_F(TlsContextTest, certificate_and_key_from_contents) {
    const TlsContext context = TlsContext::server({.certificate = TlsInput::contents(contents(file("server.pem"))),
                                                   .key = TlsInput::contents(contents(file("server.key")))});
    ASSERT_TRUE(context.status()) << context.status();
    EXPECT_EQ(handshake(context).given, "localhost");
}

TEST_F(TlsContextTest, key_in_the_certificates_file) {
    const std::string certificate = contents(file("server.pem"));
    const std::string key = contents(file("server.key"));
    for (const std::string& text : {certificate + key, key + certificate}) {
        const TlsContext context = TlsContext::server({.certificate = write("both.pem", text)});
        EXPECT_TRUE(context.status()) << context.status();
        EXPECT_EQ(handshake(context).given, "localhost");
    }
}

TEST_F(TlsContextTest, chain_behind_the_certificate_or_apart) {
    TlsServerOptions options = server_options("chained");
    EXPECT_EQ(handshake(TlsContext::server(options)).chain_length, 1);
    options.chain = file("intermediate.pem");
    EXPECT_EQ(handshake(TlsContext::server(options)).chain_length, 2);
    options.chain = TlsInput::contents(contents(file("intermediate.pem")));
    EXPECT_EQ(handshake(TlsContext::server(options)).chain_length, 2);
    options.chain = {};
    options.certificate = file("chained-full.pem");
    EXPECT_EQ(handshake(TlsContext::server(options)).chain_length, 2);
}

TEST_F(TlsContextTest, pfx_from_a_file_and_from_contents) {
    const TlsInput from_contents = TlsInput::contents(contents(file("server.pfx")));
    for (const TlsInput& pfx : {TlsInput{file("server.pfx")}, from_contents}) {
        const TlsContext context = TlsContext::server({.pfx = pfx, .password = "pollux"});
        ASSERT_TRUE(context.status()) << context.status();
        EXPECT_EQ(handshake(context).given, "localhost");
    }
}

TEST_F(TlsContextTest, password_of_a_key) {
    TlsServerOptions options = server_options();
    options.key = file("server-encrypted.key");
    options.password = "pollux";
    const TlsContext context = TlsContext::server(options);
    ASSERT_TRUE(context.status()) << context.status();
    EXPECT_EQ(handshake(context).given, "localhost");
}

TEST_F(TlsContextTest, password_callback_is_asked_only_when_it_is_needed) {
    int asked = 0;
    TlsServerOptions options = server_options();
    options.password_callback = [&asked] {
        ++asked;
        return std::string{"pollux"};
    };
    EXPECT_TRUE(TlsContext::server(options).status());
    EXPECT_EQ(asked, 0) << "the key is not encrypted";
    options.key = file("server-encrypted.key");
    EXPECT_TRUE(TlsContext::server(options).status());
    EXPECT_EQ(asked, 1);
    options.password = "pollux";
    EXPECT_TRUE(TlsContext::server(options).status());
    EXPECT_EQ(asked, 1) << "the password is known";
    EXPECT_TRUE(
        TlsContext::server({.pfx = file("server.pfx"), .password_callback = options.password_callback}).status());
    EXPECT_EQ(asked, 2);
}

TEST_F(TlsContextTest, password_callback_is_asked_again_by_a_reload) {
    int asked = 0;
    TlsServerOptions options = server_options();
    options.key = file("server-encrypted.key");
    options.password_callback = [&asked] { return std::string{++asked < 3 ? "pollux" : "forgotten"}; };
    TlsContext context = TlsContext::server(options);
    EXPECT_TRUE(context.reload());
    EXPECT_FALSE(context.reload());
    EXPECT_TRUE(context.status());
    EXPECT_EQ(asked, 3);
}

TEST_F(TlsContextTest, client_identities_come_from_everywhere_too) {
    TlsClientOptions options = client_options();
    for (const TlsIdentity& own :
         {identity("client"), identity("client-ecdsa"), TlsIdentity{.pfx = file("client.pfx"), .password = "pollux"}}) {
        options.identity = own;
        const TlsContext context = TlsContext::client(options);
        EXPECT_TRUE(context.status()) << context.status();
    }
}

// Which certificate is given.

TEST_F(TlsContextTest, the_name_chooses) {
    TlsServerOptions options = server_options();
    options.more_identities = {identity("wildcard"), identity("exact")};
    const TlsContext context = TlsContext::server(options);
    ASSERT_TRUE(context.status()) << context.status();
    EXPECT_EQ(handshake(context).given, "localhost");
    EXPECT_EQ(handshake(context, "localhost").given, "localhost");
    EXPECT_EQ(handshake(context, "www.example.test").given, "www.example.test") << "exact before wildcard";
    EXPECT_EQ(handshake(context, "WWW.EXAMPLE.test").given, "www.example.test");
    EXPECT_EQ(handshake(context, "mail.example.test").given, "*.example.test");
    EXPECT_EQ(handshake(context, "a.mail.example.test").given, "localhost") << "a wildcard is one label";
    EXPECT_EQ(handshake(context, "example.test").given, "localhost");
    EXPECT_EQ(handshake(context, ".example.test").given, "localhost");
}

TEST_F(TlsContextTest, keys_of_two_kinds_are_one_identity) {
    TlsServerOptions options = server_options();
    options.more_identities = {identity("server-ecdsa"), identity("exact")};
    const TlsContext context = TlsContext::server(options);
    const auto only = [](std::string algorithms) {
        return [algorithms](SSL* client) mutable { ASSERT_EQ(SSL_set1_sigalgs_list(client, algorithms.data()), 1); };
    };
    EXPECT_EQ(handshake(context, "localhost", only("RSA-PSS+SHA256")).key_type, "RSA");
    EXPECT_EQ(handshake(context, "localhost", only("ECDSA+SHA256")).key_type, "EC");
    EXPECT_EQ(handshake(context, "", only("ECDSA+SHA256")).key_type, "EC");
}

TEST_F(TlsContextTest, alpn_takes_the_servers_first) {
    TlsServerOptions options = server_options();
    options.protocol.alpn = {"h2", "http/1.1"};
    const TlsContext context = TlsContext::server(options);
    const auto offer = [](const std::string& protocols) {
        return [protocols](SSL* client) {
            SSL_set_alpn_protos(client, reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size()));
        };
    };
    EXPECT_EQ(handshake(context, "", offer("\x08http/1.1\x02h2")).alpn, "h2");
    EXPECT_EQ(handshake(context, "", offer("\x08http/1.1")).alpn, "http/1.1");
    EXPECT_EQ(handshake(context, "", offer("\x04smtp")).given, "") << "no overlap must fail";
    EXPECT_EQ(handshake(context).given, "localhost") << "a client without ALPN is served";
}

TEST_F(TlsContextTest, alpn_names_may_be_255_bytes_long) {
    TlsServerOptions options = server_options();
    options.protocol.alpn = {std::string(255, 'x')};
    EXPECT_TRUE(TlsContext::server(options).status());
}

// Whom a client trusts.

TEST_F(TlsContextTest, a_client_verifies_by_default) {
    const TlsContext client = TlsContext::client(client_options());
    ASSERT_TRUE(client.status()) << client.status();
    EXPECT_TRUE(trusts(client, TlsContext::server(server_options()), "localhost"));
    EXPECT_TRUE(trusts(client, TlsContext::server(server_options()), "127.0.0.1", true));
    EXPECT_TRUE(trusts(client, TlsContext::server(server_options()), "::1", true));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options()), "127.0.0.2", true));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options()), "other.test"));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options("wrong-name")), "localhost"));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options("expired")), "localhost"));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options("self-signed")), "localhost"));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options("untrusted")), "localhost"));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options("client")), "localhost")) << "not for servers";
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options("chained")), "localhost")) << "a link is missing";
    TlsServerOptions linked = server_options("chained");
    linked.certificate = file("chained-full.pem");
    EXPECT_TRUE(trusts(client, TlsContext::server(linked), "localhost"));
}

TEST_F(TlsContextTest, a_client_that_ignores_names_checks_the_rest) {
    TlsClientOptions options = client_options();
    options.verification = TlsVerification::ignore_name;
    const TlsContext client = TlsContext::client(options);
    EXPECT_TRUE(trusts(client, TlsContext::server(server_options("wrong-name")), "localhost"));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options("expired")), "localhost"));
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options("untrusted")), "localhost"));
}

TEST_F(TlsContextTest, a_client_that_checks_nothing) {
    const TlsContext client = TlsContext::client({.verification = TlsVerification::insecure_none});
    for (const char* name : {"server", "wrong-name", "expired", "self-signed", "untrusted"}) {
        EXPECT_TRUE(trusts(client, TlsContext::server(server_options(name)), "localhost")) << name;
    }
}

TEST_F(TlsContextTest, a_client_without_trust_takes_the_systems) {
    const TlsContext client = TlsContext::client();
    EXPECT_TRUE(client.status()) << client.status();
    EXPECT_FALSE(trusts(client, TlsContext::server(server_options()), "localhost"));
}

TEST_F(TlsContextTest, several_authorities_in_one_file) {
    const std::string both = contents(file("untrusted-ca.pem")) + contents(file("ca.pem"));
    for (const TlsInput& authorities : {TlsInput{write("both.pem", both)}, TlsInput::contents(both)}) {
        const TlsContext client = TlsContext::client({.trust = {.ca_file = authorities}});
        EXPECT_TRUE(trusts(client, TlsContext::server(server_options()), "localhost"));
        EXPECT_TRUE(trusts(client, TlsContext::server(server_options("untrusted")), "localhost"));
    }
}

TEST_F(TlsContextTest, chains_have_a_bound) {
    TlsServerOptions linked = server_options("chained");
    linked.certificate = file("chained-full.pem");
    TlsClientOptions options = client_options();
    options.trust.max_chain_depth = 0;
    EXPECT_FALSE(trusts(TlsContext::client(options), TlsContext::server(linked), "localhost"));
    EXPECT_TRUE(trusts(TlsContext::client(options), TlsContext::server(server_options()), "localhost"));
    options.trust.max_chain_depth = 1;
    EXPECT_TRUE(trusts(TlsContext::client(options), TlsContext::server(linked), "localhost"));
}

}  // namespace
}  // namespace pollux::test
