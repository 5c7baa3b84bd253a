// OpenSSL's errors as error codes.
#include "proto/tls_error.h"

#include <string>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <pollux/tls.h>

namespace pollux {

namespace {

class TlsCategory final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "tls"; }

    [[nodiscard]] std::string message(int value) const override {
        const auto code = static_cast<unsigned long>(value);
        if (const char* reason = ERR_reason_error_string(code)) return reason;
        std::string text(256, '\0');
        ERR_error_string_n(code, text.data(), text.size());
        text.resize(text.find('\0'));
        return text;
    }
};

class CertificateCategory final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "certificate"; }
    [[nodiscard]] std::string message(int value) const override { return X509_verify_cert_error_string(value); }
};

}  // namespace

const std::error_category& tls_category() noexcept {
    static const TlsCategory category;
    return category;
}

const std::error_category& certificate_category() noexcept {
    static const CertificateCategory category;
    return category;
}

std::error_code take_tls_error() noexcept {
    unsigned long chosen = 0;
    while (const unsigned long code = ERR_get_error()) {
        // Errors of the system are flagged in the highest bit and have a category of their own.
        if (ERR_SYSTEM_ERROR(code)) continue;
        const bool better = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_LIB(chosen) != ERR_LIB_SSL;
        if (chosen == 0 || better) chosen = code;
    }
    if (chosen == 0) chosen = ERR_PACK(ERR_LIB_SSL, 0, ERR_R_INTERNAL_ERROR);
    return {static_cast<int>(chosen), tls_category()};
}

}  // namespace pollux
