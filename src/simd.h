// Registers that not every processor has. What compilers call them is said here only; without them, there is the
// portable way.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

/// Defined where functions can be made for AVX2 beside the others. It stands in front of one that is called only if
/// `pollux::has_avx2()`.
#define POLLUX_FOR_AVX2 __attribute__((target("avx2")))

namespace pollux {

[[nodiscard]] inline bool has_avx2() noexcept {
    return __builtin_cpu_supports("avx2") != 0;
}

}  // namespace pollux

#endif
