// RFC 8446: the key schedule's last step (7.3) and the protection of records (5.2).
#include "tls_forge.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>

namespace pollux::test {
namespace {

constexpr std::size_t key_bytes = 16;
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;

/// HKDF-Expand-Label with an empty context, for what fits one block of the hash.
std::string expand(std::string_view secret, std::string_view label, std::size_t size) {
    const std::string full = "tls13 " + std::string{label};
    std::string info{'\0', static_cast<char>(size), static_cast<char>(full.size())};
    info += full + '\0' + '\x01';
    std::array<unsigned char, EVP_MAX_MD_SIZE> block{};
    unsigned block_size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), unsigned_data(info), info.size(), block.data(),
         &block_size);
    return {reinterpret_cast<const char*>(block.data()), size};
}

std::string header_of(std::size_t encrypted_bytes) {
    return {static_cast<char>(RecordType::application_data), '\x03', '\x03', static_cast<char>(encrypted_bytes >> 8),
            static_cast<char>(encrypted_bytes & 0xff)};
}

}  // namespace

TlsPeerOptions RecordForge::options() {
    TlsPeerOptions options;
    options.min_version = TlsVersion::tls1_3;
    options.suites = suite;
    options.keep_secrets = true;
    return options;
}

RecordForge::RecordForge(const TlsPeerContext& context) {
    const std::string secret = context.secret("CLIENT_TRAFFIC_SECRET_0");
    EXPECT_FALSE(secret.empty()) << "no handshake was made with RecordForge::options()";
    key_ = expand(secret, "key", key_bytes);
    nonce_ = expand(secret, "iv", nonce_bytes);
}

std::string RecordForge::seal(RecordType type, std::string_view content, std::size_t padding) {
    std::string plain{content};
    plain += static_cast<char>(type);
    plain.append(padding, '\0');
    const std::string header = header_of(plain.size() + tag_bytes);

    std::string nonce = nonce_;
    for (std::size_t byte = 0; byte < 8; ++byte) {
        const auto part = static_cast<unsigned char>(sequence_ >> (8 * byte));
        char& target = nonce[nonce_bytes - 1 - byte];
        target = static_cast<char>(static_cast<unsigned char>(target) ^ part);
    }
    ++sequence_;

    const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> cipher{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
    std::string encrypted(plain.size() + tag_bytes, '\0');
    auto* out = reinterpret_cast<unsigned char*>(encrypted.data());
    int size = 0;
    EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_gcm(), nullptr, unsigned_data(key_), unsigned_data(nonce));
    EVP_EncryptUpdate(cipher.get(), nullptr, &size, unsigned_data(header), static_cast<int>(header.size()));
    EVP_EncryptUpdate(cipher.get(), out, &size, unsigned_data(plain), static_cast<int>(plain.size()));
    EVP_EncryptFinal_ex(cipher.get(), out + size, &size);
    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_bytes), out + plain.size());
    return header + encrypted;
}

}  // namespace pollux::test
