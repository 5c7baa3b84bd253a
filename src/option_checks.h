// Checks of options that several things have.
#pragma once

#include <string>

#include <pollux/error.h>
#include <pollux/options.h>

namespace pollux {

/// The status of an option with a value that makes no sense; `what` names both.
[[nodiscard]] Status bad_option(const std::string& what);

/// The status of an endpoint that is one, but not for this; `what` names the option, its value and why.
[[nodiscard]] Status bad_endpoint(const std::string& what);

/// Fills in what the user left unset.
[[nodiscard]] ConnectionOptions with_server_defaults(ConnectionOptions options);
[[nodiscard]] ConnectionOptions with_client_defaults(ConnectionOptions options);

/// `options` is the name of the struct they are in.
[[nodiscard]] Status check_watermarks(const std::string& options, std::size_t high_bytes, std::size_t low_bytes,
                                      std::size_t max_pending_bytes);

[[nodiscard]] Status check_connection_options(const ConnectionOptions& options);

}  // namespace pollux
