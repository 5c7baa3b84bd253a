// What is known about a session, in the public words.
#pragma once

#include <openssl/ssl.h>

#include <pollux/tls.h>

namespace pollux {

[[nodiscard]] TlsInfo describe_tls(const SSL* ssl);

}  // namespace pollux
