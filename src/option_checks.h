// Checks of options that several things have.
#pragma once

#include <string>

#include <pollux/error.h>
#include <pollux/options.h>

namespace pollux {

/// The status of an option with a value that makes no sense; `what` names both.
[[nodiscard]] Status bad_option(const std::string& what);

/// Fills in what the user left unset.
[[nodiscard]] ConnectionOptions with_server_defaults(ConnectionOptions options);
[[nodiscard]] ConnectionOptions with_client_defaults(ConnectionOptions options);

[[nodiscard]] Status check_connection_options(const ConnectionOptions& options);

}  // namespace pollux
