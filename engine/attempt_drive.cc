// The second half of Attempt: what happens once tasks run.

#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/attempt.h"
#include "engine/errors.h"

namespace weir {
namespace {

constexpr Duration kLookEvery = Duration::Seconds(1);
constexpr Duration kTick = Duration::Millis(100);

}  // namespace

Status Attempt::Drive() {
  CoordinatorPlan plan;
  for (const auto& task : tasks_) {
    plan.tasks.push_back(task->id());
    if (task->is_source()) plan.source_tasks.insert(task->id());
  }
  plan.ledger = plan_.Ledger();
  for (const auto& [sink, lane] : lanes_) plan.lanes[sink] = 0;
  plan.interval = plan_.checkpoint_interval;
  plan.timeout = plan_.checkpoint_timeout;
  plan.bounded = plan_.bounded;
  plan.splits_may_idle = std::any_of(
      plan_.nodes.begin(), plan_.nodes.end(),
      [](const NodePlan& node) { return node.event_time && node.event_time->policy.idle_after; });
  coordinator_ = std::make_unique<Coordinator>(std::move(plan), manifest_, manifest_checksum_,
                                               clock_.Monotonic());
  for (const auto& [sink, lane] : lanes_) lane->Start();
  for (const auto& task : tasks_) task->Start();
  {
    std::lock_guard lock(mutex_);
    shown_.phase = "running";
  }
  if (std::any_of(sources_.begin(), sources_.end(),
                  [](const Source& source) { return source.finder->Grows(); })) {
    look_thread_ = std::thread([this] { LookForSplits(); });
  }

  bool stop_told = false;
  Status outcome;
  bool over = false;
  while (!over) {
    std::deque<Fact> facts;
    {
      std::unique_lock lock(mutex_);
      const Duration until{
          std::min(coordinator_->NextDeadline().us, clock_.Monotonic().us + kTick.us)};
      const Duration wait{std::max<int64_t>(until.us - clock_.Monotonic().us, 0)};
      wake_.wait_for(lock, wait.ToChrono(), [this] { return !facts_.empty() || !failure_.ok(); });
      if (!failure_.ok()) {
        outcome = failure_;
        break;
      }
      facts.swap(facts_);
    }
    if (stop_asked_ && !stop_told) {
      stop_told = true;
      facts.push_back(facts::StopAsked{});
    }
    facts.push_back(facts::Tick{});
    for (Fact& fact : facts) {
      std::vector<Action> actions = coordinator_->On(std::move(fact), clock_.Monotonic());
      Status status = Carry(std::move(actions));
      over = !status.ok() || coordinator_->done();
      outcome = std::move(status);
      if (over) break;
    }
    std::lock_guard lock(mutex_);
    const Coordinator::Progress progress = coordinator_->progress();
    shown_.checkpoint = progress.number;
    shown_.checkpoint_age = {clock_.Monotonic().us - progress.committed_at.us};
    shown_.checkpoints_completed = progress.completed;
    shown_.checkpoints_dropped = progress.dropped;
    shown_.checkpoint_duration = progress.last_duration;
    shown_.unpublished_epochs = progress.unpublished;
    shown_.unaccounted_rows = coordinator_->unaccounted_rows();
    shown_.totals.clear();
    shown_.totals.insert(coordinator_->totals().values().begin(),
                         coordinator_->totals().values().end());
    if (progress.completed > 0) made_progress_ = true;
  }
  End();
  return outcome;
}

/// Does what the coordinator asks; what it writes is told back to it at once.
Status Attempt::Carry(std::vector<Action> actions) {
  std::deque<Action> todo(std::make_move_iterator(actions.begin()),
                          std::make_move_iterator(actions.end()));
  while (!todo.empty()) {
    Action action = std::move(todo.front());
    todo.pop_front();
    if (const auto* trigger = std::get_if<actions::Trigger>(&action)) {
      if (trigger->barrier.last) {
        std::lock_guard lock(mutex_);
        shown_.phase = "stopping";
      }
      (void)WEIR_FAILPOINT("engine.trigger");
      for (const auto& task : tasks_) {
        if (task->is_source()) task->Trigger(trigger->barrier);
      }
    } else if (auto* write = std::get_if<actions::WriteManifest>(&action)) {
      // The same time when the same manifest is written again: its bytes must be the same.
      const BarrierId id{Epoch{write->manifest.number()}, write->manifest.attempt_try()};
      if (id != stamped_) {
        stamped_ = id;
        stamp_ = clock_.Now();
      }
      write->manifest.set_written_at_us(stamp_.us);
      facts::ManifestWritten written{write->manifest.number(), facts::ManifestOutcome::kCommitted,
                                     "", ""};
      Result<CommitOutcome> outcome = store_->CommitManifest(write->manifest);
      if (!outcome.ok()) {
        written.outcome = facts::ManifestOutcome::kUnknown;
        written.reason = outcome.status().ToString();
        if (const auto times = writes_.OnFailure(clock_.Monotonic())) {
          log::Warn(
              "checkpoint waits: its manifest can't be written",
              {{"checkpoint", written.number}, {"times", *times}, {"reason", written.reason}});
        }
        std::lock_guard lock(mutex_);
        shown_.last_error = written.reason;
      } else if (*outcome == CommitOutcome::kOther) {
        written.outcome = facts::ManifestOutcome::kOther;
      } else {
        written.checksum = CheckpointStore::ChecksumOf(write->manifest);
        known_number_ = write->manifest.number();
      }
      for (Action& next : coordinator_->On(std::move(written), clock_.Monotonic())) {
        todo.push_back(std::move(next));
      }
    } else if (auto* publish = std::get_if<actions::Publish>(&action)) {
      lanes_.at(publish->sink)
          ->Enqueue(std::move(publish->sealed), std::move(publish->manifest_checksum));
    } else if (const auto* committed = std::get_if<actions::Committed>(&action)) {
      const int64_t failed = drops_.OnSuccess().value_or(0) + writes_.OnSuccess().value_or(0);
      if (failed > 0) {
        log::Info("checkpoints work again",
                  {{"checkpoint", committed->id.epoch.value}, {"failed", failed}});
      }
      for (const auto& task : tasks_) task->Committed(committed->id);
    } else if (const auto* dropped = std::get_if<actions::Dropped>(&action)) {
      if (const auto times = drops_.OnFailure(clock_.Monotonic())) {
        log::Warn("checkpoint dropped", {{"checkpoint", dropped->id.epoch.value},
                                         {"times", *times},
                                         {"reason", dropped->reason}});
      }
      {
        std::lock_guard lock(mutex_);
        shown_.last_error = dropped->reason;
      }
      for (const auto& task : tasks_) task->Dropped(dropped->id);
    } else if (std::holds_alternative<actions::CleanUp>(action)) {
      Result<CleanUpReport> cleaned = store_->CleanUp(plan_.retain, {});
      if (!cleaned.ok()) {
        log::Warn("old checkpoints stay", {{"reason", cleaned.status().ToString()}});
      }
      (void)WEIR_FAILPOINT("engine.cleaned_up");
    } else if (auto* fail = std::get_if<actions::Fail>(&action)) {
      return std::move(fail->status);
    }
  }
  return Status::Ok();
}

/// Looks for new splits once a second. The watermark of a source may not pass what it was when the
/// last finished look began: rows of a split that nobody has seen yet are not late (rule 27).
void Attempt::LookForSplits() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kLookEvery.ToChrono(), [this] { return ending_; });
      if (ending_) return;
    }
    for (Source& source : sources_) {
      if (!source.finder->Grows()) continue;
      std::vector<Watermark> began;
      for (Task* task : source.tasks) {
        std::lock_guard lock(task->gauges().mutex);
        began.push_back(task->gauges().uncapped);
      }
      Result<std::vector<Split>> found = source.finder->Find(source.splits);
      if (!found.ok()) {
        if (found.status().kind() == ErrorKind::kRetry) continue;  // Held until a look succeeds.
        Fail(std::move(found).status());
        return;
      }
      for (const Split& split : *found) {
        const bool known = std::any_of(source.splits.begin(), source.splits.end(),
                                       [&](const Split& s) { return s.id == split.id; });
        if (known) continue;
        log::Info("new partition", {{"source", source.name}, {"partition", split.id}});
        source.splits.push_back(split);
        source.tasks[static_cast<size_t>(split.ordinal) % source.tasks.size()]->AddSplit(split);
      }
      const Watermark cap = Merge(began);
      for (Task* task : source.tasks) task->SetWatermarkCap(cap);
    }
  }
}

void Attempt::Post(Fact fact) {
  {
    std::lock_guard lock(mutex_);
    facts_.push_back(std::move(fact));
  }
  wake_.notify_all();
}

void Attempt::Fail(Status status) {
  {
    std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = std::move(status);
  }
  wake_.notify_all();
}

void Attempt::Wake() { wake_.notify_all(); }

void Attempt::End() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (store_) store_->Cancel();
  for (const auto& task : tasks_) task->Cancel();
  if (look_thread_.joinable()) look_thread_.join();
  for (const auto& task : tasks_) task->Join();
  background_.reset();
  for (const auto& [sink, lane] : lanes_) lane->Stop();
}

void Attempt::OnAck(TaskAck ack) { Post(facts::Acked{std::move(ack)}); }

void Attempt::OnAckFailed(TaskId task, BarrierId id, Status reason) {
  Post(facts::AckFailed{std::move(task), id, std::move(reason)});
}

void Attempt::OnInputEnded(TaskId task) { Post(facts::InputEnded{std::move(task)}); }

void Attempt::OnFailed(TaskId task, Status reason) {
  Fail(std::move(reason).WithContext("task " + task.ToString()));
}

void Attempt::OnPressure() { Post(facts::CheckpointAsked{}); }

JobProgress Attempt::progress() const {
  std::lock_guard lock(mutex_);
  JobProgress progress = shown_;
  if (progress.phase != "running" && progress.phase != "stopping") return progress;
  EventTime least = EventTime::Max();
  for (const auto& task : tasks_) {
    TaskGauges& gauges = task->gauges();
    progress.longest_hold_us = std::max(progress.longest_hold_us, gauges.longest_hold_us.load());
    const EventTime watermark{gauges.watermark_us.load()};
    progress.tasks.push_back({task->id(), gauges.rows_in.load(), gauges.busy_us.load(), watermark});
    if (!task->is_source()) continue;
    progress.rows_read += gauges.rows_in.load();
    if (gauges.lag_records.load() >= 0) {
      progress.lag_records = std::max<int64_t>(progress.lag_records, 0) + gauges.lag_records.load();
    }
    if (watermark < least || progress.watermark_holder.empty()) {
      std::lock_guard gauge_lock(gauges.mutex);
      if (!gauges.holder.empty()) progress.watermark_holder = gauges.holder;
    }
    least = std::min(least, watermark);
  }
  progress.watermark = least;
  return progress;
}

}  // namespace weir
