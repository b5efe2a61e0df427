#include "engine/union.h"

#include <numeric>

namespace weir {
namespace {

class Union final : public Operator {
 public:
  Status OnBatch(const BatchPtr& batch, Output& out) override {
    counts_.passed += static_cast<int64_t>(batch->rows());
    return out.Emit(batch);
  }
};

class Pick final : public Operator {
 public:
  Pick(SchemaPtr schema, std::vector<int> columns)
      : schema_(std::move(schema)), columns_(std::move(columns)) {}

  Status OnBatch(const BatchPtr& batch, Output& out) override {
    counts_.passed += static_cast<int64_t>(batch->rows());
    std::vector<ColumnPtr> columns;
    columns.reserve(columns_.size());
    for (int column : columns_) columns.push_back(batch->columns()[static_cast<size_t>(column)]);
    return out.Emit(batch->WithColumns(schema_, std::move(columns)));
  }

 private:
  const SchemaPtr schema_;
  const std::vector<int> columns_;
};

}  // namespace

OperatorPlanPtr PlanUnion(const SchemaPtr& schema) {
  auto plan = std::make_shared<OperatorPlan>();
  plan->kind = "union";
  plan->output = schema;
  plan->passes.resize(schema->size());
  std::iota(plan->passes.begin(), plan->passes.end(), 0);
  plan->make = [](OperatorContext&) { return std::make_unique<Union>(); };
  return plan;
}

OperatorPlanPtr PlanPick(const SchemaPtr& input, const std::vector<int>& columns) {
  auto plan = std::make_shared<OperatorPlan>();
  plan->kind = "columns";
  std::vector<Field> fields;
  for (int column : columns) fields.push_back((*input)[static_cast<size_t>(column)]);
  plan->output = std::make_shared<const Schema>(std::move(fields));
  plan->passes = columns;
  plan->make = [schema = plan->output, columns](OperatorContext&) {
    return std::make_unique<Pick>(schema, columns);
  };
  return plan;
}

}  // namespace weir
