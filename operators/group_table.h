#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operators/group_layout.h"

namespace weir {

/// Groups by (slice end, key) in memory, for the length of a flush or of closing a window: open
/// addressing over a list of entries in order of arrival. Not state: nothing of it is checkpointed.
class GroupTable {
 public:
  explicit GroupTable(const GroupLayout& layout);
  ~GroupTable();
  GroupTable(const GroupTable&) = delete;
  GroupTable& operator=(const GroupTable&) = delete;

  /// The row of (slice_end, key), made where there is none; valid until Clear.
  std::byte* Upsert(int64_t slice_end, std::string_view key, uint64_t hash);
  size_t size() const { return entries_.size(); }
  size_t MemoryBytes() const;
  void Clear();

  int64_t slice_end(size_t i) const { return entries_[i].slice_end; }
  std::string_view key(size_t i) const {
    return std::string_view(keys_).substr(entries_[i].key_begin, entries_[i].key_size);
  }
  const std::byte* row(size_t i) const { return entries_[i].row; }

 private:
  struct Entry {
    uint64_t hash;
    int64_t slice_end;
    size_t key_begin;
    size_t key_size;
    std::byte* row;
  };
  std::byte* NewRow();
  void Grow();

  const GroupLayout& layout_;
  std::vector<Entry> entries_;
  std::string keys_;
  std::vector<uint32_t> slots_;  ///< Index into entries_ plus one; 0: free. A power of two of them.
  std::vector<std::unique_ptr<int64_t[]>> chunks_;
  size_t chunk_rows_;  ///< Rows in each chunk.
};

}  // namespace weir
