// Records of TLS 1.3 that no library would send, encrypted with the keys of a real connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tls_peer.h"

namespace pollux::test {

enum class RecordType : std::uint8_t { change_cipher_spec = 20, alert = 21, handshake = 22, application_data = 23 };

/// Takes over from a client that has shaken hands with the suite below and has sent nothing since: OpenSSL does not
/// know how many records were sent behind its back, so only what is forged can be sent from then on.
class RecordForge {
public:
    static constexpr const char* suite = "TLS_AES_128_GCM_SHA256";

    /// Options of a client whose records can be forged.
    [[nodiscard]] static TlsPeerOptions options();

    explicit RecordForge(const TlsPeerContext& context);

    /// One record, with so many zeros behind the content.
    [[nodiscard]] std::string seal(RecordType type, std::string_view content, std::size_t padding = 0);
    [[nodiscard]] std::string data(std::string_view content, std::size_t padding = 0) {
        return seal(RecordType::application_data, content, padding);
    }

private:
    std::string key_;
    std::string nonce_;
    std::uint64_t sequence_ = 0;
};

}  // namespace pollux::test
