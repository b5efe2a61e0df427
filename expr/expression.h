#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "batch/batch.h"

namespace weir {

/// A fault in the text of an expression; `offset` and `length` are bytes of that text. The config
/// reader maps them to file, line and column.
struct ExpressionFault {
  size_t offset = 0;
  size_t length = 0;
  std::string message;  ///< What is wrong, e.g. `no column 'pirce'; it has ticker, price`.
  std::string cure;     ///< What to write instead, may be empty.
};

/// A row that an expression could not be evaluated for (division by zero, overflow, a cast).
struct RowError {
  uint32_t row = 0;
  std::string reason;  ///< Names the expression and the values that broke it.
};

/// What evaluation needs beside the rows.
struct EvalContext {
  /// `now()`: the wall clock at the start of the batch.
  EventTime now;
};

/// A type-checked expression over the columns of one schema. Immutable; Evaluate may be called from
/// several threads at once.
class Expression {
 public:
  virtual ~Expression() = default;

  const Type& type() const { return type_; }
  /// The text it was written as, for messages.
  const std::string& text() const { return text_; }
  /// Indices of the schema's columns that it reads, sorted, each once.
  const std::vector<int>& columns() const { return columns_; }

  /// One value per row of `batch`, whose schema is the one it was bound to. A row that fails gets a
  /// null and an entry in `errors` (at most one per row and call, in row order).
  virtual ColumnPtr Evaluate(const Batch& batch, const EvalContext& context,
                             std::vector<RowError>& errors) const = 0;

 protected:
  Type type_;
  std::string text_;
  std::vector<int> columns_;
};

using ExpressionPtr = std::shared_ptr<const Expression>;

/// Names an expression may use. `hints` are names that exist but may not be used here, with why.
struct Scope {
  SchemaPtr schema;
  /// What the columns belong to, for messages: `no column 'pirce' in 'stock'`.
  std::string owner;
  std::vector<std::pair<std::string, std::string>> hints;
};

/// Parses and type-checks a scalar expression. On a fault: returns null and appends to `faults`
/// (all faults found, not only the first).
ExpressionPtr BindExpression(std::string_view text, const Scope& scope,
                             std::vector<ExpressionFault>& faults);

/// The same, and the expression must have a type that is `wanted` or converts to it without loss
/// (null to anything, int32 to int64, int to double).
ExpressionPtr BindExpressionAs(std::string_view text, const Type& wanted, const Scope& scope,
                               std::vector<ExpressionFault>& faults);

/// One aggregate function call of a step, bound to the input's schema: how its accumulator lies in
/// memory and is fed, merged, written and finished. Immutable and shared by all tasks.
///
/// An accumulator is `size()` bytes, 8-aligned, which may own heap memory.
class Aggregate {
 public:
  virtual ~Aggregate() = default;
  const Type& type() const { return type_; }
  const std::string& text() const { return text_; }
  /// Indices of input columns read by its arguments and its filter.
  const std::vector<int>& columns() const { return columns_; }
  /// Whether Update can add to its `errors`; false only where no row can ever fail.
  virtual bool CanFail() const { return true; }
  /// Whether it needs the rows' times and origins (first, last, collect_list).
  virtual bool NeedsOrigins() const { return false; }

  virtual size_t size() const = 0;
  virtual void Init(std::byte* state) const = 0;
  virtual void Destroy(std::byte* state) const = 0;
  /// False where no accumulator ever owns heap memory: Destroy and HeapBytes need not be called.
  virtual bool OwnsHeap() const { return true; }
  /// Heap memory that `state` owns, for the memory budget.
  virtual size_t HeapBytes(const std::byte* state) const = 0;

  /// Adds row i of `batch` to `states[i] + offset` for every i of `rows`. Rows whose argument fails
  /// get an entry in `errors` and are not added. An overflow is an error Status (it fails the job).
  virtual Status Update(const Batch& batch, std::span<const uint32_t> rows,
                        std::span<std::byte* const> states, size_t offset,
                        const EvalContext& context, std::vector<RowError>& errors) const = 0;
  /// Adds what `from` has gathered to `to`.
  virtual Status Merge(std::byte* to, const std::byte* from) const = 0;
  /// Appends the result to a builder of `type()`.
  virtual void Finish(const std::byte* state, ColumnBuilder& out) const = 0;
  /// Appends a self-delimiting form; the layout of each is told where it is written.
  virtual void Encode(const std::byte* state, std::string& out) const = 0;
  /// Reads it back into an initialised accumulator and moves `bytes` past it; false if damaged.
  virtual bool Decode(std::string_view& bytes, std::byte* state) const = 0;

 protected:
  Type type_;
  std::string text_;
  std::vector<int> columns_;
};

using AggregatePtr = std::shared_ptr<const Aggregate>;

/// `select` and `having` of a grouped step, taken apart.
struct GroupedExpressions {
  std::vector<AggregatePtr> aggregates;  ///< Each different aggregate call once.
  /// Columns that `outputs` and `having` read: the scope's group columns (window_start and
  /// window_end among them, where there is a window), then one column `$0`, `$1`… for each
  /// aggregate.
  SchemaPtr after;
  std::vector<ExpressionPtr> outputs;
  ExpressionPtr having;  ///< Null where there is none.
};

/// An expression to bind, with a number that says which one in the faults.
struct NumberedText {
  int number = 0;
  std::string text;
};

/// Binds the outputs and `having` of a grouped step: the insides of aggregates see `input`, all
/// else sees `groups` (group names win over input columns). `having` may be empty text. Faults are
/// appended with the number of the expression they are in.
GroupedExpressions BindGrouped(const std::vector<NumberedText>& outputs, const NumberedText& having,
                               const Scope& input, const Scope& groups,
                               std::vector<std::pair<int, ExpressionFault>>& faults);

/// Whether the text has an aggregate call anywhere (false if it does not parse).
bool HasAggregate(std::string_view text);

}  // namespace weir
