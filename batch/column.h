#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/type.h"

namespace weir {

class Column;
using ColumnPtr = std::shared_ptr<const Column>;
using Int128 = __int128;

/// The values of one column of a batch; immutable once built, shared freely between threads.
///
/// How values lie, n = size():
///   validity   n bytes, 1 = there, 0 = null; empty where no value is null
///   values     n fixed-width values: bool uint8_t, int32 and date (days since 1970) int32_t,
///              int64, timestamp and duration (microseconds) int64_t, float, double,
///              decimal Int128 (unscaled); what stands at a null is unspecified but initialised
///   offsets    n + 1 uint32_t from 0, text, list and map: value i is [offsets[i], offsets[i+1])
///   bytes      the bytes of text values end to end
///   children   list: [elements]; struct: one column of n values per field; map: [keys, values]
/// A column of type null has `values` of n bytes and all-zero validity.
class Column {
 public:
  struct Parts {
    Type type;
    size_t size = 0;
    std::vector<uint8_t> validity;
    std::vector<std::byte> values;
    std::vector<uint32_t> offsets;
    std::string bytes;
    std::vector<ColumnPtr> children;
  };
  /// Checks (WEIR_CHECK) that the parts fit together.
  explicit Column(Parts parts);

  const Type& type() const { return parts_.type; }
  size_t size() const { return parts_.size; }
  bool has_nulls() const { return !parts_.validity.empty(); }
  bool IsNull(size_t i) const { return !parts_.validity.empty() && parts_.validity[i] == 0; }
  /// Empty where no value is null.
  std::span<const uint8_t> validity() const { return parts_.validity; }

  /// The fixed-width values; sizeof(T) must be the type's width.
  template <typename T>
  std::span<const T> values() const {
    WEIR_CHECK(sizeof(T) == parts_.type.width());
    return {reinterpret_cast<const T*>(parts_.values.data()), parts_.size};
  }
  std::span<const uint32_t> offsets() const { return parts_.offsets; }
  std::string_view bytes() const { return parts_.bytes; }
  /// Text value i; lives as long as the column.
  std::string_view text(size_t i) const {
    return std::string_view(parts_.bytes)
        .substr(parts_.offsets[i], parts_.offsets[i + 1] - parts_.offsets[i]);
  }
  const ColumnPtr& child(size_t i) const { return parts_.children[i]; }
  const std::vector<ColumnPtr>& children() const { return parts_.children; }

  /// Bytes of memory held, children included.
  size_t MemoryBytes() const;

 private:
  Parts parts_;
};

/// Builds a column value by value. Not thread safe.
///
/// Nested values: append the elements to `child(0)` (list), the keys and values to `child(0)` and
/// `child(1)` (map), or one value to every child (struct), then call `AppendNested()`. AppendNull
/// on a struct appends null to its children itself.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(Type type);

  const Type& type() const { return parts_.type; }
  size_t size() const { return parts_.size; }
  void Reserve(size_t rows);

  void AppendNull();
  template <typename T>
  void Append(T value) {
    WEIR_CHECK(sizeof(T) == width_);
    const size_t at = parts_.size * sizeof(T);
    if (at + sizeof(T) > parts_.values.size()) GrowValues();
    std::memcpy(parts_.values.data() + at, &value, sizeof(T));
    Grown();
  }
  void AppendBool(bool value) { Append<uint8_t>(value ? 1 : 0); }
  void AppendText(std::string_view value) {
    const size_t begin = parts_.offsets[parts_.size];
    const size_t end = begin + value.size();
    if (end > parts_.bytes.size()) GrowBytes(end);
    CopyShort(parts_.bytes.data() + begin, value);
    AppendOffset(end);
    Grown();
  }
  void AppendNested();
  /// Value `i` of `from`, which has the same type.
  void AppendFrom(const Column& from, size_t i);
  ColumnBuilder& child(size_t i) { return *children_[i]; }

  /// Takes back what was appended beyond the first `rows` values, also half a nested value.
  void Truncate(size_t rows);

  /// The column; the builder is empty and of the same type afterwards.
  ColumnPtr Finish();

 private:
  /// Copies a text that mostly has a few bytes, without a call for those.
  static void CopyShort(char* to, std::string_view from) {
    const size_t size = from.size();
    if (size > 16) {
      std::memcpy(to, from.data(), size);
    } else if (size >= 8) {
      CopyEnds<uint64_t>(to, from.data(), size);
    } else if (size >= 4) {
      CopyEnds<uint32_t>(to, from.data(), size);
    } else {
      for (size_t i = 0; i < size; i++) to[i] = from[i];
    }
  }
  /// Two words, which may overlap.
  template <typename Word>
  static void CopyEnds(char* to, const char* from, size_t size) {
    Word first;
    Word last;
    std::memcpy(&first, from, sizeof(Word));
    std::memcpy(&last, from + size - sizeof(Word), sizeof(Word));
    std::memcpy(to, &first, sizeof(Word));
    std::memcpy(to + size - sizeof(Word), &last, sizeof(Word));
  }
  void AppendOffset(size_t end) {
    if (parts_.size + 1 >= parts_.offsets.size()) GrowOffsets();
    parts_.offsets[parts_.size + 1] = static_cast<uint32_t>(end);
  }
  void Grown() {
    parts_.size++;
    if (!parts_.validity.empty()) parts_.validity.push_back(1);
  }
  void GrowValues();
  void GrowOffsets();
  void GrowBytes(size_t least);

  /// While it is built, values, offsets and bytes are longer than what is in them.
  Column::Parts parts_;
  size_t width_ = 0;
  std::vector<std::unique_ptr<ColumnBuilder>> children_;
};

/// The rows `rows` (indices, any order, may repeat) of a column.
ColumnPtr Take(const ColumnPtr& column, std::span<const uint32_t> rows);

/// A column of `size` values from fixed-width values and optional validity (empty = no nulls).
template <typename T>
ColumnPtr MakeColumn(Type type, std::span<const T> values, std::vector<uint8_t> validity = {}) {
  Column::Parts parts;
  parts.size = values.size();
  parts.type = std::move(type);
  parts.validity = std::move(validity);
  parts.values.resize(values.size_bytes());
  if (!values.empty()) std::memcpy(parts.values.data(), values.data(), values.size_bytes());
  return std::make_shared<const Column>(std::move(parts));
}

/// `size` nulls of a type.
ColumnPtr NullColumn(const Type& type, size_t size);

}  // namespace weir
