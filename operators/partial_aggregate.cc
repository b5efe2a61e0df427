#include "operators/partial_aggregate.h"

#include "batch/key.h"

namespace weir {
namespace {

constexpr Duration kFlushAfter = Duration::Millis(100);
constexpr size_t kMostBytes = size_t{4} << 20;
constexpr int64_t kMostRows = int64_t{1} << 18;  ///< Bounds accumulators that grow, like lists.
constexpr size_t kRowsPerBatch = 16384;
constexpr int64_t kEnoughRowsToJudge = 256;
constexpr int kBatchesToPass = 64;

}  // namespace

PartialAggregate::PartialAggregate(std::shared_ptr<const GroupedStep> step, const Clock& clock)
    : step_(std::move(step)), clock_(clock), feeder_(*step_), table_(*step_->layout) {}

bool PartialAggregate::FlushWanted() const {
  return held_ > 0 && clock_.Monotonic().us - first_absorbed_.us >= kFlushAfter.us;
}

Status PartialAggregate::OnBatch(const BatchPtr& batch, Output& out) {
  const EvalContext context{clock_.Now()};
  const Intake intake = WEIR_TRY(feeder_.Begin(*batch, context, out));
  if (intake.rows.empty()) return Status::Ok();
  const auto rows = static_cast<int64_t>(intake.rows.size());
  counts_.absorbed += rows;
  if (batches_to_pass_ > 0) {
    batches_to_pass_--;
    return PassRows(*batch, intake, context, out);
  }

  if (held_ == 0) first_absorbed_ = clock_.Monotonic();
  held_ += rows;
  const KeyColumn keys = KeyColumn::Of(intake.groups, batch->rows());
  std::vector<std::byte*> states(batch->rows());
  for (uint32_t row : intake.rows) {
    states[row] = table_.Upsert(SliceEnd(*batch, row), keys.key(row), keys.hash(row));
  }
  WEIR_TRY(feeder_.Add(*batch, intake.rows, states, context));
  if (table_.MemoryBytes() >= kMostBytes || held_ >= kMostRows) return Flush(out);
  return Status::Ok();
}

Status PartialAggregate::Flush(Output& out) {
  if (held_ == 0) return Status::Ok();
  const auto groups = static_cast<int64_t>(table_.size());
  if (held_ >= kEnoughRowsToJudge && groups * 2 > held_) batches_to_pass_ = kBatchesToPass - 1;
  const size_t key_columns = step_->groups.size();
  BatchBuilder builder(step_->partial);
  std::vector<ColumnBuilder*> columns;
  for (size_t i = 0; i < key_columns; i++) columns.push_back(&builder.column(i));
  std::string encoded;
  for (size_t i = 0; i < table_.size(); i++) {
    WEIR_CHECK(DecodeKey(table_.key(i), columns));
    encoded.clear();
    step_->layout->EncodeStates(table_.row(i), encoded);
    builder.column(key_columns).Append(table_.slice_end(i));
    builder.column(key_columns + 1).AppendText(encoded);
    builder.column(key_columns + 2).Append(GroupLayout::Weight(table_.row(i)));
    if (builder.rows() < kRowsPerBatch && i + 1 < table_.size()) continue;
    WEIR_TRY(out.Emit(builder.Finish()));
  }
  counts_.released += held_;
  counts_.made += groups;
  held_ = 0;
  table_.Clear();
  return Status::Ok();
}

Status PartialAggregate::PassRows(const Batch& batch, const Intake& intake,
                                  const EvalContext& context, Output& out) {
  ScratchRows single(*step_->layout, intake.rows.size());
  std::vector<std::byte*> states(batch.rows());
  for (size_t i = 0; i < intake.rows.size(); i++) states[intake.rows[i]] = single.row(i);
  WEIR_TRY(feeder_.Add(batch, intake.rows, states, context));

  std::vector<int64_t> slice_ends;
  slice_ends.reserve(intake.rows.size());
  for (uint32_t row : intake.rows) slice_ends.push_back(SliceEnd(batch, row));
  ColumnBuilder encoded{Type(TypeKind::kBytes)};
  encoded.Reserve(intake.rows.size());
  std::string bytes;
  for (size_t i = 0; i < intake.rows.size(); i++) {
    bytes.clear();
    step_->layout->EncodeStates(single.row(i), bytes);
    encoded.AppendText(bytes);
  }
  std::vector<ColumnPtr> columns;
  for (const ColumnPtr& group : intake.groups) {
    columns.push_back(intake.rows.size() == batch.rows() ? group : Take(group, intake.rows));
  }
  columns.push_back(MakeColumn<int64_t>(TypeKind::kTimestamp, slice_ends));
  columns.push_back(encoded.Finish());
  columns.push_back(
      MakeColumn<int64_t>(TypeKind::kInt64, std::vector<int64_t>(intake.rows.size(), 1)));
  const auto rows = static_cast<int64_t>(intake.rows.size());
  counts_.released += rows;
  counts_.made += rows;
  return out.Emit(
      std::make_shared<const Batch>(step_->partial, intake.rows.size(), std::move(columns)));
}

}  // namespace weir
