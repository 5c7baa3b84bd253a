// Memory straight from the system, on POSIX systems.
#include "platform/memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace pollux::platform {

void* allocate_pages(std::size_t bytes) {
    // Twice as much surely holds an aligned run; what is around it goes back at once.
    void* mapping = ::mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc{};
    auto* const start = static_cast<std::byte*>(mapping);
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    const std::size_t before = (bytes - address % bytes) % bytes;
    if (before != 0) ::munmap(start, before);
    ::munmap(start + before + bytes, bytes - before);
    return start + before;
}

void release_pages(void* memory, std::size_t bytes) noexcept {
    ::munmap(memory, bytes);
}

}  // namespace pollux::platform
