// The TLS of the perf programs: their options and their contexts. By default both ends use the development certificates
// of the build folder, and clients verify what they are shown.
#pragma once

#include <vector>

#include <pollux/tls.h>

#include "options.h"
#include "wire.h"

namespace perf {

/// The options of a server's identity and of a client's trust, with their defaults filled in. None if the wire is
/// plain.
[[nodiscard]] std::vector<Option> server_tls_options(Options& options, Wire wire);
[[nodiscard]] std::vector<Option> client_tls_options(Options& options, Wire wire);

/// A context as the options describe it. No context if the wire is plain.
[[nodiscard]] pollux::TlsContext make_server_tls(const Options& options, Wire wire);
[[nodiscard]] pollux::TlsContext make_client_tls(const Options& options, Wire wire);

}  // namespace perf
