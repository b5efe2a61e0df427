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
/// For the last positions to be told before the process may end.
constexpr Duration kLastWords = Duration::Seconds(3);

}  // namespace

Status Attempt::Drive() {
  CoordinatorPlan plan;
  for (const FragmentPlan& fragment : plan_.fragments) {
    for (uint32_t i = 0; i < fragment.parallelism; i++) {
      plan.tasks.push_back({fragment.name, i});
      if (fragment.has_source) plan.source_tasks.insert({fragment.name, i});
    }
  }
  plan.ledger = plan_.Ledger();
  for (const NodePlan& node : plan_.nodes) {
    if (!node.on_error.max_rejected) continue;
    plan.rejection_limits[node.name] = {node.user_name, *node.on_error.max_rejected,
                                        node.on_error.action == ErrorPolicy::Action::kDeadLetter};
  }
  plan.lanes = lanes_wanted_;
  plan.host_of = host_of_;
  plan.interval = plan_.checkpoint_interval;
  plan.timeout = plan_.checkpoint_timeout;
  plan.bounded = plan_.bounded;
  plan.splits_may_idle = std::any_of(
      plan_.nodes.begin(), plan_.nodes.end(),
      [](const NodePlan& node) { return node.event_time && node.event_time->policy.idle_after; });
  coordinator_ = std::make_unique<Coordinator>(std::move(plan), manifest_, manifest_checksum_,
                                               clock_.Monotonic());
  MakeTellers();
  for (const auto& host : hosts_) host->Start();
  {
    std::lock_guard lock(mutex_);
    shown_.phase = "running";
    const JobSums before =
        SumsOf(plan_, {manifest_.totals().values().begin(), manifest_.totals().values().end()});
    shown_.rows_in = before.rows_in;
    shown_.rows_out = before.rows_out;
  }
  if (std::any_of(sources_.begin(), sources_.end(),
                  [](const Source& source) { return source.finder->Grows(); })) {
    look_thread_ = log::StartThread([this] { LookForSplits(); });
  }

  bool stop_told = false;
  bool cut_told = false;
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
    if (input_cut_ && !cut_told) {
      cut_told = true;
      facts.push_back(facts::InputCut{});
      for (const auto& host : hosts_) host->EndInput();
    }
    facts.push_back(facts::Tick{});
    tellers_.Look();
    for (Fact& fact : facts) {
      std::vector<Action> actions = coordinator_->On(std::move(fact), clock_.Monotonic());
      Status status = Carry(std::move(actions));
      over = !status.ok() || coordinator_->done();
      outcome = std::move(status);
      if (over) break;
    }
    std::lock_guard lock(mutex_);
    shown_.turns++;
    const Coordinator::Progress progress = coordinator_->progress();
    shown_.checkpoint = progress.number;
    shown_.checkpoint_age = {clock_.Monotonic().us - progress.committed_at.us};
    shown_.checkpoints_completed = progress.completed;
    shown_.checkpoints_dropped = progress.dropped;
    shown_.checkpoint_duration = progress.last_duration;
    shown_.checkpoint_tasks = progress.last_tasks;
    shown_.checkpoint_manifest = progress.last_manifest;
    shown_.checkpoint_publish = progress.last_publish;
    shown_.unpublished_epochs = progress.unpublished;
    shown_.held_by.clear();
    for (const TaskId& task : progress.missing) {
      shown_.held_by += (shown_.held_by.empty() ? "" : ", ") + task.ToString();
    }
    shown_.ended = coordinator_->ended();
    shown_.unaccounted_rows = coordinator_->unaccounted_rows();
    shown_.totals.clear();
    shown_.totals.insert(coordinator_->totals().values().begin(),
                         coordinator_->totals().values().end());
    if (progress.completed > 0) made_progress_ = true;
  }
  if (outcome.ok()) tellers_.Finish(kLastWords);
  End();
  return outcome;
}

void Attempt::MakeTellers() {
  for (const NodePlan& node : plan_.nodes) {
    if (node.role != NodePlan::Role::kSource) continue;
    Result<std::unique_ptr<PositionTeller>> teller = node.source->MakeTeller(Context(16 << 20));
    if (!teller.ok()) {
      log::Warn("positions of a source are not told; the job goes on",
                {{"source", node.user_name}, {"reason", teller.status().ToString()}});
    } else if (*teller) {
      tellers_.Add(node.user_name, std::move(teller).value());
    }
  }
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
      for (const auto& host : hosts_) host->Trigger(trigger->barrier);
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
        tellers_.Tell(write->manifest);
      }
      for (Action& next : coordinator_->On(std::move(written), clock_.Monotonic())) {
        todo.push_back(std::move(next));
      }
    } else if (const auto* publish = std::get_if<actions::Publish>(&action)) {
      hosts_[publish->lane.number]->Publish(publish->lane.sink, publish->epoch,
                                            publish->manifest_checksum, publish->letters);
    } else if (const auto* committed = std::get_if<actions::Committed>(&action)) {
      const int64_t failed = drops_.OnSuccess().value_or(0) + writes_.OnSuccess().value_or(0);
      if (failed > 0) {
        log::Info("checkpoints work again",
                  {{"checkpoint", committed->id.epoch.value}, {"failed", failed}});
      }
      for (const auto& host : hosts_) host->Committed(committed->id);
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
      for (const auto& host : hosts_) host->Dropped(dropped->id);
    } else if (const auto* pin = std::get_if<actions::PinSavepoint>(&action)) {
      store_->Pin(pin->number);
    } else if (const auto* keep = std::get_if<actions::KeepSavepoint>(&action)) {
      keepers_.push_back(
          log::StartThread([this, number = keep->number] { KeepSavepoint(number); }));
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

/// On a thread of its own: in a bucket it may take long, and the job goes on meanwhile.
void Attempt::KeepSavepoint(uint64_t number) {
  Result<std::string> copied = store_->CopyToSavepoint(number);
  store_->Unpin(number);
  if (copied.ok()) {
    log::Info("savepoint is complete", {{"checkpoint", number}, {"location", *copied}});
  } else {
    log::Warn("savepoint could not be copied; the job goes on",
              {{"checkpoint", number}, {"reason", copied.status().ToString()}});
  }
  {
    std::lock_guard lock(mutex_);
    shown_.savepoints_tried++;
    shown_.savepoint = {number, {}, {}};
    if (copied.ok()) {
      shown_.savepoint.location = std::move(copied).value();
    } else {
      shown_.savepoint.status = std::move(copied).status();
    }
  }
  Post(facts::SavepointKept{number});
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
      for (const auto& host : hosts_) {
        for (const TaskProgress& task : host->Progress()) {
          if (task.task.fragment == source.fragment) began.push_back(task.uncapped);
        }
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
        hosts_[host_of_[static_cast<uint32_t>(split.ordinal) % source.parallelism]]->AddSplit(
            source.name, split);
      }
      if (began.size() < source.parallelism) continue;  // A host has not told of its tasks yet.
      const Watermark cap = Merge(began);
      for (const auto& host : hosts_) host->SetWatermarkCap(source.name, cap);
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

/// What fails after the first failure fails because of it.
void Attempt::Fail(Status status, std::optional<HostPair> apart) {
  {
    std::lock_guard lock(mutex_);
    if (!failure_.ok()) return;
    failure_ = std::move(status);
    apart_ = apart;
  }
  wake_.notify_all();
}

void Attempt::Stop() {
  stop_asked_ = true;
  wake_.notify_all();
}

void Attempt::EndInput() {
  input_cut_ = true;
  wake_.notify_all();
}

void Attempt::Cancel(Status reason) {
  stop_asked_ = true;
  Fail(std::move(reason));
}

void Attempt::TakeSavepoint() { Post(facts::SavepointAsked{}); }

void Attempt::End() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (store_) store_->Cancel();
  // All at once: a task may wait for room at another host.
  std::vector<std::thread> ends;
  for (size_t i = 1; i < hosts_.size(); i++) {
    ends.emplace_back([&host = *hosts_[i]] { host.End(); });
  }
  if (!hosts_.empty()) hosts_.front()->End();
  for (std::thread& end : ends) end.join();
  if (look_thread_.joinable()) look_thread_.join();
  for (std::thread& keeper : keepers_) keeper.join();
  keepers_.clear();
}

void Attempt::OnAck(TaskAck ack) { Post(facts::Acked{std::move(ack)}); }

void Attempt::OnAckFailed(TaskId task, BarrierId id, Status reason) {
  Post(facts::AckFailed{std::move(task), id, std::move(reason)});
}

void Attempt::OnInputEnded(TaskId task) { Post(facts::InputEnded{std::move(task)}); }

void Attempt::OnPressure() { Post(facts::CheckpointAsked{}); }

void Attempt::OnPublished(LaneId lane, Epoch epoch, SetAside set_aside) {
  Post(facts::Published{std::move(lane), epoch, std::move(set_aside)});
}

void Attempt::OnLaneFailed(LaneId lane, Status reason) {
  Fail(CannotPublish(lane, std::move(reason)));
}

void Attempt::OnFailed(Status reason) { Fail(std::move(reason)); }

void Attempt::OnApart(HostPair hosts, Status reason) { Fail(std::move(reason), hosts); }

std::optional<HostPair> Attempt::apart() const {
  std::lock_guard lock(mutex_);
  return apart_;
}

JobProgress Attempt::progress() const {
  std::lock_guard lock(mutex_);
  JobProgress progress = shown_;
  if (progress.phase != "running" && progress.phase != "stopping") return progress;
  EventTime least = EventTime::Max();
  for (const auto& host : hosts_) {
    for (TaskProgress& task : host->Progress()) {
      progress.longest_hold_us = std::max(progress.longest_hold_us, task.longest_hold_us);
      progress.rows_out += task.rows_out;
      if (task.is_source) {
        progress.rows_read += task.rows_in;
        progress.rows_in += task.rows_in;
        if (task.lag_records >= 0) {
          progress.lag_records = std::max<int64_t>(progress.lag_records, 0) + task.lag_records;
        }
        progress.lag_us = std::max(progress.lag_us, task.lag_us);
        if (task.watermark < least || progress.watermark_holder.empty()) {
          if (!task.holder.empty()) progress.watermark_holder = task.holder;
        }
        least = std::min(least, task.watermark);
        progress.newest = std::max(progress.newest, task.newest);
      }
      progress.tasks.push_back(std::move(task));
    }
  }
  progress.watermark = least;
  return progress;
}

}  // namespace weir
