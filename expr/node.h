#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/batch.h"
#include "expr/expression.h"

namespace weir {

/// What a node gives: a value for each row of the frame, or one value that stands for all.
struct Vector {
  ColumnPtr column;
  bool constant = false;  ///< `column` has one row.

  const Type& type() const { return column->type(); }
  size_t At(size_t row) const { return constant ? 0 : row; }
  bool IsNull(size_t row) const { return column->IsNull(At(row)); }
  bool has_nulls() const { return column->has_nulls(); }
  /// A constant that is null (null for every row).
  bool IsNullConstant() const { return constant && column->IsNull(0); }
  template <typename T>
  T Get(size_t row) const {
    return column->values<T>()[At(row)];
  }
  std::string_view Text(size_t row) const { return column->text(At(row)); }
};

class Frame;

/// A column that a node reads, by the name the user knows it by.
struct NamedColumn {
  std::string name;
  int index = 0;
};

/// A type-checked piece of an expression. Immutable; evaluated over whole columns.
class Node {
 public:
  virtual ~Node() = default;
  /// A value for every row of the frame.
  virtual Vector Evaluate(Frame& frame) const = 0;
  /// The value, where the node is a literal (or was folded to one); otherwise null.
  virtual const Column* Literal() const { return nullptr; }
  /// The schema's column, where the node is nothing else; otherwise -1.
  virtual int ColumnIndex() const { return -1; }

  Type type;
  /// Whether some row may fail. What can't fail is evaluated for rows that don't need it, where
  /// that is faster than picking them.
  bool can_fail = false;
  /// Whether equal arguments always give equal values, so that it may be evaluated when bound.
  bool pure = true;
  std::string text;                ///< As written, cut, for row errors.
  std::vector<NamedColumn> reads;  ///< Each once.
};

using NodePtr = std::shared_ptr<const Node>;

/// First failure of each row of a batch.
class Failures {
 public:
  void Add(uint32_t row, std::string reason);
  bool Has(uint32_t row) const { return row < failed_.size() && failed_[row] != 0; }
  bool empty() const { return errors_.empty(); }
  /// In row order; leaves nothing.
  std::vector<RowError> Take();
  const std::vector<RowError>& errors() const { return errors_; }

 private:
  std::vector<RowError> errors_;
  std::vector<uint8_t> failed_;
};

/// The rows an expression is evaluated for: all of a batch, or some (a branch that is taken).
/// Columns of some rows are gathered when first asked for.
class Frame {
 public:
  Frame(const Batch& batch, const EvalContext& context, Failures& failures);
  /// The rows `rows` of the batch.
  Frame(const Batch& batch, std::span<const uint32_t> rows, const EvalContext& context,
        Failures& failures);
  /// The rows `rows` (indices into this frame).
  Frame Select(std::span<const uint32_t> rows) const;

  size_t rows() const { return whole_ ? batch_.rows() : rows_.size(); }
  const ColumnPtr& Column(int index);
  EventTime now() const { return context_.now; }

  /// Row `row` of this frame fails: `node.text: what (column = value, …)`. It counts once.
  void Fail(size_t row, const Node& node, std::string_view what);
  /// Every row fails alike (constant arguments).
  void FailAll(const Node& node, std::string_view what);

 private:
  uint32_t BatchRow(size_t row) const { return whole_ ? static_cast<uint32_t>(row) : rows_[row]; }
  const Batch& batch_;
  const EvalContext& context_;
  Failures& failures_;
  bool whole_;
  std::vector<uint32_t> rows_;
  std::vector<ColumnPtr> taken_;
};

/// Text in one line, cut after about 100 characters, for messages.
std::string Shorten(std::string_view text);

NodePtr MakeConstant(ColumnPtr value);
NodePtr MakeColumnNode(int index, Type type, std::string name);
/// Evaluates a node of constant, pure parts once. The node itself where that fails.
NodePtr Fold(NodePtr node);

}  // namespace weir
