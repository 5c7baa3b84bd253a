// Certificates and keys, read from files and memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <pollux/tls.h>

namespace pollux {

/// Frees what OpenSSL made, by the function for its type.
template <auto function>
struct OpenSslDeleter {
    template <class T>
    void operator()(T* object) const noexcept {
        function(object);
    }
};

struct CertificateStackDeleter {
    void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};

using BioPointer = std::unique_ptr<BIO, OpenSslDeleter<BIO_free>>;
using X509Pointer = std::unique_ptr<X509, OpenSslDeleter<X509_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, OpenSslDeleter<EVP_PKEY_free>>;
using CertificateStack = std::unique_ptr<STACK_OF(X509), CertificateStackDeleter>;

/// The contents of an input. On failure the status names the option and the file.
[[nodiscard]] Status read_tls_input(const TlsInput& input, const std::string& option, std::string& out);

/// An option and what it is set to, for a status.
[[nodiscard]] std::string describe_input(const std::string& option, const TlsInput& input);

/// The status of something that OpenSSL refused: its error, and a sentence that names the option and the file.
[[nodiscard]] Status tls_failure(const std::string& option, const TlsInput& input);
[[nodiscard]] Status tls_failure(const std::string& option, const std::string& value);

/// OpenSSL reads from memory that `bytes` keeps.
[[nodiscard]] BioPointer open_memory(const std::string& bytes);

/// An identity that was read. Whether key and certificate belong together is checked when it is put into a context.
struct LoadedIdentity {
    X509Pointer certificate;
    KeyPointer key;
    CertificateStack chain;
};

/// Reads an identity. `options` is what its members are part of, as in "TlsServerOptions::".
[[nodiscard]] Status load_identity(const TlsIdentity& identity, const std::string& options, LoadedIdentity& out);

/// The DNS names that a certificate is for, in lower case.
[[nodiscard]] std::vector<std::string> dns_names(const X509* certificate);

}  // namespace pollux
