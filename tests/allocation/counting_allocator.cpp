// Stands in for the C library's allocator; operator new comes here too, through malloc.
#include "counting_allocator.h"

#include <execinfo.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace pollux::test {
namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> allocations{0};

}  // namespace

void start_counting() {
    // The first backtrace of a process loads a library, which allocates.
    std::array<void*, 1> frames{};
    (void)::backtrace(frames.data(), 1);
    allocations = 0;
    counting = true;
}

std::size_t stop_counting() {
    counting = false;
    return allocations;
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
#endif
