#include "operators/filter.h"

#include <numeric>

#include "operators/row_errors.h"

namespace weir {

OperatorPlanPtr Filter::Plan(std::string kind, ExpressionPtr condition, SchemaPtr input) {
  auto plan = std::make_shared<OperatorPlan>();
  plan->kind = std::move(kind);
  plan->detail = condition->text();
  plan->reads = condition->columns();
  plan->passes.resize(input->size());
  std::iota(plan->passes.begin(), plan->passes.end(), 0);
  plan->output = std::move(input);
  plan->make = [condition](OperatorContext& context) {
    return std::make_unique<Filter>(condition, context.clock);
  };
  return plan;
}

Status Filter::OnBatch(const BatchPtr& batch, Output& out) {
  std::vector<RowError> errors;
  const ColumnPtr kept = condition_->Evaluate(*batch, {clock_.Now()}, errors);
  GoodRows good(batch->rows());
  good.Fail(errors);

  std::vector<uint32_t> rows;
  if (!kept->type().Is(TypeKind::kNull)) {
    const std::span<const uint8_t> values = kept->values<uint8_t>();
    const bool plain = !kept->has_nulls() && good.all_good();
    // Every row is written, and stays where it is kept: no branch has to be guessed.
    rows.resize(values.size());
    size_t count = 0;
    for (uint32_t row = 0; row < values.size(); row++) {
      rows[count] = row;
      const bool counts = plain || (!kept->IsNull(row) && good.IsGood(row));
      count += values[row] != 0 && counts ? 1 : 0;
    }
    rows.resize(count);
  }

  std::vector<Rejection> rejections = good.TakeRejections();
  counts_.passed += static_cast<int64_t>(rows.size());
  counts_.filtered += static_cast<int64_t>(batch->rows() - rows.size() - rejections.size());
  if (!rejections.empty()) WEIR_TRY(out.Reject(*batch, std::move(rejections)));
  if (rows.empty()) return Status::Ok();
  return out.Emit(rows.size() == batch->rows() ? batch : batch->Take(rows));
}

}  // namespace weir
