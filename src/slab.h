// Slab: fixed-size blocks of one reactor.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pollux {

/// Blocks of one size, cut from aligned chunks. Allocating and releasing are O(1); a chunk whose last block comes back
/// is returned to the system, but for a few that are kept so that the next burst does not have to ask for them again.
/// Blocks that were never used are never touched, so an unused part of a chunk costs no memory. One thread.
class Slab {
public:
    /// `block_bytes` is rounded up to 16. Blocks are aligned to 16.
    explicit Slab(std::size_t block_bytes);
    ~Slab();
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;

    /// A block of `block_bytes()`. Throws std::bad_alloc if the system has no memory.
    [[nodiscard]] void* allocate();

    /// Takes back a block of this slab.
    void release(void* block) noexcept;

    [[nodiscard]] std::size_t block_bytes() const noexcept { return block_bytes_; }
    [[nodiscard]] std::size_t used_blocks() const noexcept { return used_; }
    [[nodiscard]] std::size_t chunks() const noexcept { return chunks_; }
    [[nodiscard]] std::size_t blocks_per_chunk() const noexcept { return blocks_per_chunk_; }

private:
    struct FreeBlock {
        FreeBlock* next;
    };

    /// At the start of each chunk, found from a block by its alignment.
    struct Chunk {
        Chunk* next;  // in the list of chunks with room, or in that of empty ones
        Chunk* previous;
        FreeBlock* free;
        std::uint32_t fresh;  // blocks from here on were never used
        std::uint32_t used;
    };

    [[nodiscard]] Chunk* chunk_of(void* block) const noexcept;
    Chunk* chunk_with_room();
    void give_back(Chunk* chunk) noexcept;
    void link(Chunk* chunk) noexcept;
    void unlink(Chunk* chunk) noexcept;

    std::size_t block_bytes_;
    std::size_t chunk_bytes_;
    std::size_t blocks_per_chunk_;
    Chunk* with_room_ = nullptr;
    Chunk* empty_ = nullptr;  // those that are kept
    std::size_t kept_ = 0;
    std::size_t used_ = 0;
    std::size_t chunks_ = 0;
};

}  // namespace pollux
