// Stands in for the C library's allocator; operator new comes here too, through malloc.
#include "counting_allocator.h"

#include <execinfo.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace pollux::test {
namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> openssl_allocations{0};
std::atomic<std::size_t> largest_openssl_bytes{0};

}  // namespace

void start_counting() {
    // The first backtrace of a process loads a library, which allocates.
    std::array<void*, 1> frames{};
    (void)::backtrace(frames.data(), 1);
    allocations = 0;
    openssl_allocations = 0;
    largest_openssl_bytes = 0;
    counting = true;
}

std::size_t stop_counting() {
    counting = false;
    return allocations;
}

OpensslCount openssl_count() {
    return {openssl_allocations, largest_openssl_bytes};
}

#if POLLUX_COUNTS_ALLOCATIONS
namespace {

void note_allocation() noexcept {
    if (!counting.load(std::memory_order_relaxed)) return;
    if (allocations.fetch_add(1) != 0) return;
    std::array<void*, 32> frames{};
    const int depth = ::backtrace(frames.data(), static_cast<int>(frames.size()));
    ::backtrace_symbols_fd(frames.data(), depth, STDERR_FILENO);
}

}  // namespace
#endif
}  // namespace pollux::test

#if !POLLUX_COUNTS_ALLOCATIONS
bool pollux::test::count_openssl_apart() {
    return false;
}
#endif

#if POLLUX_COUNTS_ALLOCATIONS
extern "C" {

// The C library's own names for what is replaced here.
void* __libc_malloc(std::size_t size);                           // NOLINT
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT
void* __libc_realloc(void* memory, std::size_t size);            // NOLINT
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT
void __libc_free(void* memory);                                  // NOLINT

void* malloc(std::size_t size) noexcept {
    pollux::test::note_allocation();
    return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
    pollux::test::note_allocation();
    return __libc_calloc(count, size);
}

void* realloc(void* memory, std::size_t size) noexcept {
    pollux::test::note_allocation();
    return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    pollux::test::note_allocation();
    return __libc_memalign(alignment, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
    pollux::test::note_allocation();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
    pollux::test::note_allocation();
    *memory = __libc_memalign(alignment, size);
    return *memory == nullptr ? ENOMEM : 0;
}

void free(void* memory) noexcept {
    __libc_free(memory);
}

}  // extern "C"

namespace pollux::test {
namespace {

void note_openssl_allocation(std::size_t size) {
    if (!counting.load(std::memory_order_relaxed)) return;
    ++openssl_allocations;
    std::size_t largest = largest_openssl_bytes;
    while (largest < size && !largest_openssl_bytes.compare_exchange_weak(largest, size)) {
    }
}

}  // namespace

bool count_openssl_apart() {
    const auto allocate = [](std::size_t size, const char*, int) {
        note_openssl_allocation(size);
        return __libc_malloc(size);
    };
    const auto reallocate = [](void* memory, std::size_t size, const char*, int) {
        note_openssl_allocation(size);
        return __libc_realloc(memory, size);
    };
    return CRYPTO_set_mem_functions(allocate, reallocate,
                                    [](void* memory, const char*, int) { __libc_free(memory); }) == 1;
}

}  // namespace pollux::test
#endif
