#include "operators/grouped_step.h"

#include <numeric>

#include "operators/errors.h"

namespace weir {

GroupFeeder::GroupFeeder(const GroupedStep& step) : step_(step) {
  const std::vector<AggregatePtr>& aggregates = step.layout->aggregates();
  for (size_t i = 0; i < aggregates.size(); i++) {
    (aggregates[i]->CanFail() ? fallible_ : infallible_).push_back(i);
  }
}

Result<Intake> GroupFeeder::Begin(const Batch& batch, const EvalContext& context, Output& out) {
  Intake intake{{}, GoodRows(batch.rows()), {}};
  std::vector<RowError> errors;
  for (const ExpressionPtr& group : step_.groups) {
    intake.groups.push_back(group->Evaluate(batch, context, errors));
    intake.good.Fail(errors);
  }
  if (step_.has_window()) {
    WEIR_CHECK(batch.times() != nullptr, "a window over rows without event time");
    for (uint32_t row = 0; row < batch.rows(); row++) {
      if (!WindowMath::InRange((*batch.times())[row])) {
        intake.good.Fail(row, errors::kTimeOutOfRange,
                         "the event time " + std::to_string((*batch.times())[row].us) +
                             " us is too far from 1970 for a window");
      }
    }
  }

  tried_.reset();
  intake.rows = intake.good.Rows();
  if (!fallible_.empty() && !intake.rows.empty()) {
    tried_ = std::make_unique<ScratchRows>(*step_.layout, batch.rows());
    std::vector<std::byte*> states(batch.rows());
    for (size_t row = 0; row < states.size(); row++) states[row] = tried_->row(row);
    for (size_t i : fallible_) {
      WEIR_TRY(step_.layout->aggregates()[i]->Update(batch, intake.rows, states,
                                                     step_.layout->offset(i), context, errors));
      intake.good.Fail(errors);
    }
    if (!intake.good.all_good()) intake.rows = intake.good.Rows();
  }
  if (!intake.good.all_good()) WEIR_TRY(out.Reject(batch, intake.good.TakeRejections()));
  return intake;
}

Status GroupFeeder::Add(const Batch& batch, std::span<const uint32_t> rows,
                        std::span<std::byte* const> states, const EvalContext& context) {
  for (uint32_t row : rows) GroupLayout::Weight(states[row])++;
  const std::vector<AggregatePtr>& aggregates = step_.layout->aggregates();
  std::vector<RowError> errors;
  for (size_t i : infallible_) {
    WEIR_TRY(aggregates[i]->Update(batch, rows, states, step_.layout->offset(i), context, errors));
  }
  WEIR_CHECK(errors.empty(), "an aggregate that can't fail did");
  for (size_t i : fallible_) {
    const size_t offset = step_.layout->offset(i);
    for (uint32_t row : rows) {
      WEIR_TRY(aggregates[i]->Merge(states[row] + offset, tried_->row(row) + offset));
    }
  }
  tried_.reset();
  return Status::Ok();
}

}  // namespace weir
