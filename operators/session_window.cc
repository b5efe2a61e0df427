#include "operators/session_window.h"

#include <algorithm>

#include "base/failpoint.h"
#include "operators/errors.h"

namespace weir {

SessionWindow::SessionWindow(std::shared_ptr<const GroupedStep> step, OperatorContext& context)
    : step_(std::move(step)),
      gap_(step_->gap->us),
      max_(step_->max ? std::optional(step_->max->us) : std::nullopt),
      clock_(context.clock),
      sessions_(context.state.OpenKeys(step_->step, "sessions", *step_->layout)),
      timers_(context.state.OpenTimers(step_->step, "timers")),
      held_by_slot_(context.state.OpenCounter(step_->step, "held")),
      closed_up_to_(context.state.ClosedUpTo(step_->step)),
      held_(held_by_slot_.Sum()),
      feeder_(*step_),
      results_(*step_),
      joined_(*step_->layout, 1) {
  if (WEIR_MUTANT("watermark_not_restored")) closed_up_to_ = SlotTimes(context.state.range());
}

Status SessionWindow::StateLost() const {
  return Status(errors::kStateLost,
                "step '" + step_->step + "': its state can't be read or written",
                "see the disk of the state directory");
}

void SessionWindow::Hold(uint64_t hash, int64_t rows) {
  held_by_slot_.Add(SlotOfHash(hash), rows);
  held_ += rows;
}

std::vector<SessionWindow::Arrival> SessionWindow::Arrivals(const Batch& batch,
                                                            const Intake& intake,
                                                            const KeyColumn& keys) const {
  std::vector<Arrival> arrivals;
  arrivals.reserve(intake.rows.size());
  for (uint32_t row : intake.rows) {
    arrivals.push_back({keys.hash(row), (*batch.times())[row].us, row});
  }
  std::sort(arrivals.begin(), arrivals.end(), [&keys](const Arrival& a, const Arrival& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    const int order = keys.key(a.row).compare(keys.key(b.row));
    if (order != 0) return order < 0;
    return a.time != b.time ? a.time < b.time : a.row < b.row;
  });
  return arrivals;
}

Status SessionWindow::OnBatch(const BatchPtr& batch, Output& out) {
  const EvalContext context{clock_.Now()};
  const Intake intake = WEIR_TRY(feeder_.Begin(*batch, context, out));
  const KeyColumn keys = KeyColumn::Of(intake.groups, batch->rows());
  const std::vector<Arrival> arrivals = Arrivals(*batch, intake, keys);

  // Rows of one key that follow each other within the gap go into one session, whatever is there
  // already: each such run is placed once. Runs of a key come in order of time, so a session that
  // rows were given to is not moved by a later run (only what begins after it is merged into it).
  std::vector<std::span<const Arrival>> runs;
  std::vector<uint64_t> hashes;
  for (size_t begin = 0; begin < arrivals.size();) {
    size_t end = begin + 1;
    const std::string_view key = keys.key(arrivals[begin].row);
    while (end < arrivals.size() && arrivals[end].hash == arrivals[begin].hash &&
           arrivals[end].time - arrivals[end - 1].time <= gap_ &&
           keys.key(arrivals[end].row) == key) {
      end++;
    }
    runs.emplace_back(arrivals.data() + begin, end - begin);
    hashes.push_back(arrivals[begin].hash);
    begin = end;
  }

  std::vector<std::byte*> states(batch->rows());
  std::vector<uint32_t> rows;
  rows.reserve(arrivals.size());
  for (size_t i = 0; i < runs.size(); i++) {
    if (i % kKeysAhead == 0) sessions_.Prefetch(KeysAhead(hashes, i));
    const std::span<const Arrival> run = runs[i];
    const std::string_view key = keys.key(run.front().row);
    const uint64_t hash = hashes[i];
    bool taken = false;
    if (max_) {
      taken = WEIR_TRY(PlaceTimes(key, run, states));
    } else if (std::byte* state = WEIR_TRY(Place(key, hash, run.front().time, run.back().time))) {
      taken = true;
      for (const Arrival& arrival : run) states[arrival.row] = state;
    }
    if (taken) {
      Hold(hash, static_cast<int64_t>(run.size()));
    } else {
      counts_.late += static_cast<int64_t>(run.size());
    }
  }
  for (uint32_t row : intake.rows) {
    if (states[row] != nullptr) rows.push_back(row);
  }
  counts_.absorbed += static_cast<int64_t>(rows.size());
  return feeder_.Add(*batch, rows, states, context);
}

Result<std::byte*> SessionWindow::Place(std::string_view key, uint64_t hash, int64_t first,
                                        int64_t last) {
  // Any session of the key may reach up to `first`: each is found by its start, and few are open.
  found_.clear();
  WEIR_TRY(sessions_.FindBetween(key, hash, EventTime::Min(), {last + gap_}, found_));
  std::erase_if(found_, [&](const KeyTable::Found& session) {
    return GroupLayout::Last(session.row) < first - gap_;
  });
  if (found_.empty()) {
    if (last + gap_ <= closed_up_to_.Of(SlotOfHash(hash)).us)
      return static_cast<std::byte*>(nullptr);
    std::byte* row = sessions_.Upsert(key, hash, {first});
    if (row == nullptr) return StateLost();
    GroupLayout::Last(row) = last;
    WEIR_TRY(timers_.Set({last + gap_}, key, hash));
    return row;
  }
  if (found_.size() > 1 || found_.front().time.us > first) return Merged(key, hash, first, last);
  std::byte* row = found_.front().row;
  sessions_.Touch(found_.front());
  GroupLayout::Last(row) = std::max(GroupLayout::Last(row), last);
  return row;
}

/// Makes one session of those in `found_` and of rows from `first` to `last`. No timer is set: the
/// ones that were merged have theirs, at ends that are not after the new one's.
Result<std::byte*> SessionWindow::Merged(std::string_view key, uint64_t hash, int64_t first,
                                         int64_t last) {
  const EventTime start{std::min(first, found_.front().time.us)};
  // Found rows stay where they are until they are erased, also while this one is made.
  std::byte* row = sessions_.Upsert(key, hash, start);
  if (row == nullptr) return StateLost();
  int64_t end = last;
  for (const KeyTable::Found& session : found_) {
    end = std::max(end, GroupLayout::Last(session.row));
    if (session.time == start) continue;
    WEIR_TRY(step_->layout->MergeStates(row, session.row));
    GroupLayout::Weight(row) += GroupLayout::Weight(session.row);
    WEIR_TRY(sessions_.Erase(key, hash, session.time));
  }
  GroupLayout::Last(row) = end;
  return row;
}

Result<bool> SessionWindow::PlaceTimes(std::string_view key, std::span<const Arrival> arrivals,
                                       std::vector<std::byte*>& states) {
  const uint64_t hash = arrivals.front().hash;
  const int64_t first = arrivals.front().time;
  const int64_t last = arrivals.back().time;
  found_.clear();
  WEIR_TRY(sessions_.FindBetween(key, hash, {first - gap_}, {last + gap_}, found_));
  if (found_.empty() && last + gap_ <= closed_up_to_.Of(SlotOfHash(hash)).us) return false;
  // Rows behind others are looked at when those close; only what may be a first row needs a timer.
  if (found_.empty() || found_.front().time.us >= first) {
    WEIR_TRY(timers_.Set({first + std::min(gap_, *max_)}, key, hash));
  }
  for (const Arrival& arrival : arrivals) {
    std::byte* row = sessions_.Upsert(key, hash, {arrival.time});
    if (row == nullptr) return StateLost();
    GroupLayout::Last(row) = arrival.time;
    states[arrival.row] = row;
  }
  return true;
}

Result<EventTime> SessionWindow::OnWatermark(EventTime watermark, Output& out) {
  const EventTime passed_on = watermark - Duration::Micros(1);
  if (watermark <= closed_up_to_.least()) return passed_on;
  std::vector<std::string> due;
  WEIR_TRY(timers_.TakeDue(watermark, [&due](EventTime, std::string_view key) {
    due.emplace_back(key);
    return Status::Ok();
  }));
  std::sort(due.begin(), due.end());
  due.erase(std::unique(due.begin(), due.end()), due.end());
  std::vector<uint64_t> hashes;
  hashes.reserve(due.size());
  for (const std::string& key : due) hashes.push_back(HashBytes(key));
  for (size_t i = 0; i < due.size(); i++) {
    if (i % kKeysAhead == 0) sessions_.Prefetch(KeysAhead(hashes, i));
    WEIR_TRY(max_ ? CloseCutSessionsOf(due[i], hashes[i], watermark)
                  : CloseSessionsOf(due[i], hashes[i], watermark));
    if (results_.size() >= kMostGatheredResults) counts_.made += WEIR_TRY(results_.Emit(out));
  }
  counts_.made += WEIR_TRY(results_.Emit(out));
  closed_up_to_.RaiseTo(watermark);
  return passed_on;
}

Status SessionWindow::CloseSessionsOf(std::string_view key, uint64_t hash, EventTime watermark) {
  found_.clear();
  WEIR_TRY(sessions_.FindBetween(key, hash, EventTime::Min(), watermark, found_));
  for (const KeyTable::Found& session : found_) {
    const int64_t end = GroupLayout::Last(session.row) + gap_;
    if (end > watermark.us) {
      WEIR_TRY(timers_.Set({end}, key, hash));
      continue;
    }
    const int64_t weight = GroupLayout::Weight(session.row);
    results_.Add(key, session.row, session.time.us, end);
    counts_.released += weight;
    Hold(hash, -weight);
    WEIR_TRY(sessions_.Erase(key, hash, session.time));
  }
  return Status::Ok();
}

Status SessionWindow::CloseCutSessionsOf(std::string_view key, uint64_t hash, EventTime watermark) {
  found_.clear();
  WEIR_TRY(sessions_.FindBetween(key, hash, EventTime::Min(), EventTime::Max(), found_));
  for (size_t begin = 0; begin < found_.size();) {
    const int64_t start = found_[begin].time.us;
    size_t next = begin + 1;
    while (next < found_.size() && found_[next].time.us - found_[next - 1].time.us <= gap_ &&
           found_[next].time.us < start + *max_) {
      next++;
    }
    const int64_t end = std::min(found_[next - 1].time.us + gap_, start + *max_);
    if (end > watermark.us) {
      WEIR_TRY(timers_.Set({end}, key, hash));
      begin = next;
      continue;
    }
    joined_.Renew(0);
    std::byte* joined = joined_.row(0);
    for (; begin < next; begin++) {
      WEIR_TRY(step_->layout->MergeStates(joined, found_[begin].row));
      GroupLayout::Weight(joined) += GroupLayout::Weight(found_[begin].row);
      WEIR_TRY(sessions_.Erase(key, hash, found_[begin].time));
    }
    results_.Add(key, joined, start, end);
    counts_.released += GroupLayout::Weight(joined);
    Hold(hash, -GroupLayout::Weight(joined));
  }
  return Status::Ok();
}

}  // namespace weir
