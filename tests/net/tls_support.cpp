// Contexts, pairs and the fixture of the TLS tests.
#include "tls_support.h"

#include <cerrno>
#include <cstring>
#include <ostream>

#ifdef __SANITIZE_THREAD__
/// OpenSSL is not instrumented: that the last owner of a session or a context frees it, with what is attached to it
/// (free_extra), after the others have let go is ordered by its reference count, which the sanitizer does not see.
extern "C" const char* __tsan_default_suppressions();  // NOLINT
extern "C" const char* __tsan_default_suppressions() {
    return "called_from_lib:libcrypto.so.3\ncalled_from_lib:libssl.so.3\nrace:free_extra\n";
}
#endif

namespace pollux {

void PrintTo(TlsVersion version, std::ostream* out) {
    *out << (version == TlsVersion::tls1_2 ? "TLS 1.2" : "TLS 1.3");
}

}  // namespace pollux

namespace pollux::test {

void PrintTo(TlsEnd end, std::ostream* out) {
    switch (end) {
        case TlsEnd::none:
            *out << "no end";
            break;
        case TlsEnd::close_notify:
            *out << "close_notify";
            break;
        case TlsEnd::truncated:
            *out << "truncated";
            break;
        case TlsEnd::reset:
            *out << "reset";
            break;
        case TlsEnd::failed:
            *out << "failed";
            break;
    }
}

TlsServerOptions server_options(const std::string& identity) {
    return {.certificate = certificate_file(identity + ".pem"), .key = certificate_file(identity + ".key")};
}

TlsClientOptions client_options() {
    return {.trust = {.ca_file = certificate_file("ca.pem")}};
}

TlsContext server_context() {
    static const TlsContext context = TlsContext::server(server_options());
    return context;
}

TlsContext client_context() {
    return TlsContext::client(client_options());
}

TlsPeerOptions only(TlsVersion version) {
    return {.min_version = version, .max_version = version};
}

ClientOptions secure_client_of(const SocketAddress& address, TlsContext tls) {
    ClientOptions options{.endpoint = endpoint_of(address), .tls = std::move(tls)};
    if (address.family == SocketAddress::Family::unix_domain) options.server_name = "localhost";
    return options;
}

TlsPair::TlsPair(Engine& engine, Transport transport, Side side, Recorder& recorder, Hooks hooks,
                 ConnectionOptions options, TlsPeerOptions peer_options, int peer_receive_buffer_bytes) {
    if (side == Side::server) {
        server = std::make_unique<Server<Recording>>(
            engine,
            ServerOptions{.endpoint = fresh_endpoint(transport), .connection = options, .tls = server_context()},
            std::ref(recorder), std::move(hooks));
        const Status status = server->start();
        EXPECT_TRUE(status) << status;
        peer = {RawSocket::connect(server->address(), peer_receive_buffer_bytes), TlsRole::client, peer_options};
    } else {
        listener = std::make_unique<RawListener>(transport);
        ClientOptions client_options = secure_client_of(listener->address());
        client_options.connection = options;
        client = std::make_unique<Client<Recording>>(engine, std::move(client_options), std::ref(recorder),
                                                     std::move(hooks));
        const Status status = client->start();
        EXPECT_TRUE(status) << status;
        if (peer_options.identity.empty()) peer_options.identity = "server-ecdsa";
        peer = {listener->accept(), TlsRole::server, peer_options};
    }
    EXPECT_TRUE(peer.valid()) << std::strerror(errno);
    // A handler that aborts in on_open may be gone before the peer is done.
    EXPECT_TRUE(peer.handshake() || !peer.failed()) << peer.failure();
}

std::unique_ptr<Client<Recording>> TlsTest::connect_client(ClientOptions options, Hooks hooks) {
    auto client =
        std::make_unique<Client<Recording>>(engine, std::move(options), std::ref(client_seen), std::move(hooks));
    const Status status = client->start();
    EXPECT_TRUE(status) << status;
    return client;
}

TlsPeer TlsTest::join(const ServerBase& server, const TlsPeerOptions& options) {
    TlsPeer peer = TlsPeer::connect(server.address(), options);
    EXPECT_TRUE(peer.handshake()) << peer.failure();
    return peer;
}

void TlsTest::with_connection(ConnectionId id, const std::function<void(Connection&)>& work) {
    for (std::size_t index = 0; index < engine.reactors(); ++index) {
        run_on(engine.reactor(index), [&] {
            if (Connection* connection = Reactor::current()->find(id)) work(*connection);
        });
    }
}

HandshakeError TlsTest::handshake_error() {
    EXPECT_TRUE(seen.wait_for_handshake_errors(1));
    const Recorder::Seen now = seen.seen();
    EXPECT_EQ(now.handshake_errors.size(), 1u);
    return now.handshake_errors.empty() ? HandshakeError{} : now.handshake_errors.front();
}

std::error_code TlsTest::connect_error() {
    EXPECT_TRUE(client_seen.wait_for_connect_errors(1));
    const Recorder::Seen now = client_seen.seen();
    EXPECT_EQ(now.connect_errors.size(), 1u);
    return now.connect_errors.empty() ? std::error_code{} : now.connect_errors.front().error;
}

}  // namespace pollux::test
