#include "state/entry_arena.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "base/check.h"

namespace weir {

EntryArena::~EntryArena() {
  for (void* region : regions_) ::munmap(region, kChunkBytes * kRegionChunks);
}

void* EntryArena::Allocate(size_t bytes) {
  const size_t rounded = (bytes + kStep - 1) / kStep * kStep;
  live_bytes_ += rounded;
  if (rounded > kMostPooled) {
    void* block = std::malloc(rounded);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  const size_t size_class = rounded / kStep;
  Chunk* chunk = with_room_[size_class];
  if (chunk == nullptr) {
    chunk = NewChunk(rounded);
    Link(chunk, size_class);
  }
  void* block = nullptr;
  if (chunk->freed != nullptr) {
    block = chunk->freed;
    chunk->freed = chunk->freed->next;
  } else {
    block = reinterpret_cast<std::byte*>(chunk) + kFirstBlock + chunk->used * rounded;
    chunk->used++;
  }
  chunk->live++;
  if (chunk->freed == nullptr && chunk->used == chunk->capacity) Unlink(chunk, size_class);
  return block;
}

void EntryArena::Free(void* block, size_t bytes) {
  const size_t rounded = (bytes + kStep - 1) / kStep * kStep;
  live_bytes_ -= rounded;
  if (rounded > kMostPooled) {
    std::free(block);
    return;
  }
  const size_t size_class = rounded / kStep;
  auto* chunk = reinterpret_cast<Chunk*>(reinterpret_cast<uintptr_t>(block) & ~(kChunkBytes - 1));
  const bool was_full = chunk->freed == nullptr && chunk->used == chunk->capacity;
  auto* freed = static_cast<FreeBlock*>(block);
  freed->next = chunk->freed;
  chunk->freed = freed;
  chunk->live--;
  if (was_full) Link(chunk, size_class);
  // The last chunk with room stays, so that one entry coming and going costs nothing.
  if (chunk->live == 0 && (chunk->next != nullptr || chunk->previous != nullptr)) {
    Unlink(chunk, size_class);
    ::madvise(chunk, kChunkBytes, MADV_DONTNEED);
    chunk->next = empty_;
    empty_ = chunk;
  }
}

EntryArena::Chunk* EntryArena::NewChunk(size_t block_bytes) {
  if (empty_ == nullptr) {
    // Regions are mapped with room to align, and what lies outside is given back.
    const size_t wanted = kChunkBytes * kRegionChunks;
    void* mapped = ::mmap(nullptr, wanted + kChunkBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    const auto at = reinterpret_cast<uintptr_t>(mapped);
    const uintptr_t aligned = (at + kChunkBytes - 1) & ~(kChunkBytes - 1);
    if (aligned > at) ::munmap(mapped, aligned - at);
    const uintptr_t end = at + wanted + kChunkBytes;
    if (end > aligned + wanted) {
      ::munmap(reinterpret_cast<void*>(aligned + wanted), end - aligned - wanted);
    }
    regions_.push_back(reinterpret_cast<void*>(aligned));
    for (size_t i = kRegionChunks; i-- > 0;) {
      auto* chunk = reinterpret_cast<Chunk*>(aligned + i * kChunkBytes);
      chunk->next = empty_;
      empty_ = chunk;
    }
  }
  Chunk* chunk = empty_;
  empty_ = chunk->next;
  *chunk = Chunk{};
  chunk->block_bytes = static_cast<uint32_t>(block_bytes);
  chunk->capacity = static_cast<uint32_t>((kChunkBytes - kFirstBlock) / block_bytes);
  return chunk;
}

void EntryArena::Link(Chunk* chunk, size_t size_class) {
  chunk->previous = nullptr;
  chunk->next = with_room_[size_class];
  if (chunk->next != nullptr) chunk->next->previous = chunk;
  with_room_[size_class] = chunk;
}

void EntryArena::Unlink(Chunk* chunk, size_t size_class) {
  if (chunk->previous != nullptr) {
    chunk->previous->next = chunk->next;
  } else {
    with_room_[size_class] = chunk->next;
  }
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
  chunk->previous = chunk->next = nullptr;
}

}  // namespace weir
