// Slab: fixed-size blocks of one reactor.
#include "slab.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>

#include "platform/memory.h"
#include "round_up.h"

namespace pollux {

namespace {

constexpr std::size_t block_alignment = 16;
constexpr std::size_t smallest_chunk_bytes = 64 * 1024;
constexpr std::size_t fewest_blocks_per_chunk = 8;
constexpr std::size_t header_bytes = 64;
constexpr std::size_t kept_bytes = 1024 * 1024;  // of empty chunks

}  // namespace

Slab::Slab(std::size_t block_bytes)
    : block_bytes_(round_up(std::max(block_bytes, sizeof(FreeBlock)), block_alignment)),
      chunk_bytes_(
          std::bit_ceil(std::max(smallest_chunk_bytes, header_bytes + block_bytes_ * fewest_blocks_per_chunk))),
      blocks_per_chunk_((chunk_bytes_ - header_bytes) / block_bytes_) {
    static_assert(sizeof(Chunk) <= header_bytes);
}

Slab::~Slab() {
    assert(used_ == 0 && "a block outlives its slab");
    while (empty_ != nullptr) {
        Chunk* next = empty_->next;
        give_back(empty_);
        empty_ = next;
    }
}

Slab::Chunk* Slab::chunk_of(void* block) const noexcept {
    return reinterpret_cast<Chunk*>(reinterpret_cast<std::uintptr_t>(block) & ~(chunk_bytes_ - 1));
}

Slab::Chunk* Slab::chunk_with_room() {
    if (with_room_ != nullptr) return with_room_;
    Chunk* chunk = empty_;
    if (chunk != nullptr) {
        empty_ = chunk->next;
        --kept_;
    } else {
        chunk = ::new (platform::allocate_pages(chunk_bytes_)) Chunk{};
        ++chunks_;
    }
    link(chunk);
    return chunk;
}

void Slab::give_back(Chunk* chunk) noexcept {
    platform::release_pages(chunk, chunk_bytes_);
    --chunks_;
}

void Slab::link(Chunk* chunk) noexcept {
    chunk->previous = nullptr;
    chunk->next = with_room_;
    if (with_room_ != nullptr) with_room_->previous = chunk;
    with_room_ = chunk;
}

void Slab::unlink(Chunk* chunk) noexcept {
    (chunk->previous != nullptr ? chunk->previous->next : with_room_) = chunk->next;
    if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
}

void* Slab::allocate() {
    Chunk* chunk = chunk_with_room();
    void* block;
    if (chunk->free != nullptr) {
        block = chunk->free;
        chunk->free = chunk->free->next;
    } else {
        block = reinterpret_cast<std::byte*>(chunk) + header_bytes + chunk->fresh * block_bytes_;
        ++chunk->fresh;
    }
    if (++chunk->used == blocks_per_chunk_) unlink(chunk);
    ++used_;
    return block;
}

void Slab::release(void* block) noexcept {
    Chunk* chunk = chunk_of(block);
    if (chunk->used == blocks_per_chunk_) link(chunk);
    chunk->free = ::new (block) FreeBlock{chunk->free};
    --used_;
    if (--chunk->used != 0) return;
    unlink(chunk);
    if (kept_ * chunk_bytes_ < kept_bytes) {
        chunk->next = empty_;
        empty_ = chunk;
        ++kept_;
    } else {
        give_back(chunk);
    }
}

}  // namespace pollux
