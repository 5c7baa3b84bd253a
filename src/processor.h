// What not every processor has, and what compilers call it: said here only. Without it, there is the portable way.
#pragma once

// Every 64-bit x86 has SSE2.
#if defined(__SSE2__) || defined(_M_X64)
#define POLLUX_HAS_SSE2
#endif

// GCC does not align the stack as AVX needs it where it makes programs for Windows (its bug 54412).
#if defined(_MSC_VER) && defined(_M_X64) && !defined(__clang__)
#define POLLUX_FOR_AVX2
#elif defined(__GNUC__) && defined(__x86_64__) && (defined(__clang__) || !defined(_WIN32))
#define POLLUX_FOR_AVX2 __attribute__((target("avx2")))
#endif

#if defined(_MSC_VER)
#include <intrin.h>
#elif defined(POLLUX_FOR_AVX2)
#include <immintrin.h>
#elif defined(POLLUX_HAS_SSE2)
#include <emmintrin.h>
#endif

namespace pollux {

#ifdef POLLUX_FOR_AVX2
/// POLLUX_FOR_AVX2 stands in front of a function that is made for AVX2, and called only if this says so.
#if defined(_MSC_VER)
[[nodiscard]] inline bool has_avx2() noexcept {
    static const bool has = [] {
        int leaf[4];
        __cpuid(leaf, 1);
        const bool system_keeps_registers = (leaf[2] & 1 << 27) != 0 && (_xgetbv(0) & 6) == 6;
        __cpuidex(leaf, 7, 0);
        return system_keeps_registers && (leaf[1] & 1 << 5) != 0;
    }();
    return has;
}
#else
[[nodiscard]] inline bool has_avx2() noexcept {
    return __builtin_cpu_supports("avx2") != 0;
}
#endif
#endif

/// Tells the core that this is a spinning wait.
inline void relax_core() noexcept {
#if defined(_MSC_VER) && defined(_M_X64)
    _mm_pause();
#elif defined(_MSC_VER)
    __yield();
#elif defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace pollux
