// A TLS session.
#include "proto/tls_session.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <openssl/bio.h>
#include <openssl/err.h>

#include <pollux/tls.h>

#include "proto/tls_error.h"

namespace pollux {

/// The BIO that every session has for both directions.
struct TlsBio {
    static TlsSession& session(BIO* bio) noexcept { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* out, std::size_t size, std::size_t* count) {
        BIO_clear_retry_flags(bio);
        TlsSession::Input* input = session(bio).input_;
        *count = input != nullptr ? input->on_wanted({reinterpret_cast<std::byte*>(out), size}) : 0;
        if (*count == 0) BIO_set_retry_read(bio);
        return *count != 0 ? 1 : 0;
    }

    static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* count) {
        BIO_clear_retry_flags(bio);
        TlsSession::Output* output = session(bio).output_;
        if (output != nullptr) output->on_encrypted({reinterpret_cast<const std::byte*>(bytes), size});
        *count = size;
        return 1;
    }

    static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;  // nothing is kept, so everything is flushed
    }

    static int create(BIO* bio) {
        BIO_set_init(bio, 1);
        return 1;
    }

    static const BIO_METHOD* method() {
        static BIO_METHOD* const method = [] {
            BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pollux");
            if (made == nullptr) throw std::bad_alloc{};
            BIO_meth_set_read_ex(made, read);
            BIO_meth_set_write_ex(made, write);
            BIO_meth_set_ctrl(made, control);
            BIO_meth_set_create(made, create);
            return made;
        }();
        return method;
    }
};

/// Lends the input and output of a call to the session's BIO.
class TlsSession::Operation {
public:
    Operation(TlsSession& session, Input* input, Output& output) : session_(session) {
        session.input_ = input;
        session.output_ = &output;
        ERR_clear_error();  // what others left on this thread would be taken for the reason of a failure
    }
    ~Operation() {
        session_.input_ = nullptr;
        session_.output_ = nullptr;
    }
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

private:
    TlsSession& session_;
};

TlsSession::TlsSession(SslPointer ssl) : ssl_(std::move(ssl)) {
    BIO* bio = BIO_new(TlsBio::method());
    if (bio == nullptr) throw std::bad_alloc{};
    BIO_set_data(bio, this);
    SSL_set_bio(ssl_.get(), bio, bio);
}

TlsSession::~TlsSession() {
    // A session that ended without close_notify may be resumed all the same: what truncation means was told.
    if (!error_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TlsSession::Step TlsSession::handshake(Input& input, Output& output) {
    const Operation operation{*this, &input, output};
    const int result = SSL_do_handshake(ssl_.get());
    return result == 1 ? Step::done : step_after(result);
}

TlsSession::Decrypted TlsSession::decrypt(Input& input, MutableBytes plaintext, Output& output) {
    const Operation operation{*this, &input, output};
    std::size_t total = 0;
    while (total < max_record_bytes && total < plaintext.size()) {
        // With nothing left OpenSSL could only say that it wants more.
        if (input.exhausted() && SSL_has_pending(ssl_.get()) == 0) break;
        std::size_t count = 0;
        const int result = SSL_read_ex(ssl_.get(), plaintext.data() + total, plaintext.size() - total, &count);
        total += count;
        if (result != 1) return {step_after(result), total};
    }
    return {Step::wants_input, total};
}

bool TlsSession::encrypt(Bytes plaintext, Output& output) {
    const Operation operation{*this, nullptr, output};
    std::size_t count = 0;
    if (SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &count) == 1) return true;
    fail();
    return false;
}

void TlsSession::close(Output& output) {
    if (error_) return;
    const Operation operation{*this, nullptr, output};
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

TlsSession::Step TlsSession::step_after(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return Step::wants_input;
        case SSL_ERROR_ZERO_RETURN:
            return Step::ended;
        default:
            fail();
            return Step::failed;
    }
}

/// The first reason stays: whatever is tried afterwards fails because of it.
void TlsSession::fail() {
    if (error_) return;
    error_ = take_tls_error();
    const long verify_result = SSL_get_verify_result(ssl_.get());
    if (verify_result != X509_V_OK &&
        ERR_GET_REASON(static_cast<unsigned long>(error_.value())) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        error_ = {static_cast<int>(verify_result), certificate_category()};
    }
}

}  // namespace pollux
