// Who is at the other end of a connection, and how it is encrypted, in the words of a log line.
#pragma once

#include <optional>
#include <string>

#include <pollux/connection.h>
#include <pollux/tls.h>

#include "console.h"

namespace chat {

/// As in " from 127.0.0.1:50000"; "" for a Unix-domain client, which has no name.
inline std::string from(const pollux::Connection& connection) {
    const std::string peer = connection.peer_address().to_string();
    return peer.empty() ? "" : " from " + peer;
}

/// As in " (TLSv1.3, TLS_AES_256_GCM_SHA384, CN=localhost)"; "" for a connection that is not encrypted.
inline std::string described(const std::optional<pollux::TlsInfo>& tls) {
    if (!tls) return "";
    std::string text = " (" + tls->version + ", " + tls->cipher;
    if (tls->resumed) text += ", resumed";
    if (tls->peer_certificate) text += ", " + console::printable(tls->peer_certificate->subject);
    return text + ")";
}

}  // namespace chat
