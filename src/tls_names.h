// The names that a certificate is for.
#pragma once

#include <memory>
#include <string_view>

#include <openssl/x509v3.h>

#include "tls_identity.h"

namespace pollux {

/// Visits every subject alternative name of a certificate, as a `const GENERAL_NAME&`: DNS names, addresses and others.
template <class Visit>
void for_each_alternative_name(const X509* certificate, const Visit& visit) {
    const std::unique_ptr<GENERAL_NAMES, OpenSslDeleter<GENERAL_NAMES_free>> names{
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
    // OpenSSL counts -1 where there is no list.
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) visit(*sk_GENERAL_NAME_value(names.get(), i));
}

/// The text of a name of type GEN_DNS.
[[nodiscard]] inline std::string_view dns_text(const GENERAL_NAME& name) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(name.d.dNSName))};
}

}  // namespace pollux
