#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

/// Memory for the entries of one task's tables: blocks of one size lie together in chunks of 64
/// KiB, freed blocks are used again for the same size, empty chunks go back to the system. Blocks
/// are 16-aligned and never move. One thread.
class EntryArena {
 public:
  EntryArena() = default;
  ~EntryArena();
  EntryArena(const EntryArena&) = delete;
  EntryArena& operator=(const EntryArena&) = delete;

  void* Allocate(size_t bytes);
  /// `bytes` as it was allocated with.
  void Free(void* block, size_t bytes);
  /// Bytes of the blocks in use, rounded up as they lie.
  size_t live_bytes() const { return live_bytes_; }

 private:
  static constexpr size_t kChunkBytes = 64 << 10;
  static constexpr size_t kRegionChunks = 32;
  static constexpr size_t kStep = 16;
  static constexpr size_t kMostPooled = 2048;  // Larger blocks come from malloc.

  struct FreeBlock {
    FreeBlock* next;
  };
  /// At the head of each chunk, which is aligned to its size.
  struct Chunk {
    Chunk* previous;
    Chunk* next;  ///< Among chunks of the size that have room; or among empty ones.
    FreeBlock* freed;
    uint32_t block_bytes;
    uint32_t live;
    uint32_t used;  ///< Blocks handed out at least once.
    uint32_t capacity;
  };
  static constexpr size_t kFirstBlock = 64;
  static_assert(sizeof(Chunk) <= kFirstBlock);

  Chunk* NewChunk(size_t block_bytes);
  void Link(Chunk* chunk, size_t size_class);
  void Unlink(Chunk* chunk, size_t size_class);

  std::array<Chunk*, kMostPooled / kStep + 1> with_room_{};
  Chunk* empty_ = nullptr;
  std::vector<void*> regions_;
  size_t live_bytes_ = 0;
};

}  // namespace weir
