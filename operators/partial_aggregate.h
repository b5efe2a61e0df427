#pragma once

#include "operators/group_table.h"
#include "operators/grouped_step.h"

namespace weir {

/// Forms the aggregates of tumbling and hopping windows before the exchange (protocol rule 29), so
/// that few hot keys flood neither it nor one task. Judges no lateness. Holds nothing over a
/// barrier: the chain flushes it before.
///
/// Where keys hardly repeat, aggregating here would cost a look-up for each row and save nothing:
/// if a flush shows more than one group for every two rows, the next batches are turned into
/// partial aggregates of one row each, without any table, and every 64th batch tries the table
/// again.
class PartialAggregate final : public Operator {
 public:
  PartialAggregate(std::shared_ptr<const GroupedStep> step, const Clock& clock);

  Status OnBatch(const BatchPtr& batch, Output& out) override;
  Status Flush(Output& out) override;
  bool FlushWanted() const override;
  int64_t Held() const override { return held_; }

 private:
  int64_t SliceEnd(const Batch& batch, uint32_t row) const {
    return step_->windows ? step_->windows->SliceEnd((*batch.times())[row].us) : 0;
  }
  Status PassRows(const Batch& batch, const Intake& intake, const EvalContext& context,
                  Output& out);

  const std::shared_ptr<const GroupedStep> step_;
  const Clock& clock_;
  GroupFeeder feeder_;
  GroupTable table_;
  int64_t held_ = 0;
  Duration first_absorbed_{};  ///< Monotonic.
  int batches_to_pass_ = 0;
};

}  // namespace weir
