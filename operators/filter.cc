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
  rows.reserve(batch->rows());
  if (!kept->type().Is(TypeKind::kNull)) {
    const std::span<const uint8_t> values = kept->values<uint8_t>();
    const std::span<const uint8_t> validity = kept->validity();
    const bool plain = validity.empty() && good.all_good();
    for (uint32_t row = 0; row < values.size(); row++) {
      if (plain ? values[row] != 0 : values[row] != 0 && !kept->IsNull(row) && good.IsGood(row)) {
        rows.push_back(row);
      }
    }
  }

  std::vector<Rejection> rejections = good.TakeRejections();
  counts_.passed += static_cast<int64_t>(rows.size());
  counts_.filtered += static_cast<int64_t>(batch->rows() - rows.size() - rejections.size());
  if (!rejections.empty()) WEIR_TRY(out.Reject(*batch, std::move(rejections)));
  if (rows.empty()) return Status::Ok();
  return out.Emit(rows.size() == batch->rows() ? batch : batch->Take(rows));
}

}  // namespace weir
