// A TLS peer of OpenSSL and a raw socket that may misbehave: hold its flights, cut them, and send what it likes.
#pragma once

#include <openssl/ssl.h>
#include <pollux/tls.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/raw_socket.h"

namespace pollux::test {

/// Bytes as OpenSSL takes them.
[[nodiscard]] inline const unsigned char* unsigned_data(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// The path of a generated file, as in "server.pem".
[[nodiscard]] std::string certificate_file(std::string_view name);

/// What the peer is.
enum class TlsRole : std::uint8_t { client, server };

struct TlsPeerOptions {
    TlsVersion min_version = TlsVersion::tls1_2;
    TlsVersion max_version = TlsVersion::tls1_3;
    std::string identity{};     ///< "client" for client.pem and client.key; empty for none.
    std::string server_name{};  ///< A client's: what it asks for (SNI).
    std::vector<std::string> alpn{};
    std::string suites{};      ///< Of TLS 1.3; empty for OpenSSL's.
    std::string signatures{};  ///< Signature algorithms that it has, in OpenSSL's notation; empty for OpenSSL's.
    bool ask_for_certificate = false;
    bool tickets = true;
    bool keep_secrets = false;  ///< For one peer at a time.
};

/// What many peers share, so that making one costs little.
class TlsPeerContext {
public:
    TlsPeerContext(TlsRole role, const TlsPeerOptions& options);

    [[nodiscard]] TlsRole role() const { return role_; }
    [[nodiscard]] SSL_CTX* get() const { return context_.get(); }
    [[nodiscard]] const std::string& server_name() const { return server_name_; }

    /// A secret of the last handshake, as in "CLIENT_TRAFFIC_SECRET_0"; empty if there was none of that name.
    [[nodiscard]] std::string secret(std::string_view label) const;

private:
    TlsRole role_;
    std::string server_name_;
    // Both outlive the SSL_CTX, which refers to them.
    std::shared_ptr<const std::string> alpn_;
    std::shared_ptr<std::vector<std::string>> secrets_;
    std::shared_ptr<SSL_CTX> context_;
};

/// How a peer hands bytes to its socket.
using Delivery = std::function<bool(const RawSocket&, std::string_view)>;

bool deliver_whole(const RawSocket& socket, std::string_view bytes);
bool deliver_bytewise(const RawSocket& socket, std::string_view bytes);

/// Joins what was sealed. An addition would leave open which operand is made, and so numbered, first.
[[nodiscard]] std::string in_order(std::initializer_list<std::string_view> records);

/// What a peer saw last on its stream.
enum class TlsEnd : std::uint8_t {
    none,          ///< Nothing: it waited for too long, or did not look.
    close_notify,  ///< The end, said by TLS.
    truncated,     ///< The end of the socket's stream, and not of TLS's.
    reset,         ///< Any error of the socket.
    failed,        ///< OpenSSL refused to go on, or an alert came.
};

/// Blocking. Between its calls everything is still: OpenSSL reads and writes memory, and only what is asked for goes to
/// or comes from the socket. One thread may receive while another one sends.
class TlsPeer {
public:
    TlsPeer() = default;
    TlsPeer(RawSocket socket, const TlsPeerContext& context);
    TlsPeer(RawSocket socket, TlsRole role, const TlsPeerOptions& options = {});

    /// Connects; nothing is sent yet.
    static TlsPeer connect(const SocketAddress& to, const TlsPeerOptions& options = {});

    [[nodiscard]] bool valid() const { return ssl_ != nullptr && socket_.valid(); }
    [[nodiscard]] RawSocket& socket() { return socket_; }
    [[nodiscard]] const RawSocket& socket() const { return socket_; }

    // The handshake, in one go or a flight at a time.

    /// A client's: tries to resume a session. Before the handshake.
    void offer(const std::shared_ptr<SSL_SESSION>& session);

    /// True if it came to an end that both sides can talk after.
    [[nodiscard]] bool handshake(const Delivery& deliver = deliver_whole);

    /// Goes as far as it can with what it has heard, and returns what it would say to that: a flight, or nothing.
    [[nodiscard]] std::string next_flight();

    /// Waits for bytes from the socket and gives them to OpenSSL. False if none will come.
    bool hear();

    /// The same with bytes from elsewhere.
    void hear(std::string_view bytes);

    [[nodiscard]] bool established() const;
    [[nodiscard]] bool failed() const { return end_ == TlsEnd::failed; }

    // Bytes as they go over the wire, for the caller to send, cut or change.

    [[nodiscard]] std::string seal(std::string_view plain);
    [[nodiscard]] std::string seal_close_notify();
    [[nodiscard]] std::string seal_key_update(bool ask_for_another);
    [[nodiscard]] std::string seal_renegotiation();  ///< TLS 1.2.

    // Talk.

    bool send(std::string_view plain, const Delivery& deliver = deliver_whole);

    /// Says close_notify and goes on receiving.
    bool finish_sending();

    /// The orderly end: close_notify both ways, then the socket. False if it was not orderly.
    bool shut_down();

    /// Leaves without a word.
    void close() { socket_.close(); }

    /// Exactly `size` bytes, fewer only at the end; see `end()`.
    [[nodiscard]] std::string receive(std::size_t size);

    /// At most `size` bytes; empty at the end.
    [[nodiscard]] std::string receive_some(std::size_t size);

    struct Rest {
        std::string bytes;
        TlsEnd end = TlsEnd::none;
    };
    /// Everything until the end.
    [[nodiscard]] Rest receive_rest();

    [[nodiscard]] TlsEnd end() const { return end_; }

    /// OpenSSL's words about why it failed.
    [[nodiscard]] const std::string& failure() const { return failure_; }

    // What was agreed on.

    [[nodiscard]] std::string version() const;
    [[nodiscard]] std::string alpn() const;
    [[nodiscard]] bool resumed() const;
    [[nodiscard]] std::string peer_subject() const;  ///< "CN=localhost", or empty.
    [[nodiscard]] std::string peer_certificate_pem() const;
    [[nodiscard]] long verify_result() const;  ///< X509_V_ERR number.
    [[nodiscard]] std::shared_ptr<SSL_SESSION> session() const;

private:
    struct Locks {
        std::mutex ssl;
        std::mutex sending;  // taken before `ssl`: what is encrypted first must be sent first
    };

    [[nodiscard]] std::string take_output();
    void note_failure();
    void answer();

    RawSocket socket_;
    std::shared_ptr<SSL> ssl_;
    std::unique_ptr<Locks> locks_;
    TlsEnd end_ = TlsEnd::none;
    std::string failure_;
};

}  // namespace pollux::test
