// OpenSSL's errors as error codes.
#pragma once

#include <system_error>

namespace pollux {

/// The error that OpenSSL has queued on this thread, in `tls_category`; the queue is empty afterwards. Of several, the
/// first of the TLS library itself, else the first. Never a success.
[[nodiscard]] std::error_code take_tls_error() noexcept;

}  // namespace pollux
