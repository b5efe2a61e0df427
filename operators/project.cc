#include "operators/project.h"

#include <set>

#include "operators/row_errors.h"

namespace weir {

OperatorPlanPtr Project::Plan(std::string kind, std::vector<ProjectedColumn> columns,
                              const Schema& input) {
  auto plan = std::make_shared<OperatorPlan>();
  plan->kind = std::move(kind);
  std::vector<Field> fields;
  std::set<int> reads;
  for (const ProjectedColumn& column : columns) {
    if (!plan->detail.empty()) plan->detail += ", ";
    plan->passes.push_back(column.input);
    if (column.input >= 0) {
      const Field& field = input[static_cast<size_t>(column.input)];
      fields.push_back({column.name, field.type});
      plan->detail += column.name == field.name ? field.name : column.name + ": " + field.name;
    } else {
      fields.push_back({column.name, column.expression->type()});
      plan->detail += column.name + ": " + column.expression->text();
      reads.insert(column.expression->columns().begin(), column.expression->columns().end());
    }
  }
  plan->reads.assign(reads.begin(), reads.end());
  plan->output = std::make_shared<const Schema>(std::move(fields));
  plan->make = [shared = std::make_shared<const std::vector<ProjectedColumn>>(std::move(columns)),
                output = plan->output](OperatorContext& context) {
    return std::make_unique<Project>(shared, output, context.clock);
  };
  return plan;
}

Status Project::OnBatch(const BatchPtr& batch, Output& out) {
  const EvalContext context{clock_.Now()};
  GoodRows good(batch->rows());
  std::vector<RowError> errors;
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_->size());
  for (const ProjectedColumn& column : *columns_) {
    if (column.input >= 0) {
      columns.push_back(batch->columns()[static_cast<size_t>(column.input)]);
      continue;
    }
    columns.push_back(column.expression->Evaluate(*batch, context, errors));
    good.Fail(errors);
  }
  BatchPtr projected = batch->WithColumns(output_, std::move(columns));
  if (!good.all_good()) {
    const std::vector<uint32_t> rows = good.Rows();
    WEIR_TRY(out.Reject(*batch, good.TakeRejections()));
    if (rows.empty()) return Status::Ok();
    projected = projected->Take(rows);
  }
  counts_.passed += static_cast<int64_t>(projected->rows());
  return out.Emit(std::move(projected));
}

}  // namespace weir
