#pragma once

#include "operators/operator.h"

namespace weir {

/// Lets the rows through for which a condition is true (`where`, `having`); null is not true. Rows
/// that the condition fails for are rejected. No state.
class Filter final : public Operator {
 public:
  /// `kind` is the clause, for explain; `condition` is of type bool over `input`.
  static OperatorPlanPtr Plan(std::string kind, ExpressionPtr condition, SchemaPtr input);

  Filter(ExpressionPtr condition, const Clock& clock)
      : condition_(std::move(condition)), clock_(clock) {}
  Status OnBatch(const BatchPtr& batch, Output& out) override;

 private:
  const ExpressionPtr condition_;
  const Clock& clock_;
};

}  // namespace weir
