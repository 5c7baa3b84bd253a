// A TLS session: what came from the peer goes in, plaintext and what is for the peer come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

#include <openssl/ssl.h>

#include <pollux/bytes.h>

namespace pollux {

struct SslDeleter {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
using SslPointer = std::unique_ptr<SSL, SslDeleter>;

/// Makes no system call and owns no buffer: OpenSSL reads from the caller's input and writes to the caller's output
/// through a BIO that keeps nothing. One thread.
class TlsSession {
public:
    /// The plaintext of one record (RFC 8446, 5.1).
    static constexpr std::size_t max_record_bytes = 16 * 1024;

    /// Gives what came from the peer. It may not call back into the session.
    class Input {
    public:
        /// Fills the front of `bytes`, straight where it is decrypted. Returns how much; 0 if there is nothing now.
        virtual std::size_t on_wanted(MutableBytes bytes) = 0;

        /// True if `on_wanted` would return 0, so that it need not be asked.
        [[nodiscard]] virtual bool exhausted() const = 0;

    protected:
        ~Input() = default;
    };

    /// Takes what is to be sent to the peer, all of it, while it is called. It may not call back into the session.
    class Output {
    public:
        virtual void on_encrypted(Bytes bytes) = 0;

    protected:
        ~Output() = default;
    };

    enum class Step : std::uint8_t {
        wants_input,  ///< It can go on.
        done,         ///< handshake: it is complete. What came behind it may be in the session already.
        ended,        ///< decrypt: the peer's close_notify came; what follows it is nothing's business.
        failed,       ///< `error()` tells why. The session is of no further use; a TLS alert was output.
    };

    struct Decrypted {
        Step step;
        std::size_t bytes;  ///< Plaintext, whatever the step.
    };

    /// Takes over a session that knows its role (SSL_set_accept_state or SSL_set_connect_state) and has no BIO.
    explicit TlsSession(SslPointer ssl);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    /// Goes on with the handshake, as far as the input lasts. A client begins it with an input that is exhausted.
    [[nodiscard]] Step handshake(Input& input, Output& output);

    /// Decrypts until there is a record's worth of plaintext, or no room, or no input. With `wants_input`, no bytes
    /// mean that the input is used up.
    [[nodiscard]] Decrypted decrypt(Input& input, MutableBytes plaintext, Output& output);

    /// Encrypts up to `max_record_bytes` as one record. False if the session failed.
    [[nodiscard]] bool encrypt(Bytes plaintext, Output& output);

    /// Outputs close_notify: nothing can be encrypted afterwards.
    void close(Output& output);

    /// From now on OpenSSL keeps its record buffers, until `release_buffers`.
    void keep_buffers() noexcept { SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS); }

    /// Gives OpenSSL's record buffers back, as far as they are empty.
    void release_buffers() noexcept { SSL_free_buffers(ssl_.get()); }

    /// Why a step failed: in `certificate_category` if the peer's certificate was refused, else in `tls_category`.
    [[nodiscard]] std::error_code error() const noexcept { return error_; }

    [[nodiscard]] const SSL* native() const noexcept { return ssl_.get(); }

private:
    friend struct TlsBio;
    class Operation;

    [[nodiscard]] Step step_after(int result);
    void fail();

    SslPointer ssl_;
    // During an operation only.
    Input* input_ = nullptr;
    Output* output_ = nullptr;

    std::error_code error_;
};

}  // namespace pollux
