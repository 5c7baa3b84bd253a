// The text of paths, for Windows.
#pragma once

#include <string>
#include <string_view>

namespace pollux::platform {

/// The library's text is UTF-8, the system's is UTF-16. What is not UTF-8 becomes U+FFFD: it names nothing.
[[nodiscard]] std::wstring from_utf8(std::string_view text);

}  // namespace pollux::platform
