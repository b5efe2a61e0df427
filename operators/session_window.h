#pragma once

#include <string>
#include <vector>

#include "batch/key.h"
#include "operators/grouped_step.h"
#include "operators/result_rows.h"

namespace weir {

/// Groups the rows of each key into sessions: rows at most `gap` apart are in one. A session's
/// window is from its first row's time to its last row's time + gap. It closes at a watermark
/// >= its end, so that a row exactly `gap` behind the last one still joins, and the step passes
/// that watermark less 1 us on, so that results are not late behind it (protocol rule 25).
///
/// With `max`, a session's window is at most that long: rows from its start + max on begin another,
/// and a window that is cut ends at start + max. Where the cuts lie depends on the first row, which
/// may come last, so nothing is joined before it closes: the table then has one entry for each time
/// that rows of a key have.
///
/// State: sessions by (key, start); one timer for each session at an end that it had (looked at
/// again when it is due, so that growing sessions set no timer for each row); how many rows are
/// held, per key slot. All sessions in the table are open: more than `gap` apart within a key.
class SessionWindow final : public Operator {
 public:
  SessionWindow(std::shared_ptr<const GroupedStep> step, OperatorContext& context);

  Status OnBatch(const BatchPtr& batch, Output& out) override;
  Result<EventTime> OnWatermark(EventTime watermark, Output& out) override;
  int64_t Held() const override { return held_; }

 private:
  /// A row of the batch, to be ordered by key and time.
  struct Arrival {
    uint64_t hash;
    int64_t time;
    uint32_t row;
  };
  std::vector<Arrival> Arrivals(const Batch& batch, const Intake& intake,
                                const KeyColumn& keys) const;
  /// The session that takes rows of `key` from `first` to `last` (none more than `gap` behind the
  /// one before), made, widened or merged as it needs be. Null: the rows are late.
  Result<std::byte*> Place(std::string_view key, uint64_t hash, int64_t first, int64_t last);
  Result<std::byte*> Merged(std::string_view key, uint64_t hash, int64_t first, int64_t last);
  /// With `max`: makes the entries of the rows `arrivals`, which follow each other closely, in
  /// `states`. False: they are late.
  Result<bool> PlaceTimes(std::string_view key, std::span<const Arrival> arrivals,
                          std::vector<std::byte*>& states);
  Status CloseCutSessionsOf(std::string_view key, uint64_t hash, EventTime watermark);
  Status CloseSessionsOf(std::string_view key, uint64_t hash, EventTime watermark);
  void Hold(uint64_t hash, int64_t rows);
  Status StateLost() const;

  const std::shared_ptr<const GroupedStep> step_;
  const int64_t gap_;
  const std::optional<int64_t> max_;
  const Clock& clock_;
  KeyTable& sessions_;
  TimerTable& timers_;
  SlotCounter& held_by_slot_;
  SlotTimes& closed_up_to_;
  int64_t held_;
  GroupFeeder feeder_;
  ResultRows results_;
  std::vector<KeyTable::Found> found_;
  ScratchRows joined_;  ///< One row: a session while its entries are joined.
};

}  // namespace weir
