// What a connection's encryption is, in the words of a log line.
#pragma once

#include <optional>
#include <string>

#include <pollux/tls.h>

#include "console.h"

namespace chat {

/// As in " (TLSv1.3, TLS_AES_256_GCM_SHA384, CN=localhost)"; "" for a connection that is not encrypted.
inline std::string described(const std::optional<pollux::TlsInfo>& tls) {
    if (!tls) return "";
    std::string text = " (" + tls->version + ", " + tls->cipher;
    if (tls->resumed) text += ", resumed";
    if (tls->peer_certificate) text += ", " + console::printable(tls->peer_certificate->subject);
    return text + ")";
}

}  // namespace chat
