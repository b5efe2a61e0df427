#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "expr/expression.h"
#include "state/tables.h"

namespace weir {

/// What a group keeps, in memory and stored: how many rows it stands for, for a session the time of
/// its last row, and one accumulator for each aggregate. Immutable.
///
/// In memory: weight int64, [last int64,] then the accumulators, each 8-aligned.
/// Stored:    weight varint, [last zigzag varint,] then each accumulator as its Encode writes it.
class GroupLayout final : public RowLayout {
 public:
  enum class Kind { kSlice, kSession };
  GroupLayout(Kind kind, std::vector<AggregatePtr> aggregates);

  const std::vector<AggregatePtr>& aggregates() const { return aggregates_; }
  size_t offset(size_t aggregate) const { return offsets_[aggregate]; }

  static int64_t& Weight(std::byte* row) { return *reinterpret_cast<int64_t*>(row); }
  static int64_t Weight(const std::byte* row) { return *reinterpret_cast<const int64_t*>(row); }
  /// Sessions only.
  static int64_t& Last(std::byte* row) { return reinterpret_cast<int64_t*>(row)[1]; }
  static int64_t Last(const std::byte* row) { return reinterpret_cast<const int64_t*>(row)[1]; }

  size_t size() const override { return size_; }
  bool OwnsHeap() const override { return owns_heap_; }
  void Init(std::byte* row) const override;
  void Destroy(std::byte* row) const override;
  size_t HeapBytes(const std::byte* row) const override;
  void Encode(const std::byte* row, std::string& out) const override;
  bool Decode(std::string_view bytes, std::byte* row) const override;

  /// The accumulators alone, as partial aggregates carry them.
  void EncodeStates(const std::byte* row, std::string& out) const;
  bool DecodeStates(std::string_view bytes, std::byte* row) const;
  /// Adds the accumulators of `from`, not its weight.
  Status MergeStates(std::byte* to, const std::byte* from) const;

 private:
  const Kind kind_;
  const std::vector<AggregatePtr> aggregates_;
  std::vector<size_t> offsets_;
  size_t size_;
  bool owns_heap_ = false;
};

/// Rows of one layout that stand alone, for the length of a call: initialised when made, destroyed
/// with it.
class ScratchRows {
 public:
  ScratchRows(const GroupLayout& layout, size_t count);
  ~ScratchRows();
  ScratchRows(const ScratchRows&) = delete;
  ScratchRows& operator=(const ScratchRows&) = delete;
  /// Row i as it was when it was made.
  void Renew(size_t i) {
    layout_.Destroy(row(i));
    layout_.Init(row(i));
  }
  std::byte* row(size_t i) { return reinterpret_cast<std::byte*>(memory_.data()) + i * stride_; }

 private:
  const GroupLayout& layout_;
  const size_t stride_;
  const size_t count_;
  std::vector<int64_t> memory_;
};

}  // namespace weir
