// Which codings a client takes (RFC 9110, 12.5.3).
#pragma once

#include <pollux/http/fields.h>

namespace pollux::http {

/// True if a request says that it takes gzip, and does not prefer what is not encoded.
[[nodiscard]] bool prefers_gzip(const Fields& fields) noexcept;

}  // namespace pollux::http
