#pragma once

#include <vector>

#include "operators/group_table.h"
#include "operators/grouped_step.h"
#include "operators/result_rows.h"

namespace weir {

/// Groups rows in tumbling and hopping windows, or over a whole bounded input where the step has no
/// window. Takes rows of the step's input, or partial aggregates of them; tells them apart by their
/// schema.
///
/// State: a table of groups by (slice end, key); how many rows they stand for, per key slot. A
/// slice is dropped once the last window it is part of has closed. Without a window there is one
/// slice, with the end 0, and the end of the input closes it.
class SliceWindow final : public Operator {
 public:
  SliceWindow(std::shared_ptr<const GroupedStep> step, OperatorContext& context);

  Status OnBatch(const BatchPtr& batch, Output& out) override;
  Result<EventTime> OnWatermark(EventTime watermark, Output& out) override;
  int64_t Held() const override { return held_; }

 private:
  Status OnRows(const Batch& batch, Output& out);
  Status OnPartials(const Batch& batch);
  /// Whether all windows of the slice are closed for the key with this hash.
  bool IsLate(int64_t slice_end, uint64_t hash);
  /// Counts `rows` more (or fewer) as held for a key.
  void Hold(uint64_t hash, int64_t rows);
  Status StateLost() const;

  Status CloseWindows(EventTime before, EventTime watermark, Output& out);
  /// The entries of a slice whose keys the window has not been closed for.
  Status ScanOpen(int64_t slice_end, int64_t window_end, const EntryVisitor& visit);
  Status CloseWindow(int64_t window_end, const std::vector<int64_t>& slices, Output& out);
  Status CloseWhole(Output& out);
  /// Rows of a slice that leave the state with this window.
  void Release(std::string_view key, const std::byte* row);
  Status EmitResults(Output& out);

  const std::shared_ptr<const GroupedStep> step_;
  const Clock& clock_;
  SliceTable& table_;
  SlotCounter& held_by_slot_;
  SlotTimes& closed_up_to_;
  int64_t held_;
  GroupFeeder feeder_;
  ResultRows results_;
  ScratchRows part_;          ///< One row: a partial aggregate while it is merged.
  SchemaPtr partial_seen_;    ///< A schema found to be that of partials.
  int64_t late_checked_ = 0;  ///< The slice that IsLate was last asked about, and its answer.
  EventTime late_checked_at_ = EventTime::Min();
  bool late_ = false;
};

}  // namespace weir
