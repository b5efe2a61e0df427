#include "operators/testing/plain_aggregates.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "batch/key.h"

namespace weir::testing {
namespace {

/// An accumulator that is a value of type T.
template <typename T>
class PlainAggregate : public Aggregate {
 public:
  size_t size() const override { return sizeof(T); }
  void Init(std::byte* state) const override { new (state) T(); }
  void Destroy(std::byte* state) const override { Of(state).~T(); }
  size_t HeapBytes(const std::byte*) const override { return 0; }

 protected:
  static T& Of(std::byte* state) { return *reinterpret_cast<T*>(state); }
  static const T& Of(const std::byte* state) { return *reinterpret_cast<const T*>(state); }
};

class Sum final : public PlainAggregate<int64_t> {
 public:
  /// No column: each row is 1.
  explicit Sum(int column) {
    type_ = TypeKind::kInt64;
    text_ = column < 0 ? "count()" : "sum(#" + std::to_string(column) + ")";
    if (column >= 0) columns_ = {column};
  }
  bool CanFail() const override { return !columns_.empty(); }
  bool OwnsHeap() const override { return false; }
  Status Update(const Batch& batch, std::span<const uint32_t> rows,
                std::span<std::byte* const> states, size_t offset, const EvalContext&,
                std::vector<RowError>& errors) const override {
    for (uint32_t row : rows) {
      int64_t value = 1;
      if (!columns_.empty()) {
        value = batch.column(static_cast<size_t>(columns_[0])).values<int64_t>()[row];
      }
      if (value < 0) {
        errors.push_back({row, "negative"});
      } else {
        Of(states[row] + offset) += value;
      }
    }
    return Status::Ok();
  }
  Status Merge(std::byte* to, const std::byte* from) const override {
    Of(to) += Of(from);
    return Status::Ok();
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override { out.Append(Of(state)); }
  void Encode(const std::byte* state, std::string& out) const override {
    AppendOrdered(out, Of(state));
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    if (bytes.size() < 8) return false;
    Of(state) = ReadOrdered(bytes);
    bytes.remove_prefix(8);
    return true;
  }
};

struct Listed {
  int64_t time;
  Origin origin;
  int64_t value;
  auto operator<=>(const Listed&) const = default;
};

class Listing final : public PlainAggregate<std::vector<Listed>> {
 public:
  explicit Listing(int column) {
    type_ = TypeKind::kString;
    text_ = "list(#" + std::to_string(column) + ")";
    columns_ = {column};
  }
  bool NeedsOrigins() const override { return true; }
  Status Update(const Batch& batch, std::span<const uint32_t> rows,
                std::span<std::byte* const> states, size_t offset, const EvalContext&,
                std::vector<RowError>& errors) const override {
    for (uint32_t row : rows) {
      const int64_t value = batch.column(static_cast<size_t>(columns_[0])).values<int64_t>()[row];
      if (value % 1000 == 0) {
        errors.push_back({row, "divisible by 1000"});
        continue;
      }
      const int64_t time = batch.times() ? (*batch.times())[row].us : 0;
      Of(states[row] + offset).push_back({time, (*batch.origins())[row], value});
    }
    return Status::Ok();
  }
  Status Merge(std::byte* to, const std::byte* from) const override {
    Of(to).insert(Of(to).end(), Of(from).begin(), Of(from).end());
    return Status::Ok();
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    std::vector<Listed> sorted = Of(state);
    std::sort(sorted.begin(), sorted.end());
    std::string text;
    for (const Listed& item : sorted) text += std::to_string(item.value) + ",";
    out.AppendText(text);
  }
  void Encode(const std::byte* state, std::string& out) const override {
    AppendOrdered(out, static_cast<int64_t>(Of(state).size()));
    for (const Listed& item : Of(state)) {
      AppendOrdered(out, item.time);
      AppendOrdered(out, item.origin.partition);
      AppendOrdered(out, item.origin.offset);
      AppendOrdered(out, item.value);
    }
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    const auto next = [&bytes](int64_t& value) {
      if (bytes.size() < 8) return false;
      value = ReadOrdered(bytes);
      bytes.remove_prefix(8);
      return true;
    };
    int64_t count = 0;
    if (!next(count)) return false;
    for (int64_t i = 0; i < count; i++) {
      Listed item{};
      int64_t partition = 0;
      if (!next(item.time) || !next(partition) || !next(item.origin.offset) || !next(item.value)) {
        return false;
      }
      item.origin.partition = static_cast<int32_t>(partition);
      Of(state).push_back(item);
    }
    return true;
  }
};

}  // namespace

AggregatePtr MakeRowCount() { return std::make_shared<Sum>(-1); }
AggregatePtr MakeSum(int column) { return std::make_shared<Sum>(column); }
AggregatePtr MakeListing(int column) { return std::make_shared<Listing>(column); }

}  // namespace weir::testing
