#include "daemon/worker/attempt_report.h"

#include <algorithm>

namespace weir {

manager::AttemptReport AttemptReportOf(const JobPlan& plan, const JobProgress& progress,
                                       const JobRates& rates) {
  using manager::AttemptPhase;
  manager::AttemptReport report;
  report.phase = progress.phase == "running"    ? AttemptPhase::kRunning
                 : progress.phase == "stopping" ? AttemptPhase::kStopping
                                                : AttemptPhase::kRecovering;
  report.checkpoint = progress.checkpoint;
  report.checkpoints_completed = progress.checkpoints_completed;
  report.checkpoint_age = progress.checkpoint_age;
  const JobSums sums = SumsOf(plan, progress.totals);
  report.rows_in = sums.rows_in;
  report.rows_out = sums.rows_out;
  report.rows_in_now = std::max(progress.rows_in, sums.rows_in);
  report.rows_out_now = std::max(progress.rows_out, sums.rows_out);
  report.rows_per_second = rates.rows_in.value_or(0);
  report.rows_out_per_second = rates.rows_out;
  report.lag_records = progress.lag_records;
  report.lag_us = progress.lag_us;
  for (const auto& [fragment, shares] : rates.OfFragments()) {
    report.busy = std::max(report.busy, shares.busy);
  }
  report.watermark = progress.watermark;
  report.watermark_holder = progress.watermark_holder;
  report.held_by = progress.held_by;
  return report;
}

}  // namespace weir
