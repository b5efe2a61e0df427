#pragma once

#include "expr/expression.h"

namespace weir {

/// The value of one column, for plans that need an expression where no text was written.
class ColumnReference final : public Expression {
 public:
  ColumnReference(const Schema& schema, int column) : column_(column) {
    type_ = schema[static_cast<size_t>(column)].type;
    text_ = schema[static_cast<size_t>(column)].name;
    columns_.assign(1, column);
  }
  ColumnPtr Evaluate(const Batch& batch, const EvalContext&,
                     std::vector<RowError>&) const override {
    return batch.columns()[static_cast<size_t>(column_)];
  }

 private:
  const int column_;
};

}  // namespace weir
