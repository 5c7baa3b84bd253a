// New certificates while a server runs: for new handshakes only, and only if nothing is wrong with them.
#include <filesystem>
#include <fstream>

#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsReloadTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsReloadTest, everywhere, setting_name);

/// A folder with a certificate and a key that can be replaced.
class Folder {
public:
    Folder() : path_(fresh_path()) { std::filesystem::create_directory(path_); }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void put(const std::string& identity) const {
        const auto overwrite = std::filesystem::copy_options::overwrite_existing;
        std::filesystem::copy_file(certificate_file(identity + ".pem"), certificate(), overwrite);
        std::filesystem::copy_file(certificate_file(identity + ".key"), key(), overwrite);
    }
    void damage() const { std::ofstream{certificate()} << "no certificate"; }

    [[nodiscard]] std::string certificate() const { return path_ + "/current.pem"; }
    [[nodiscard]] std::string key() const { return path_ + "/current.key"; }
    [[nodiscard]] TlsServerOptions options() const { return {.certificate = certificate(), .key = key()}; }

private:
    std::string path_;
};

void expect_echo(TlsPeer& peer) {
    ASSERT_TRUE(peer.send("hello"));
    EXPECT_EQ(peer.receive(5), "hello");
}

TEST_P(TlsReloadTest, new_handshakes_get_the_new_certificate_and_old_connections_go_on) {
    const Folder folder;
    folder.put("server-ecdsa");
    TlsContext tls = TlsContext::server(folder.options());
    auto server = serve_tls({.on_data = echo}, {.tls = tls});
    for (const TlsVersion version : both_versions) {
        TlsPeer old = join(*server, only(version));
        EXPECT_EQ(old.peer_subject(), "CN=localhost");
        TlsPeer halfway = TlsPeer::connect(server->address(), only(version));
        ASSERT_TRUE(halfway.socket().send(halfway.next_flight()));
        ASSERT_TRUE(halfway.hear());

        folder.put("exact");
        Status status = tls.reload();
        ASSERT_TRUE(status) << status;
        TlsPeer fresh = join(*server, only(version));
        EXPECT_EQ(fresh.peer_subject(), "CN=www.example.test");
        expect_echo(fresh);
        expect_echo(old);
        ASSERT_TRUE(halfway.handshake()) << "a handshake ends as it began: " << halfway.failure();
        EXPECT_EQ(halfway.peer_subject(), "CN=localhost");
        expect_echo(halfway);

        folder.put("server-ecdsa");
        status = tls.reload();
        ASSERT_TRUE(status) << status;
        EXPECT_EQ(join(*server, only(version)).peer_subject(), "CN=localhost");
        expect_echo(fresh);
        expect_echo(old);
    }
}

TEST_P(TlsReloadTest, a_bad_reload_changes_nothing) {
    const Folder folder;
    folder.put("server-ecdsa");
    TlsContext tls = TlsContext::server(folder.options());
    auto server = serve_tls({.on_data = echo}, {.tls = tls});
    TlsPeer old = join(*server);
    folder.damage();
    Status status = tls.reload();
    EXPECT_FALSE(status);
    EXPECT_NE(status.message().find(folder.certificate()), std::string::npos) << status;
    EXPECT_TRUE(tls.status()) << "it can be used as before";
    EXPECT_EQ(join(*server).peer_subject(), "CN=localhost");
    status = tls.reload(server_options("missing"));
    EXPECT_FALSE(status);
    EXPECT_EQ(join(*server).peer_subject(), "CN=localhost");
    status = tls.reload(client_options());
    EXPECT_FALSE(status) << "a server's context is no client's";
    expect_echo(old);
    folder.put("exact");
    status = tls.reload();
    EXPECT_TRUE(status) << status;
    EXPECT_EQ(join(*server).peer_subject(), "CN=www.example.test");
    expect_echo(old);
}

TEST_P(TlsReloadTest, with_other_options) {
    TlsContext tls = TlsContext::server(server_options());
    auto server = serve_tls({.on_data = echo}, {.tls = tls});
    TlsPeer old = join(*server);
    EXPECT_EQ(old.version(), "TLSv1.3");
    TlsServerOptions options = server_options("exact");
    options.protocol.max_version = TlsVersion::tls1_2;
    options.protocol.alpn = {"chat"};
    options.client_certificate = TlsClientCertificate::required;
    options.client_trust.ca_file = certificate_file("ca.pem");
    const Status status = tls.reload(options);
    ASSERT_TRUE(status) << status;
    TlsPeerOptions with_certificate;
    with_certificate.identity = "client-ecdsa";
    with_certificate.alpn = {"chat"};
    TlsPeer fresh = join(*server, with_certificate);
    EXPECT_EQ(fresh.version(), "TLSv1.2");
    EXPECT_EQ(fresh.peer_subject(), "CN=www.example.test");
    EXPECT_EQ(fresh.alpn(), "chat");
    EXPECT_FALSE(TlsPeer::connect(server->address()).handshake()) << "without a certificate";
    expect_echo(old);
    expect_echo(fresh);
}

TEST_P(TlsReloadTest, a_client_trusts_somebody_else_from_now_on) {
    auto server = serve_tls({.on_data = echo}, {.tls = TlsContext::server(server_options("untrusted"))});
    TlsContext tls = client_context();
    ClientOptions options = secure_client_of(server->address(), tls);
    options.reconnect = {.enabled = true, .delay = 5ms, .growth = 1.0, .max_delay = 50ms};
    auto client = connect_client(std::move(options));
    ASSERT_TRUE(client_seen.wait_for_connect_errors(1));
    EXPECT_EQ(client_seen.seen().connect_errors[0].error.category(), certificate_category());
    TlsClientOptions other = client_options();
    other.trust.ca_file = certificate_file("untrusted-ca.pem");
    const Status status = tls.reload(other);
    ASSERT_TRUE(status) << status;
    EXPECT_TRUE(client_seen.wait_for_opens(1));
}

TEST_P(TlsReloadTest, a_client_that_trusts_no_longer_does_not_resume) {
    auto server = serve_tls({.on_open = [](Connection& connection) { connection.send("!"); }, .on_data = echo});
    TlsContext tls = client_context();
    ClientOptions options = secure_client_of(server->address(), tls);
    options.reconnect = {.enabled = true, .delay = 5ms, .growth = 1.0, .max_delay = 50ms};
    auto client = connect_client(std::move(options));
    ASSERT_TRUE(client_seen.wait_for_bytes(1));  // the tickets came before it
    TlsClientOptions other = client_options();
    other.trust.ca_file = certificate_file("untrusted-ca.pem");
    const Status status = tls.reload(other);
    ASSERT_TRUE(status) << status;
    client->reconnect();
    ASSERT_TRUE(client_seen.wait_for_connect_errors(1));
    EXPECT_EQ(client_seen.seen().connect_errors[0].error.category(), certificate_category());
    EXPECT_EQ(client_seen.seen().opens, 1u);
}

TEST_P(TlsReloadTest, threads_reload_while_clients_come) {
    TlsContext tls = TlsContext::server(server_options());
    TlsContext client_tls = client_context();
    auto server = serve_tls({.on_data = echo}, {.tls = tls});
    std::atomic<bool> go_on{true};
    std::vector<std::thread> reloaders;
    for (int thread = 0; thread < 2; ++thread) {
        reloaders.emplace_back([&, thread] {
            for (std::size_t round = 0; go_on; ++round) {
                const Status status = thread == 0 ? client_tls.reload()
                                                  : tls.reload(server_options(round % 2 == 0 ? "exact" : "chained"));
                EXPECT_TRUE(status) << status;
            }
        });
    }
    const TlsPeerContext context{TlsRole::client, {}};
    for (std::size_t round = 0; round < scaled(60); ++round) {
        TlsPeer peer{RawSocket::connect(server->address()), context};
        ASSERT_TRUE(peer.handshake()) << peer.failure();
        expect_echo(peer);
        Recorder record;
        Client<Recording> client{engine, secure_client_of(server->address(), client_tls), std::ref(record)};
        ASSERT_TRUE(client.start());
        ASSERT_TRUE(record.wait_until([](const auto& now) { return now.opens + now.connect_errors.size() != 0; }));
        client.stop();
    }
    go_on = false;
    for (std::thread& thread : reloaders) thread.join();
}

}  // namespace
}  // namespace pollux::test
