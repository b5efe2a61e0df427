#include "operators/slice_window.h"

#include <algorithm>

#include "base/failpoint.h"
#include "batch/key.h"
#include "operators/errors.h"

namespace weir {
namespace {

constexpr int64_t kWholeSlice = 0;

}  // namespace

SliceWindow::SliceWindow(std::shared_ptr<const GroupedStep> step, OperatorContext& context)
    : step_(std::move(step)),
      clock_(context.clock),
      table_(context.state.OpenSlices(step_->step, "slices", *step_->layout)),
      held_by_slot_(context.state.OpenCounter(step_->step, "held")),
      closed_up_to_(context.state.ClosedUpTo(step_->step)),
      held_(held_by_slot_.Sum()),
      feeder_(*step_),
      results_(*step_),
      part_(*step_->layout, 1) {
  if (WEIR_MUTANT("watermark_not_restored")) closed_up_to_ = SlotTimes(context.state.range());
}

Status SliceWindow::StateLost() const {
  return Status(errors::kStateLost,
                "step '" + step_->step + "': its state can't be read or written",
                "see the disk of the state directory");
}

bool SliceWindow::IsLate(int64_t slice_end, uint64_t hash) {
  const EventTime closed_up_to = closed_up_to_.Of(SlotOfHash(hash));
  if (closed_up_to == EventTime::Min()) return false;
  if (!step_->windows) return closed_up_to == EventTime::Max();
  if (slice_end != late_checked_ || late_checked_at_ != closed_up_to) {
    late_checked_ = slice_end;
    late_checked_at_ = closed_up_to;
    late_ = step_->windows->LastWindowEnd(slice_end) - 1 <= closed_up_to.us;
  }
  return late_;
}

void SliceWindow::Hold(uint64_t hash, int64_t rows) {
  held_by_slot_.Add(SlotOfHash(hash), rows);
  held_ += rows;
}

Status SliceWindow::OnBatch(const BatchPtr& batch, Output& out) {
  if (batch->schema() == partial_seen_) return OnPartials(*batch);
  if (step_->partial && *batch->schema() == *step_->partial) {
    partial_seen_ = batch->schema();
    return OnPartials(*batch);
  }
  return OnRows(*batch, out);
}

Status SliceWindow::OnRows(const Batch& batch, Output& out) {
  const EvalContext context{clock_.Now()};
  const Intake intake = WEIR_TRY(feeder_.Begin(batch, context, out));
  const KeyColumn keys = KeyColumn::Of(intake.groups, batch.rows());
  std::vector<std::byte*> states(batch.rows());
  std::vector<uint32_t> rows;
  rows.reserve(intake.rows.size());
  for (size_t i = 0; i < intake.rows.size(); i++) {
    const uint32_t row = intake.rows[i];
    const int64_t slice_end =
        step_->windows ? step_->windows->SliceEnd((*batch.times())[row].us) : kWholeSlice;
    if (i % kKeysAhead == 0) table_.Prefetch({slice_end}, KeysAhead(keys.hashes(), row));
    if (IsLate(slice_end, keys.hash(row))) {
      counts_.late++;
      continue;
    }
    states[row] = table_.Upsert({slice_end}, keys.key(row), keys.hash(row));
    if (states[row] == nullptr) return StateLost();
    Hold(keys.hash(row), 1);
    rows.push_back(row);
  }
  counts_.absorbed += static_cast<int64_t>(rows.size());
  return feeder_.Add(batch, rows, states, context);
}

Status SliceWindow::OnPartials(const Batch& batch) {
  const size_t groups = step_->groups.size();
  const KeyColumn keys = KeyColumn::Of(std::span(batch.columns()).subspan(0, groups), batch.rows());
  const std::span<const int64_t> slice_ends = batch.column(groups).values<int64_t>();
  const Column& encoded = batch.column(groups + 1);
  const std::span<const int64_t> weights = batch.column(groups + 2).values<int64_t>();
  const GroupLayout& layout = *step_->layout;
  for (size_t i = 0; i < batch.rows(); i++) {
    if (i % kKeysAhead == 0) table_.Prefetch({slice_ends[i]}, KeysAhead(keys.hashes(), i));
    if (IsLate(slice_ends[i], keys.hash(i))) {
      counts_.late += weights[i];
      continue;
    }
    std::byte* row = table_.Upsert({slice_ends[i]}, keys.key(i), keys.hash(i));
    if (row == nullptr) return StateLost();
    bool sound = weights[i] > 0;
    if (GroupLayout::Weight(row) == 0) {
      sound = sound && layout.DecodeStates(encoded.text(i), row);
    } else {
      part_.Renew(0);
      sound = sound && layout.DecodeStates(encoded.text(i), part_.row(0));
      if (sound) WEIR_TRY(layout.MergeStates(row, part_.row(0)));
    }
    if (!sound) {
      return Status(errors::kDamagedPartial,
                    "step '" + step_->step + "': a partial aggregate can't be read",
                    "workers of one job must run the same version");
    }
    GroupLayout::Weight(row) += weights[i];
    Hold(keys.hash(i), weights[i]);
    counts_.absorbed += weights[i];
  }
  return Status::Ok();
}

Result<EventTime> SliceWindow::OnWatermark(EventTime watermark, Output& out) {
  if (watermark <= closed_up_to_.least()) return watermark;
  if (step_->windows) {
    WEIR_TRY(CloseWindows(closed_up_to_.least(), watermark, out));
  } else if (watermark == EventTime::Max()) {
    WEIR_TRY(CloseWhole(out));
  }
  closed_up_to_.RaiseTo(watermark);
  return watermark;
}

Status SliceWindow::CloseWindows(EventTime before, EventTime watermark, Output& out) {
  const WindowMath& windows = *step_->windows;
  const int64_t closed = windows.LatestClosedEnd(before);
  const int64_t latest = windows.LatestClosedEnd(watermark);
  if (closed == latest) return Status::Ok();
  std::vector<int64_t> slices;
  for (EventTime end : table_.Slices()) slices.push_back(end.us);
  // Only windows that hold a slice are visited: from one that is done, the next slice that is not
  // in it yet says where to go on.
  size_t first = 0;
  int64_t after = closed;
  while (first < slices.size()) {
    const int64_t window_end = windows.WindowEndFrom(std::max(slices[first], after + 1));
    if (window_end > latest) break;
    std::vector<int64_t> held;
    for (size_t i = first; i < slices.size() && slices[i] <= window_end; i++) {
      if (slices[i] > window_end - windows.size()) held.push_back(slices[i]);
    }
    if (!held.empty()) WEIR_TRY(CloseWindow(window_end, held, out));
    after = window_end;
    while (first < slices.size() && slices[first] <= windows.SlicesDoneAfter(window_end)) first++;
  }
  WEIR_TRY(EmitResults(out));
  return table_.DropSlices({windows.SlicesDoneAfter(latest)});
}

Status SliceWindow::ScanOpen(int64_t slice_end, int64_t window_end, const EntryVisitor& visit) {
  if (closed_up_to_.even()) return table_.Scan({slice_end}, visit);
  return table_.Scan(
      {slice_end}, [&](EventTime time, std::string_view key, const std::byte* row) -> Status {
        const bool closed = window_end - 1 <= closed_up_to_.Of(SlotOfHash(HashBytes(key))).us;
        return closed ? Status::Ok() : visit(time, key, row);
      });
}

Status SliceWindow::CloseWindow(int64_t window_end, const std::vector<int64_t>& slices,
                                Output& out) {
  const WindowMath& windows = *step_->windows;
  const int64_t start = window_end - windows.size();
  if (slices.size() == 1) {
    const bool done = slices[0] <= windows.SlicesDoneAfter(window_end);
    return ScanOpen(
        slices[0], window_end, [&](EventTime, std::string_view key, const std::byte* row) {
          results_.Add(key, row, start, window_end);
          if (done) Release(key, row);
          return results_.size() < kMostGatheredResults ? Status::Ok() : EmitResults(out);
        });
  }
  GroupTable merged(*step_->layout);
  for (int64_t slice : slices) {
    const bool done = slice <= windows.SlicesDoneAfter(window_end);
    WEIR_TRY(
        ScanOpen(slice, window_end, [&](EventTime, std::string_view key, const std::byte* row) {
          std::byte* to = merged.Upsert(0, key, HashBytes(key));
          GroupLayout::Weight(to) += GroupLayout::Weight(row);
          if (done) Release(key, row);
          return step_->layout->MergeStates(to, row);
        }));
  }
  for (size_t i = 0; i < merged.size(); i++) {
    results_.Add(merged.key(i), merged.row(i), start, window_end);
    if (results_.size() >= kMostGatheredResults) WEIR_TRY(EmitResults(out));
  }
  return Status::Ok();
}

Status SliceWindow::CloseWhole(Output& out) {
  WEIR_TRY(ScanOpen(
      kWholeSlice, EventTime::Max().us, [&](EventTime, std::string_view key, const std::byte* row) {
        results_.Add(key, row, 0, 0);
        Release(key, row);
        return results_.size() < kMostGatheredResults ? Status::Ok() : EmitResults(out);
      }));
  WEIR_TRY(EmitResults(out));
  return table_.DropSlices({kWholeSlice});
}

void SliceWindow::Release(std::string_view key, const std::byte* row) {
  const int64_t weight = GroupLayout::Weight(row);
  counts_.released += weight;
  Hold(HashBytes(key), -weight);
}

Status SliceWindow::EmitResults(Output& out) {
  counts_.made += WEIR_TRY(results_.Emit(out));
  return Status::Ok();
}

}  // namespace weir
