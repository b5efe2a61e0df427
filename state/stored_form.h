#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace weir {

/// How entries lie in RocksDB (rule 11). Integers are big-endian; times and counts have their sign
/// bit flipped, so that bytes sort as values do.
///   entry      slot as 2 bytes, table id as 2 bytes, rest
///   slices     rest = slice end as 8 bytes, key
///   keys       rest = length of the key as 4 bytes, key, time as 8 bytes
///   timers     rest = time as 8 bytes, key
///   value      one tag byte: 01 and the stored row, or 00 alone: erased here, whatever stores that
///              come later in a task's list hold
/// The two highest bits of a table id are its kind, so that a key says how it is built.
enum class TableKind : uint8_t { kSlices = 0, kKeys = 1, kTimers = 2 };

using StoredTableId = uint16_t;
inline constexpr uint32_t kTablesOfAKind = 1 << 14;

constexpr TableKind KindOf(StoredTableId id) { return static_cast<TableKind>(id >> 14); }
constexpr StoredTableId MakeTableId(TableKind kind, uint32_t n) {
  return static_cast<StoredTableId>(static_cast<uint32_t>(kind) << 14 | n);
}
/// What manifests call the shape of a table; the number is the version of the stored form.
std::string_view ShapeOf(TableKind kind);

inline constexpr char kErasedTag = 0;
inline constexpr char kRowTag = 1;
inline constexpr size_t kStoredPrefixBytes = 4;

void AppendStoredPrefix(std::string& out, KeySlot slot, StoredTableId table);
KeySlot SlotOfStored(std::string_view stored);
StoredTableId TableOfStored(std::string_view stored);

void AppendSliceRest(std::string& out, EventTime end, std::string_view key);
void AppendKeyPrefix(std::string& out, std::string_view key);
void AppendKeyRest(std::string& out, std::string_view key, EventTime time);
void AppendTimerRest(std::string& out, EventTime time, std::string_view key);

/// A rest taken apart. False where the bytes are not one of that kind.
bool SplitRest(TableKind kind, std::string_view rest, EventTime& time, std::string_view& key);

/// Entries on their way to RocksDB: keys and values end to end, and where each lies.
struct ChangeSet {
  struct Record {
    uint64_t offset = 0;  ///< Of the key; the value follows it.
    uint32_t key_size = 0;
    uint32_t value_size = 0;
    bool erased = false;  ///< Then there is no value.
  };
  std::string bytes;
  std::vector<Record> records;

  std::string_view key(const Record& record) const {
    return {bytes.data() + record.offset, record.key_size};
  }
  std::string_view value(const Record& record) const {
    return {bytes.data() + record.offset + record.key_size, record.value_size};
  }
  /// Ends the record whose key begins at `offset` and whose value begins at `value_offset`.
  void Finish(size_t offset, size_t value_offset, bool erased);
  /// By key; keys are distinct.
  void Sort();
};

}  // namespace weir
