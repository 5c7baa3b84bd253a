// Memory straight from the system.
#pragma once

#include <cstddef>

namespace pollux::platform {

/// `bytes` of zeroed memory aligned to `bytes`, a power of two of at least a page. Pages cost nothing until they are
/// touched. Throws std::bad_alloc. Not from the C library's heap: that keeps a header before each block, which for
/// large alignments touches a page of its own and leaves a gap nobody can use.
[[nodiscard]] void* allocate_pages(std::size_t bytes);

/// Gives them back.
void release_pages(void* memory, std::size_t bytes) noexcept;

}  // namespace pollux::platform
