// The certificates for development, which the build makes in its own folder.
#pragma once

#include <string>
#include <string_view>

namespace certificates {

/// The path of one of them. CMake's pollux_use_certificates defines POLLUX_CERTIFICATES, the folder.
inline std::string path(std::string_view name) {
    return std::string{POLLUX_CERTIFICATES "/"}.append(name);
}

}  // namespace certificates
