#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "expr/expression.h"

namespace weir {

/// How one aggregate gathers values of one type, without names, filters and arguments. Immutable.
/// The contracts of size, Init, … are those of Aggregate. A null argument is never given.
class Accumulator {
 public:
  /// Values to add: `values` row `at[k]` (or k, where `at` is empty) goes to `states[rows[k]] +
  /// offset`. Nulls of `values` are passed over. `batch` gives times and origins by `rows[k]`.
  struct Input {
    const Batch& batch;
    std::span<const uint32_t> rows;
    ColumnPtr values;   ///< Null where the aggregate has no argument.
    bool constant;      ///< `values` has one row for all.
    bool by_batch_row;  ///< Row rows[k] of `values` is meant, not row k.
    std::span<std::byte* const> states;
    size_t offset;

    size_t At(size_t k) const { return constant ? 0 : by_batch_row ? rows[k] : k; }
    std::byte* State(size_t k) const { return states[rows[k]] + offset; }
  };

  virtual ~Accumulator() = default;
  const Type& type() const { return type_; }
  virtual bool NeedsOrigins() const { return false; }
  virtual size_t size() const = 0;
  virtual void Init(std::byte* state) const = 0;
  virtual void Destroy(std::byte* state) const { (void)state; }
  /// False where Destroy has nothing to do and HeapBytes is always 0.
  virtual bool OwnsHeap() const { return true; }
  virtual size_t HeapBytes(const std::byte* state) const {
    (void)state;
    return 0;
  }
  /// False on overflow.
  virtual bool Update(const Input& input) const = 0;
  virtual bool Merge(std::byte* to, const std::byte* from) const = 0;
  virtual void Finish(const std::byte* state, ColumnBuilder& out) const = 0;
  virtual void Encode(const std::byte* state, std::string& out) const = 0;
  virtual bool Decode(std::string_view& bytes, std::byte* state) const = 0;

 protected:
  Type type_;
};

/// One aggregate of the language.
struct AggregateFunction {
  std::string_view name;
  std::string_view signature;  ///< As of a function.
  std::string_view help;
  /// Over the rows x = 3, 1, null, 1 in this order of time, and its result as JSON.
  std::string_view example;
  std::string_view result;
  /// Null where values of that type are not taken; then `wants` says what is.
  std::unique_ptr<const Accumulator> (*make)(const Type& argument);
  std::string_view wants;
};

/// The accumulators, by file.
std::unique_ptr<const Accumulator> MakeCount(const Type& argument);
std::unique_ptr<const Accumulator> MakeCountIf(const Type& argument);
std::unique_ptr<const Accumulator> MakeSum(const Type& argument);
std::unique_ptr<const Accumulator> MakeAverage(const Type& argument);
std::unique_ptr<const Accumulator> MakeMinimum(const Type& argument);
std::unique_ptr<const Accumulator> MakeMaximum(const Type& argument);
std::unique_ptr<const Accumulator> MakeAny(const Type& argument);
std::unique_ptr<const Accumulator> MakeFirst(const Type& argument);
std::unique_ptr<const Accumulator> MakeLast(const Type& argument);
std::unique_ptr<const Accumulator> MakeCollectList(const Type& argument);
std::unique_ptr<const Accumulator> MakeCollectSet(const Type& argument);
std::unique_ptr<const Accumulator> MakeCountDistinct(const Type& argument);

/// All of them, in the order of the reference page.
std::span<const AggregateFunction> AllAggregates();
/// Null where there is none.
const AggregateFunction* FindAggregate(std::string_view name);

}  // namespace weir
