// The certificates for development, which the build makes in its own folder.
#pragma once

#include <string>
#include <string_view>

#include <pollux/tls.h>

namespace certificates {

/// The path of one of them. CMake's pollux_use_certificates defines POLLUX_CERTIFICATES, the folder.
inline std::string path(std::string_view name) {
    return std::string{POLLUX_CERTIFICATES "/"}.append(name);
}

/// What a client trusts: the authorities of a file, or with "system" those that the system trusts.
inline pollux::TlsTrust trust_in(const std::string& authority) {
    if (authority == "system") return {.system_store = true};
    return {.ca_file = authority};
}

}  // namespace certificates
