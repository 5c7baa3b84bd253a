// Counts every allocation of the process, whichever thread and function makes it.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__)
#define POLLUX_COUNTS_ALLOCATIONS 0  // the sanitizers have an allocator of their own
#else
#define POLLUX_COUNTS_ALLOCATIONS 1
#endif

namespace pollux::test {

/// From now on allocations are counted, from 0. Where the first of them comes from is written to stderr.
void start_counting();

/// Has OpenSSL's allocations counted apart from now on. False if it has made some already. Before anything else.
bool count_openssl_apart();

/// Before any other use of OpenSSL in this program.
inline const bool openssl_is_counted_apart = count_openssl_apart();

struct OpensslCount {
    std::size_t allocations = 0;
    std::size_t largest_bytes = 0;
};

/// What OpenSSL allocated since `start_counting`.
[[nodiscard]] OpensslCount openssl_count();

/// Stops counting and returns how many there were.
[[nodiscard]] std::size_t stop_counting();

}  // namespace pollux::test
