// Certificates and keys, read from files and memory.
#include "tls_identity.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "ascii.h"
#include "option_checks.h"
#include "proto/tls_error.h"
#include "tls_names.h"

namespace pollux {

namespace {

/// What OpenSSL's password callback needs.
struct Password {
    const TlsIdentity* identity;
    bool missing = false;  // it was asked for, and there is none

    [[nodiscard]] std::string get() const {
        if (!identity->password.empty() || !identity->password_callback) return identity->password;
        return identity->password_callback();
    }
};

/// OpenSSL asks only for what is encrypted. Without a password it is told so: left alone, it would ask the terminal.
int give_password(char* buffer, int size, int /*for_writing*/, void* user) {
    const std::string password = static_cast<const Password*>(user)->get();
    static_cast<Password*>(user)->missing = password.empty();
    if (password.empty() || password.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(buffer, password.data(), password.size());
    return static_cast<int>(password.size());
}

/// Appends every certificate that follows in `bio`. True if the end was reached in order.
bool read_chain(BIO* bio, STACK_OF(X509) * chain) {
    while (X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) {
        if (sk_X509_push(chain, certificate) == 0) {
            X509_free(certificate);
            return false;
        }
    }
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (at_end) ERR_clear_error();
    return at_end;
}

Status load_pfx(const TlsIdentity& identity, const std::string& options, LoadedIdentity& out) {
    std::string bytes;
    const std::string option = options + "pfx";
    if (const Status status = read_tls_input(identity.pfx, option, bytes); !status) return status;
    const BioPointer bio = open_memory(bytes);
    const std::unique_ptr<PKCS12, OpenSslDeleter<PKCS12_free>> pfx{d2i_PKCS12_bio(bio.get(), nullptr)};
    if (pfx == nullptr) return tls_failure(option, identity.pfx);
    EVP_PKEY* key = nullptr;
    X509* certificate = nullptr;
    STACK_OF(X509)* chain = nullptr;
    const std::string password = Password{&identity}.get();
    const int parsed = PKCS12_parse(pfx.get(), password.c_str(), &key, &certificate, &chain);
    out.key.reset(key);
    out.certificate.reset(certificate);
    out.chain.reset(chain);
    if (parsed != 1) return tls_failure(option, identity.pfx);
    if (key == nullptr || certificate == nullptr) {
        return bad_option(describe_input(option, identity.pfx) + ", which has no " +
                          (key == nullptr ? "key" : "certificate"));
    }
    if (out.chain == nullptr) out.chain.reset(sk_X509_new_null());
    return {};
}

Status load_pem(const TlsIdentity& identity, const std::string& options, LoadedIdentity& out) {
    std::string certificates;
    if (Status status = read_tls_input(identity.certificate, options + "certificate", certificates); !status)
        return status;
    const BioPointer bio = open_memory(certificates);
    out.certificate.reset(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    out.chain.reset(sk_X509_new_null());
    if (out.certificate == nullptr || !read_chain(bio.get(), out.chain.get())) {
        return tls_failure(options + "certificate", identity.certificate);
    }

    if (!identity.chain.empty()) {
        std::string chain;
        if (Status status = read_tls_input(identity.chain, options + "chain", chain); !status) return status;
        const int before = sk_X509_num(out.chain.get());
        if (!read_chain(open_memory(chain).get(), out.chain.get()) || sk_X509_num(out.chain.get()) == before) {
            return tls_failure(options + "chain", identity.chain);
        }
    }

    const bool key_apart = !identity.key.empty();
    std::string key = certificates;
    if (key_apart) {
        if (Status status = read_tls_input(identity.key, options + "key", key); !status) return status;
    }
    Password password{&identity};
    out.key.reset(PEM_read_bio_PrivateKey(open_memory(key).get(), nullptr, give_password, &password));
    if (out.key != nullptr) return {};
    const TlsInput& source = key_apart ? identity.key : identity.certificate;
    Status status = tls_failure(options + "key", source);
    if (!password.missing) return status;
    return {status.error(), describe_input(options + "key", source) + ", which is encrypted, and there is no password"};
}

}  // namespace

std::string describe_input(const std::string& option, const TlsInput& input) {
    return option + (input.is_contents() ? " (given by its contents)" : " is " + input.text());
}

Status tls_failure(const std::string& option, const std::string& value) {
    return {take_tls_error(), option + " is " + value};
}

Status tls_failure(const std::string& option, const TlsInput& input) {
    return {take_tls_error(), describe_input(option, input)};
}

Status read_tls_input(const TlsInput& input, const std::string& option, std::string& out) {
    if (input.is_contents()) {
        out = input.text();
        return {};
    }
    errno = 0;
    const std::filesystem::path path{std::u8string{input.text().begin(), input.text().end()}};
    std::ifstream file{path, std::ios::binary};
    std::ostringstream bytes;
    // A directory opens, and fails when it is read.
    if (file.is_open() && file.peek() != std::ifstream::traits_type::eof()) bytes << file.rdbuf();
    if (file.is_open() && !file.bad() && !bytes.bad()) {
        out = std::move(bytes).str();
        return {};
    }
    return {std::error_code{errno != 0 ? errno : EIO, std::generic_category()}, describe_input(option, input)};
}

BioPointer open_memory(const std::string& bytes) {
    return BioPointer{BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))};
}

Status load_identity(const TlsIdentity& identity, const std::string& options, LoadedIdentity& out) {
    ERR_clear_error();
    const bool any_pem = !identity.certificate.empty() || !identity.key.empty() || !identity.chain.empty();
    if (!identity.pfx.empty() && any_pem) {
        return bad_option(options + "pfx is given, and so is " + options + "certificate, key or chain");
    }
    if (identity.pfx.empty() && identity.certificate.empty()) {
        return bad_option(options + "certificate is empty, and so is " + options + "pfx");
    }
    return identity.pfx.empty() ? load_pem(identity, options, out) : load_pfx(identity, options, out);
}

std::vector<std::string> dns_names(const X509* certificate) {
    std::vector<std::string> names;
    for_each_alternative_name(certificate, [&](const GENERAL_NAME& name) {
        if (name.type == GEN_DNS) names.push_back(to_lower(dns_text(name)));
    });
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace pollux
