// Memory straight from the system, on Windows.
#include "platform/memory.h"

#include <windows.h>

#include <cstdint>
#include <new>

namespace pollux::platform {

namespace {

/// How often it is tried again when another thread was given the place that was found.
constexpr int max_races = 64;

void* allocate_at(void* place, std::size_t bytes) noexcept {
    return ::VirtualAlloc(place, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

}  // namespace

void* allocate_pages(std::size_t bytes) {
    for (int races = 0; races < max_races; ++races) {
        void* const memory = allocate_at(nullptr, bytes);
        if (memory == nullptr || reinterpret_cast<std::uintptr_t>(memory) % bytes == 0) {
            if (memory == nullptr) break;
            return memory;
        }
        ::VirtualFree(memory, 0, MEM_RELEASE);
        // Twice as much surely holds an aligned run. Unlike elsewhere a part of it cannot be given back, so all of it
        // is, and the run is asked for by its address.
        void* const room = ::VirtualAlloc(nullptr, 2 * bytes, MEM_RESERVE, PAGE_NOACCESS);
        if (room == nullptr) break;
        const auto address = reinterpret_cast<std::uintptr_t>(room);
        ::VirtualFree(room, 0, MEM_RELEASE);
        const std::size_t before = (bytes - address % bytes) % bytes;
        if (void* const aligned = allocate_at(static_cast<std::byte*>(room) + before, bytes); aligned != nullptr) {
            return aligned;
        }
    }
    throw std::bad_alloc{};
}

void release_pages(void* memory, std::size_t /*bytes*/) noexcept {
    ::VirtualFree(memory, 0, MEM_RELEASE);
}

}  // namespace pollux::platform
