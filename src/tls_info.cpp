// What is known about a session, in the public words.
#include "tls_info.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <pollux/address.h>

#include "tls_identity.h"
#include "tls_names.h"

namespace pollux {

namespace {

/// What a function writes into a memory BIO.
template <class Write>
std::string written_by(const Write& write) {
    const BioPointer bio{BIO_new(BIO_s_mem())};
    if (bio == nullptr) return {};
    write(bio.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &bytes);
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string{};
}

std::string name_text(const X509_NAME* name) {
    return written_by([&](BIO* bio) { X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB); });
}

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

std::string ip_text(const ASN1_OCTET_STRING* bytes) {
    SocketAddress address;
    const auto* first = ASN1_STRING_get0_data(bytes);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(bytes));
    if (size != 4 && size != address.ip.size()) return hexadecimal(first, size);
    address.family = size == 4 ? SocketAddress::Family::ipv4 : SocketAddress::Family::ipv6;
    std::copy(first, first + size, address.ip.begin());
    // "127.0.0.1:0" or "[::1]:0".
    const std::string text = address.to_string();
    const std::size_t bracket = text.find(']');
    return bracket == std::string::npos ? text.substr(0, text.rfind(':')) : text.substr(1, bracket - 1);
}

std::vector<std::string> alternative_names(const X509* certificate) {
    std::vector<std::string> names;
    for_each_alternative_name(certificate, [&](const GENERAL_NAME& name) {
        if (name.type == GEN_DNS) {
            names.emplace_back(dns_text(name));
        } else if (name.type == GEN_IPADD) {
            names.push_back(ip_text(name.d.iPAddress));
        }
    });
    return names;
}

std::string serial_text(const X509* certificate) {
    const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
    return hexadecimal(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial)));
}

std::string fingerprint(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned int size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
    return hexadecimal(digest.data(), size);
}

/// Counted from 1970: no calendar of the platform, and no time zone, is asked.
std::chrono::system_clock::time_point to_time(const ASN1_TIME* time) {
    const std::unique_ptr<ASN1_TIME, OpenSslDeleter<ASN1_TIME_free>> epoch{ASN1_TIME_set(nullptr, 0)};
    int days = 0;
    int seconds = 0;
    if (epoch == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return {};
    return std::chrono::system_clock::time_point{std::chrono::hours{24} * days + std::chrono::seconds{seconds}};
}

TlsCertificate describe(const X509* certificate) {
    TlsCertificate description;
    description.subject = name_text(X509_get_subject_name(certificate));
    description.issuer = name_text(X509_get_issuer_name(certificate));
    description.serial_number = serial_text(certificate);
    description.names = alternative_names(certificate);
    description.sha256_fingerprint = fingerprint(certificate);
    description.not_before = to_time(X509_get0_notBefore(certificate));
    description.not_after = to_time(X509_get0_notAfter(certificate));
    description.pem = written_by([&](BIO* bio) { PEM_write_bio_X509(bio, const_cast<X509*>(certificate)); });
    return description;
}

}  // namespace

TlsInfo describe_tls(const SSL* ssl) {
    TlsInfo info;
    info.version = SSL_get_version(ssl);
    if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl)) info.cipher = SSL_CIPHER_get_name(cipher);
    const unsigned char* alpn = nullptr;
    unsigned int alpn_size = 0;
    SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
    if (alpn_size != 0) info.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
    if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) info.server_name = name;
    info.resumed = SSL_session_reused(ssl) == 1;
    if (const X509* certificate = SSL_get0_peer_certificate(ssl)) info.peer_certificate = describe(certificate);
    if (const long result = SSL_get_verify_result(ssl); result != X509_V_OK) {
        info.verify_result = {static_cast<int>(result), certificate_category()};
    }
    ERR_clear_error();
    return info;
}

}  // namespace pollux
