// Mistakes in the options of a TLS context: each is named with its value.
#include "unit/tls_context_support.h"

namespace pollux::test {
namespace {

using testing::HasSubstr;
using testing::Not;

using TlsContextMistakesTest = TlsContextTest;

/// The option and the value that the status must name, and how to make the mistake.
template <class Options>
struct TlsMistake {
    std::string option;
    std::string value;
    std::function<void(Options&)> make;
};

template <class Options>
void expect_all_named(const std::vector<TlsMistake<Options>>& mistakes, const Options& good,
                      TlsContext (*make)(Options options)) {
    for (const TlsMistake<Options>& mistake : mistakes) {
        Options options = good;
        mistake.make(options);
        expect_named(make(options).status(), mistake.option, mistake.value);
        TlsContext context = make(good);
        expect_named(context.reload(options), mistake.option, mistake.value);
        EXPECT_TRUE(context.status()) << "a bad reload must keep what was: " << mistake.option;
    }
}

TEST_F(TlsContextMistakesTest, mistakes_in_an_identity_are_named_with_their_values) {
    const std::string nonsense = write("nonsense.pem", "nonsense");
    const std::string damaged = write("damaged.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    using Options = TlsServerOptions;
    const std::vector<TlsMistake<Options>> mistakes{
        {"certificate", "empty", [](Options& options) { options.certificate = {}; }},
        {"certificate", "/no/such.pem", [](Options& options) { options.certificate = "/no/such.pem"; }},
        {"certificate", nonsense, [&](Options& options) { options.certificate = nonsense; }},
        {"certificate", damaged, [&](Options& options) { options.certificate = damaged; }},
        {"certificate", POLLUX_CERTIFICATES, [](Options& options) { options.certificate = POLLUX_CERTIFICATES; }},
        {"certificate", "contents", [](Options& options) { options.certificate = TlsInput::contents("nonsense"); }},
        {"key", "/no/such.key", [](Options& options) { options.key = "/no/such.key"; }},
        {"key", nonsense, [&](Options& options) { options.key = nonsense; }},
        {"key", file("server.pem"), [](Options& options) { options.key = {}; }},
        {"certificate", "mismatch", [](Options& options) { options.key = file("client.key"); }},
        {"certificate", "server.pem", [](Options& options) { options.key = file("client.key"); }},
        {"certificate", "server.pem", [](Options& options) { options.key = file("server-ecdsa.key"); }},
        {"chain", "/no/such.pem", [](Options& options) { options.chain = "/no/such.pem"; }},
        {"chain", nonsense, [&](Options& options) { options.chain = nonsense; }},
        {"chain", damaged, [&](Options& options) { options.chain = damaged; }},
        {"pfx", "certificate", [](Options& options) { options.pfx = file("server.pfx"); }},
        {"more_identities[1].certificate", "/no/such.pem",
         [](Options& options) {
             options.more_identities = {identity("exact"), identity("wildcard")};
             options.more_identities[1].certificate = "/no/such.pem";
         }},
        {"more_identities[0].certificate", "exact.pem",
         [](Options& options) {
             options.more_identities = {identity("exact")};
             options.more_identities[0].key = file("wildcard.key");
         }},
    };
    expect_all_named<Options>(mistakes, server_options(), TlsContext::server);
}

TEST_F(TlsContextMistakesTest, mistakes_with_passwords_are_named_with_the_file) {
    using Options = TlsServerOptions;
    const auto encrypted = [](Options& options) { options.key = file("server-encrypted.key"); };
    const auto pfx = [](Options& options) { options = {.pfx = file("server.pfx")}; };
    const std::vector<TlsMistake<Options>> mistakes{
        {"key", "server-encrypted.key", encrypted},
        {"key", "server-encrypted.key",
         [&](Options& options) {
             encrypted(options);
             options.password = "wrong";
         }},
        {"key", "server-encrypted.key",
         [&](Options& options) {
             encrypted(options);
             options.password_callback = [] { return std::string{"wrong"}; };
         }},
        {"key", "server-encrypted.key",
         [&](Options& options) {
             encrypted(options);
             options.password_callback = [] { return std::string(5000, 'x'); };
         }},
        {"key", "server-encrypted.key",
         [&](Options& options) {
             encrypted(options);
             options.password_callback = [] { return std::string{}; };
         }},
        {"pfx", "server.pfx", pfx},
        {"pfx", "server.pfx",
         [&](Options& options) {
             pfx(options);
             options.password = "wrong";
         }},
        {"pfx", "server.pem", [](Options& options) { options = {.pfx = file("server.pem")}; }},
        {"pfx", "/no/such.pfx", [](Options& options) { options = {.pfx = "/no/such.pfx"}; }},
    };
    expect_all_named<Options>(mistakes, server_options(), TlsContext::server);
}

TEST_F(TlsContextMistakesTest, a_password_is_never_in_the_message) {
    TlsServerOptions options = server_options();
    options.key = file("server-encrypted.key");
    options.password = "a secret that is wrong";
    EXPECT_THAT(TlsContext::server(options).status().message(), Not(HasSubstr("secret")));
}

TEST_F(TlsContextMistakesTest, keys_given_by_contents_are_never_in_the_message) {
    TlsServerOptions options = server_options();
    options.key = TlsInput::contents(contents(file("client.key")));
    EXPECT_THAT(TlsContext::server(options).status().message(), Not(HasSubstr("PRIVATE")));
    options.key = TlsInput::contents("PRIVATE nonsense");
    EXPECT_THAT(TlsContext::server(options).status().message(), Not(HasSubstr("PRIVATE")));
}

/// The same options of both kinds, so the same mistakes.
template <class Options>
std::vector<TlsMistake<Options>> protocol_mistakes() {
    return {
        {"min_version", "max_version",
         [](Options& options) {
             options.protocol.min_version = TlsVersion::tls1_3;
             options.protocol.max_version = TlsVersion::tls1_2;
         }},
        {"ciphers", "NO-SUCH-CIPHER", [](Options& options) { options.protocol.ciphers = "NO-SUCH-CIPHER"; }},
        {"cipher_suites", "TLS_NO_SUCH", [](Options& options) { options.protocol.cipher_suites = "TLS_NO_SUCH"; }},
        {"groups", "no-such-group", [](Options& options) { options.protocol.groups = "X25519:no-such-group"; }},
        {"alpn", "0 bytes",
         [](Options& options) {
             options.protocol.alpn = {"h2", ""};
         }},
        {"alpn", "256 bytes", [](Options& options) { options.protocol.alpn = {std::string(256, 'x')}; }},
        {"alpn", "too long",
         [](Options& options) { options.protocol.alpn = std::vector<std::string>(300, std::string(255, 'x')); }},
    };
}

TEST_F(TlsContextMistakesTest, mistakes_in_a_servers_protocol_are_named_with_their_values) {
    expect_all_named<TlsServerOptions>(protocol_mistakes<TlsServerOptions>(), server_options(), TlsContext::server);
}

TEST_F(TlsContextMistakesTest, mistakes_in_a_clients_protocol_are_named_with_their_values) {
    expect_all_named<TlsClientOptions>(protocol_mistakes<TlsClientOptions>(), client_options(), TlsContext::client);
}

TEST_F(TlsContextMistakesTest, mistakes_in_dh_parameters_are_named_with_their_values) {
    const std::string nonsense = write("nonsense.pem", "nonsense");
    const std::string other_kind = write("ec.pem",
                                         "-----BEGIN EC PARAMETERS-----\n"
                                         "BggqhkjOPQMBBw==\n"
                                         "-----END EC PARAMETERS-----\n");
    using Options = TlsServerOptions;
    const std::vector<TlsMistake<Options>> mistakes{
        {"dh_parameters", "/no/such.pem", [](Options& options) { options.dh_parameters = "/no/such.pem"; }},
        {"dh_parameters", nonsense, [&](Options& options) { options.dh_parameters = nonsense; }},
        {"dh_parameters", other_kind, [&](Options& options) { options.dh_parameters = other_kind; }},
        {"dh_parameters", "server.pem", [](Options& options) { options.dh_parameters = file("server.pem"); }},
    };
    expect_all_named<Options>(mistakes, server_options(), TlsContext::server);
}

TEST_F(TlsContextMistakesTest, dh_parameters_from_a_file_and_from_contents) {
    TlsServerOptions options = server_options();
    options.dh_parameters = file("dh2048.pem");
    EXPECT_TRUE(TlsContext::server(options).status()) << TlsContext::server(options).status();
    options.dh_parameters = TlsInput::contents(contents(file("dh2048.pem")));
    EXPECT_TRUE(TlsContext::server(options).status()) << TlsContext::server(options).status();
}

TEST_F(TlsContextMistakesTest, mistakes_in_client_trust_are_named_with_their_values) {
    const std::string nonsense = write("nonsense.pem", "nonsense");
    const std::string empty = write("empty.pem", "");
    using Options = TlsServerOptions;
    const auto trust = [](Options& options, const std::string& path) {
        options.client_certificate = TlsClientCertificate::required;
        options.client_trust.ca_file = path;
    };
    const std::vector<TlsMistake<Options>> mistakes{
        {"client_certificate", "client_trust",
         [](Options& options) { options.client_certificate = TlsClientCertificate::required; }},
        {"client_certificate", "client_trust",
         [](Options& options) { options.client_certificate = TlsClientCertificate::optional; }},
        {"client_trust.ca_file", "/no/such.pem", [&](Options& options) { trust(options, "/no/such.pem"); }},
        {"client_trust.ca_file", nonsense, [&](Options& options) { trust(options, nonsense); }},
        {"client_trust.ca_file", empty, [&](Options& options) { trust(options, empty); }},
    };
    expect_all_named<Options>(mistakes, server_options(), TlsContext::server);
}

TEST_F(TlsContextMistakesTest, mistakes_of_clients_are_named_with_their_values) {
    const std::string nonsense = write("nonsense.pem", "nonsense");
    const std::string damaged = write(
        "damaged.pem", contents(file("ca.pem")) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    using Options = TlsClientOptions;
    const std::vector<TlsMistake<Options>> mistakes{
        {"trust.ca_file", "/no/such.pem", [](Options& options) { options.trust.ca_file = "/no/such.pem"; }},
        {"trust.ca_file", nonsense, [&](Options& options) { options.trust.ca_file = nonsense; }},
        {"trust.ca_file", damaged, [&](Options& options) { options.trust.ca_file = damaged; }},
        {"identity.certificate", "/no/such.pem",
         [](Options& options) { options.identity = {.certificate = "/no/such.pem"}; }},
        {"identity.certificate", "client.pem",
         [](Options& options) {
             options.identity = identity("client");
             options.identity.key = file("server.key");
         }},
        {"identity.pfx", "client.pfx", [](Options& options) { options.identity = {.pfx = file("client.pfx")}; }},
        {"identity.certificate", "empty", [](Options& options) { options.identity = {.key = file("client.key")}; }},
    };
    expect_all_named<Options>(mistakes, client_options(), TlsContext::client);
}

}  // namespace
}  // namespace pollux::test
