// Bytes that nobody can foresee.
#pragma once

#include <pollux/bytes.h>

namespace pollux {

/// Fills `out` from OpenSSL's generator. Any thread. Throws std::runtime_error if that has no entropy, which no caller
/// could go on without.
void fill_random(MutableBytes out);

}  // namespace pollux
