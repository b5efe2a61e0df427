#pragma once

#include <vector>

#include "operators/operator.h"

namespace weir {

/// One column that a Project gives: an input column as it is, or the value of an expression.
struct ProjectedColumn {
  std::string name;
  int input = -1;            ///< The input column, or -1.
  ExpressionPtr expression;  ///< Null where `input` is given.
};

/// Gives each row other columns (`select`, `with`, `drop`). Columns that stay are shared, so
/// picking, dropping and renaming cost nothing. Rows that an expression fails for are rejected.
/// No state.
class Project final : public Operator {
 public:
  static OperatorPlanPtr Plan(std::string kind, std::vector<ProjectedColumn> columns,
                              const Schema& input);

  Project(std::shared_ptr<const std::vector<ProjectedColumn>> columns, SchemaPtr output,
          const Clock& clock)
      : columns_(std::move(columns)), output_(std::move(output)), clock_(clock) {}
  Status OnBatch(const BatchPtr& batch, Output& out) override;

 private:
  const std::shared_ptr<const std::vector<ProjectedColumn>> columns_;
  const SchemaPtr output_;
  const Clock& clock_;
};

}  // namespace weir
