// Checks of the options of WebSockets.
#pragma once

#include <string>
#include <vector>

#include <pollux/error.h>
#include <pollux/ws/options.h>

namespace pollux::ws {

[[nodiscard]] Status check_options(const Options& options);

/// Sub-protocols are tokens (RFC 6455, 4.1).
[[nodiscard]] Status check_protocols(const std::vector<std::string>& protocols);

}  // namespace pollux::ws
