#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "batch/batch.h"

namespace weir {

/// 64-bit hash of bytes, the same on every machine and for ever: key slots, and so all stored
/// state, depend on it. Golden values pin it in key_test.cc.
uint64_t HashBytes(std::string_view bytes);

inline KeySlot SlotOfHash(uint64_t hash) { return static_cast<KeySlot>(hash % kKeySlots); }

/// The keys of a batch's rows in canonical bytes, with their hashes.
///
/// Grammar of a key: one part for each column, in order:
///   null               00
///   bool               01 (00|01)
///   ints, date, time   01 and 8 bytes big-endian with the sign bit flipped (int32 as int64)
///   float, double      01 and the 8 bytes of the double, big-endian; -0.0 is 0.0, one NaN
///   decimal            01 and 16 bytes big-endian with the sign bit flipped
///   text               01, length as 4 bytes big-endian, the bytes
///   list               01, count as 4 bytes big-endian, then a part for each element
///   struct             01, then a part for each field; map as list of key and value parts
/// so keys of one shape are equal exactly when their bytes are.
class KeyColumn {
 public:
  size_t size() const { return hashes_.size(); }
  std::string_view key(size_t i) const {
    return std::string_view(bytes_).substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }
  uint64_t hash(size_t i) const { return hashes_[i]; }
  std::span<const uint64_t> hashes() const { return hashes_; }
  KeySlot slot(size_t i) const { return SlotOfHash(hashes_[i]); }

  /// Keys of the first `rows` rows of the given columns; no columns make every key empty.
  static KeyColumn Of(std::span<const ColumnPtr> columns, size_t rows);

 private:
  std::string bytes_;
  std::vector<uint32_t> offsets_;
  std::vector<uint64_t> hashes_;
};

/// Appends one key's parts to the builders of `types`' columns: what KeyColumn wrote, read back.
/// False where the bytes are not a key of those types (a damaged file).
bool DecodeKey(std::string_view key, std::span<ColumnBuilder* const> columns);

/// Appends `value` as 8 bytes big-endian with the sign bit flipped, so bytes sort as numbers do.
void AppendOrdered(std::string& out, int64_t value);
/// Reads what AppendOrdered wrote; `bytes` has at least 8.
int64_t ReadOrdered(std::string_view bytes);

}  // namespace weir
