// What the TLS tests share: contexts, servers that encrypt, and pairs of Pollux with a TLS peer.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "support.h"
#include "tls_peer.h"

namespace pollux {

void PrintTo(TlsVersion version, std::ostream* out);

}  // namespace pollux

namespace pollux::test {

void PrintTo(TlsEnd end, std::ostream* out);

inline constexpr TlsVersion both_versions[] = {TlsVersion::tls1_2, TlsVersion::tls1_3};

/// "server-ecdsa" stands for server-ecdsa.pem and server-ecdsa.key.
[[nodiscard]] TlsServerOptions server_options(const std::string& identity = "server-ecdsa");

/// Trusts the development authority.
[[nodiscard]] TlsClientOptions client_options();

/// The same as contexts.
[[nodiscard]] TlsContext server_context();
[[nodiscard]] TlsContext client_context();

/// A peer that has only this version.
[[nodiscard]] TlsPeerOptions only(TlsVersion version);

/// A client of an address that trusts the development authority, by the name "localhost" where the address has none.
[[nodiscard]] ClientOptions secure_client_of(const SocketAddress& address, TlsContext tls = client_context());

/// One Pollux connection, of a server or of a client, against a TLS peer. The handshake is done.
struct TlsPair {
    TlsPair(Engine& engine, Transport transport, Side side, Recorder& recorder, Hooks hooks,
            ConnectionOptions options = {}, TlsPeerOptions peer_options = {}, int peer_receive_buffer_bytes = 0);

    std::unique_ptr<Server<Recording>> server{};
    std::unique_ptr<RawListener> listener{};
    std::unique_ptr<Client<Recording>> client{};
    TlsPeer peer{};
};

class TlsTest : public NetTest {
protected:
    /// A server that encrypts, with the usual identity unless `options.tls` is another.
    [[nodiscard]] std::unique_ptr<Server<Recording>> serve_tls(Hooks hooks = {}, ServerOptions options = {}) {
        if (!options.tls) options.tls = server_context();
        return serve(std::move(hooks), std::move(options));
    }

    /// A client of Pollux that begins to connect.
    [[nodiscard]] std::unique_ptr<Client<Recording>> connect_client(ClientOptions options, Hooks hooks = {});

    /// A peer that has shaken hands.
    [[nodiscard]] static TlsPeer join(const ServerBase& server, const TlsPeerOptions& options = {});

    /// Runs `work` with the connection of an id, on its thread, if it is alive.
    void with_connection(ConnectionId id, const std::function<void(Connection&)>& work);

    /// What the only handshake error so far was.
    [[nodiscard]] HandshakeError handshake_error();

    /// What the only failure to connect so far was.
    [[nodiscard]] std::error_code connect_error();
};

}  // namespace pollux::test
