#include "engine/coordinator.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "engine/errors.h"
#include "engine/recovery.h"

namespace weir {
namespace {

constexpr Duration kAskAgain = Duration::Seconds(1);

void AddTotals(const std::map<std::string, NodeTally>& tallies, proto::Totals& totals) {
  auto& values = *totals.mutable_values();
  const auto add = [&](const std::string& node, const char* name, int64_t n) {
    if (n != 0) values[node + "." + name] += n;
  };
  for (const auto& [node, tally] : tallies) {
    const RowCounts& counts = tally.counts;
    add(node, "in", counts.in);
    add(node, "passed", counts.passed);
    add(node, "filtered", counts.filtered);
    add(node, "rejected", counts.rejected);
    add(node, "late", counts.late);
    add(node, "absorbed", counts.absorbed);
    add(node, "released", counts.released);
    add(node, "expanded", counts.expanded);
    add(node, "empty", counts.empty);
    add(node, "made", counts.made);
    add(node, "out", counts.out);
    add(node, "sealed", tally.sealed);
    // Held is a level, not a flow: the newest value stands.
    if (tally.held_after != 0) {
      values[node + ".held"] = tally.held_after;
    } else {
      values.erase(node + ".held");
    }
  }
}

/// Steps whose tasks had not closed windows up to the same time at this checkpoint: they go on from
/// there, also where the job has changed since and no split may be idle any more.
std::set<std::string> StepsApart(const proto::Manifest& manifest) {
  std::set<std::string> apart;
  std::map<std::string, int64_t> closed_up_to;
  for (const proto::TaskCheckpoint& task : manifest.tasks()) {
    for (const proto::StepState& step : task.steps()) {
      const auto at = closed_up_to.emplace(step.step(), step.closed_up_to_us()).first;
      if (at->second != step.closed_up_to_us()) apart.insert(step.step());
    }
  }
  return apart;
}

}  // namespace

Coordinator::Coordinator(CoordinatorPlan plan, proto::Manifest base, std::string base_checksum,
                         Duration now)
    : plan_(std::move(plan)),
      base_(std::move(base)),
      base_checksum_(std::move(base_checksum)),
      next_trigger_{now.us + plan_.interval.us},
      budget_(plan_.rejection_limits) {
  for (const LaneId& lane : plan_.lanes) {
    lanes_[lane].published = base_.number();  // Recovery published what the base still held.
  }
  progress_.number = base_.number();
  progress_.committed_at = now;
}

std::vector<Action> Coordinator::On(Fact fact, Duration now) {
  std::vector<Action> out;
  if (phase_ == Phase::kDone) return out;
  std::visit(
      [&](auto& told) {
        using Told = std::decay_t<decltype(told)>;
        if constexpr (std::is_same_v<Told, facts::Acked>) {
          OnAck(std::move(told), now, out);
        } else if constexpr (std::is_same_v<Told, facts::AckFailed>) {
          if (phase_ == Phase::kAligning && told.id == current_.id) {
            Drop(fmt::format("task {}: {}", told.task.ToString(), told.reason.ToString()), now,
                 out);
          }
        } else if constexpr (std::is_same_v<Told, facts::ManifestWritten>) {
          OnWritten(told, now, out);
        } else if constexpr (std::is_same_v<Told, facts::Published>) {
          OnPublished(told, now, out);
        } else if constexpr (std::is_same_v<Told, facts::InputEnded>) {
          ended_.insert(told.task);
        } else if constexpr (std::is_same_v<Told, facts::StopAsked>) {
          stop_asked_ = true;
        } else if constexpr (std::is_same_v<Told, facts::InputCut>) {
          input_cut_ = true;
        } else if constexpr (std::is_same_v<Told, facts::CheckpointAsked>) {
          checkpoint_asked_ = true;
        } else if constexpr (std::is_same_v<Told, facts::SavepointAsked>) {
          checkpoint_asked_ = savepoint_asked_ = true;
        } else if constexpr (std::is_same_v<Told, facts::SavepointKept>) {
          keeping_.erase(told.number);
          FinishIfPublished(out);
        }
      },
      fact);
  if (phase_ == Phase::kAligning && now.us - triggered_at_.us >= plan_.timeout.us) {
    std::string missing;
    for (const TaskId& task : progress().missing) {
      missing += (missing.empty() ? "" : ", ") + task.ToString();
    }
    Drop("it took longer than its timeout; no answer from " + missing, now, out);
  }
  const bool writing = phase_ == Phase::kWriting || phase_ == Phase::kClosing;
  if (writing && retry_write_at_.us != 0 && now >= retry_write_at_) {
    retry_write_at_ = {};
    out.push_back(actions::WriteManifest{next_});
  }
  const bool due = now >= next_trigger_ || checkpoint_asked_;
  const bool over = stop_asked_ || InputEnded();
  // After a drop even a last checkpoint waits its turn, so that a full disk is not asked in a spin.
  const bool held_off = progress_.dropped > 0 && now < next_trigger_ && !checkpoint_asked_;
  if (phase_ == Phase::kWaiting && (due || (over && !held_off))) Trigger(now, out);
  return out;
}

Duration Coordinator::NextDeadline() const {
  switch (phase_) {
    case Phase::kWaiting:
      return next_trigger_;
    case Phase::kAligning:
      return {triggered_at_.us + plan_.timeout.us};
    case Phase::kWriting:
    case Phase::kClosing:
      return retry_write_at_.us != 0 ? retry_write_at_ : Duration::Max();
    default:
      return Duration::Max();
  }
}

Coordinator::Progress Coordinator::progress() const {
  Progress progress = progress_;
  progress.aligning = phase_ == Phase::kAligning;
  if (progress.aligning) {
    for (const TaskId& task : plan_.tasks) {
      if (!acks_.contains(task)) progress.missing.push_back(task);
    }
  }
  for (const auto& [id, lane] : lanes_) progress.unpublished += lane.unpublished.size();
  return progress;
}

bool Coordinator::InputEnded() const {
  return (plan_.bounded || input_cut_) && ended_.size() == plan_.source_tasks.size();
}

void Coordinator::Trigger(Duration now, std::vector<Action>& out) {
  checkpoint_asked_ = false;
  // A savepoint whose try was dropped is still to be taken.
  savepoint_current_ |= std::exchange(savepoint_asked_, false);
  triggered_at_ = now;
  next_trigger_ = {now.us + plan_.interval.us};
  const Epoch epoch{base_.number() + 1};
  const uint64_t attempt_try = current_.id.epoch == epoch ? current_.id.attempt_try + 1 : 1;
  current_ = Barrier{{epoch, attempt_try}, stop_asked_ || InputEnded()};
  acks_.clear();
  phase_ = Phase::kAligning;
  out.push_back(actions::Trigger{current_});
}

void Coordinator::Drop(std::string reason, Duration now, std::vector<Action>& out) {
  progress_.dropped++;
  phase_ = Phase::kWaiting;
  acks_.clear();
  // A try that failed at once would fail again at once: the next one keeps the interval, but no
  // longer than a second where the interval is long and something waits for the end.
  next_trigger_ = {now.us + std::min(plan_.interval, kAskAgain).us};
  out.push_back(actions::Dropped{current_.id, std::move(reason)});
}

void Coordinator::OnAck(facts::Acked acked, Duration now, std::vector<Action>& out) {
  if (phase_ != Phase::kAligning || acked.ack.id != current_.id) return;
  const TaskId task = acked.ack.task;
  acks_.insert_or_assign(task, std::move(acked.ack));
  if (acks_.size() < plan_.tasks.size()) return;
  acked_at_ = now;
  AllAcked(out);
}

Status Coordinator::Tally() {
  tallies_.clear();
  std::map<std::string, ChannelTally> channels;
  std::map<std::string, int64_t> closed_up_to;
  const std::set<std::string> apart = StepsApart(base_);
  for (const auto& [task, ack] : acks_) {
    for (const auto& [node, tally] : ack.tallies) {
      NodeTally& sum = tallies_[node];
      sum.counts += tally.counts;
      sum.held_after += tally.held_after;
      sum.sealed += tally.sealed;
      AddRejected(tally.rejected, sum.rejected);
    }
    for (const auto& [name, channel] : ack.channels) {
      channels[name].sent += channel.sent;
      channels[name].received += channel.received;
    }
    for (const proto::StepState& step : ack.checkpoint.steps()) {
      const auto [it, is_new] = closed_up_to.emplace(step.step(), step.closed_up_to_us());
      if (!is_new && it->second != step.closed_up_to_us() && !plan_.splits_may_idle &&
          !apart.contains(step.step())) {
        return Status(
            errors::kBarrierDisagrees,
            fmt::format("at checkpoint {} the tasks of step '{}' do not agree up to where "
                        "windows are closed ({} and {})",
                        current_.id.epoch.value, step.step(), it->second, step.closed_up_to_us()),
            "this is a fault of weir's; the checkpoint was not taken. Please report it "
            "with the job and this line");
      }
    }
  }
  std::map<std::string, int64_t> held_before;
  for (const proto::TaskCheckpoint& task : base_.tasks()) {
    for (const proto::NodeCounts& counts : task.counts()) {
      held_before[counts.node()] += counts.held_after();
    }
  }
  if (current_.last && InputEnded()) {
    // At the end of all input every window is closed: state that still holds rows has lost the
    // entries that they were in.
    for (const auto& [node, tally] : tallies_) {
      if (tally.held_after == 0) continue;
      unaccounted_ += std::abs(tally.held_after);
      return Status(errors::kLedger,
                    fmt::format("the rows of '{}' do not add up: its input has ended and all its "
                                "windows are closed, but {} rows are still held",
                                node, tally.held_after),
                    "this is a fault of weir's; the checkpoint was not taken, so the output up to "
                    "the one before is right. Please report it with the job and this line");
    }
  }
  unaccounted_ += UnaccountedRows(plan_.ledger, tallies_, channels, held_before);
  return CheckLedger(plan_.ledger, tallies_, channels, held_before);
}

void Coordinator::AllAcked(std::vector<Action>& out) {
  if (Status status = Tally(); !status.ok()) {
    phase_ = Phase::kDone;
    out.push_back(actions::Fail{std::move(status)});
    return;
  }
  (void)WEIR_FAILPOINT("engine.all_acked");
  FillManifest();
  phase_ = Phase::kWriting;
  retry_write_at_ = {};
  if (WEIR_MUTANT("publish_before_manifest")) {
    for (const LaneId& lane : to_publish_) {
      out.push_back(actions::Publish{lane, current_.id.epoch, ""});
    }
  }
  out.push_back(actions::WriteManifest{next_});
}

void Coordinator::FillManifest() {
  next_ = base_;
  const bool gap = WEIR_MUTANT("manifest_gap") && base_.number() % 8 == 7;
  next_.set_number(base_.number() + (gap ? 2 : 1));
  next_.set_content_number(0);
  next_.set_parent(base_.number());
  next_.set_parent_checksum(base_checksum_);
  next_.set_attempt_try(current_.id.attempt_try);
  next_.set_savepoint(savepoint_current_);
  next_.set_ended(current_.last && InputEnded());
  next_.clear_tasks();
  next_.clear_sources();
  next_.clear_lanes();

  std::map<std::string, proto::SourceState> sources;
  std::map<LaneId, proto::OutboxEpoch> sealed;
  for (auto& [task, ack] : acks_) {
    *next_.add_tasks() = std::move(ack.checkpoint);
    for (proto::SourceState& state : ack.sources) {
      proto::SourceState& merged = sources[state.source()];
      merged.set_source(state.source());
      merged.mutable_splits()->MergeFrom(state.splits());
    }
    for (SealedOutbox& outbox : ack.sealed) {
      const LaneId lane{std::move(outbox.sink), plan_.host_of[task.index]};
      WEIR_CHECK(plan_.lanes.contains(lane), "results for a lane that is not there");
      *sealed[lane].add_parts() = std::move(outbox.stored);
    }
  }
  for (auto& [name, state] : sources) *next_.add_sources() = std::move(state);
  FillLetters(sealed);
  to_publish_.clear();
  for (const LaneId& id : plan_.lanes) {
    Lane& lane = lanes_[id];
    proto::LaneState& state = *next_.add_lanes();
    state.set_sink(id.sink);
    state.set_lane(id.number);
    for (const proto::OutboxEpoch& epoch : lane.unpublished) *state.add_unpublished() = epoch;
    if (const auto it = sealed.find(id); it != sealed.end()) {
      to_publish_.insert(id);
      it->second.set_epoch(next_.number());
      *state.add_unpublished() = std::move(it->second);
    }
    (*next_.mutable_published())[id.sink + "/" + std::to_string(id.number)] = lane.published;
  }
  AddTotals(tallies_, *next_.mutable_totals());
}

void Coordinator::OnWritten(const facts::ManifestWritten& written, Duration now,
                            std::vector<Action>& out) {
  const bool writing = phase_ == Phase::kWriting || phase_ == Phase::kClosing;
  if (!writing || written.number != next_.number()) return;
  switch (written.outcome) {
    case facts::ManifestOutcome::kOther:
      phase_ = Phase::kDone;
      out.push_back(actions::Fail{Status(
          errors::kDeposed,
          fmt::format("checkpoint {} of this job was written by another weir", written.number),
          "two processes run this job on one state directory or store; this one has stopped and "
          "published nothing of it")});
      return;
    case facts::ManifestOutcome::kUnknown:
      progress_.dropped++;
      retry_write_at_ = {now.us + kAskAgain.us};
      return;
    case facts::ManifestOutcome::kCommitted:
      break;
  }
  base_ = std::move(next_);
  base_checksum_ = written.checksum;
  progress_.number = base_.number();
  progress_.committed_at = now;
  if (phase_ == Phase::kClosing && next_letters_.empty()) {
    Finish(out);
    return;
  }
  if (phase_ == Phase::kClosing) {
    phase_ = Phase::kEnding;
    for (auto& [id, parts] : std::exchange(next_letters_, {})) {
      proto::OutboxEpoch& waiting = lanes_[id].unpublished.emplace_back();
      waiting.set_epoch(base_.number());
      for (const proto::OutboxPart& part : parts) *waiting.add_parts() = part;
      out.push_back(actions::Publish{id, Epoch{base_.number()}, base_checksum_, std::move(parts)});
    }
    return;
  }
  (void)WEIR_FAILPOINT("engine.manifest_committed");
  progress_.completed++;
  progress_.last_duration = {now.us - triggered_at_.us};
  progress_.last_tasks = {acked_at_.us - triggered_at_.us};
  progress_.last_manifest = {now.us - acked_at_.us};
  progress_.last_publish = {};
  out.push_back(actions::Committed{current_.id});
  for (const proto::LaneState& state : base_.lanes()) {
    const LaneId id{state.sink(), state.lane()};
    Lane& lane = lanes_[id];
    lane.unpublished.clear();
    for (const proto::OutboxEpoch& epoch : state.unpublished()) {
      // What was published while the manifest was being written is listed there all the same.
      if (epoch.epoch() > lane.published) lane.unpublished.push_back(epoch);
    }
    if (!to_publish_.contains(id) || WEIR_MUTANT("publish_before_manifest")) continue;
    out.push_back(
        actions::Publish{id, Epoch{base_.number()}, base_checksum_, std::move(next_letters_[id])});
  }
  next_letters_.clear();
  to_publish_.clear();
  (void)WEIR_FAILPOINT("engine.sinks_told");
  if (std::exchange(savepoint_current_, false)) {
    to_keep_.insert(base_.number());
    out.push_back(actions::PinSavepoint{base_.number()});
  }
  out.push_back(actions::CleanUp{});
  if (verdict_.ok()) {
    verdict_ = budget_.Count(base_.job(), tallies_);
    stop_asked_ = stop_asked_ || !verdict_.ok();
  }
  phase_ = current_.last ? Phase::kEnding : Phase::kWaiting;
  KeepIfPublished(out);
  FinishIfPublished(out);
}

void Coordinator::OnPublished(const facts::Published& published, Duration now,
                              std::vector<Action>& out) {
  Lane& lane = lanes_[published.lane];
  std::erase_if(lane.unpublished, [&](const proto::OutboxEpoch& epoch) {
    return epoch.epoch() <= published.epoch.value;
  });
  lane.published = std::max(lane.published, published.epoch.value);
  const SetAside& aside = published.set_aside;
  if (aside.records > 0) set_aside_[published.lane.sink] += aside.records;
  if (aside.letters) {
    letters_[{aside.dead_letter, published.lane.number}].push_back(*aside.letters);
  }
  const bool all = std::all_of(lanes_.begin(), lanes_.end(),
                               [](const auto& one) { return one.second.unpublished.empty(); });
  if (all) progress_.last_publish = {now.us - progress_.committed_at.us};
  KeepIfPublished(out);
  FinishIfPublished(out);
}

void Coordinator::KeepIfPublished(std::vector<Action>& out) {
  uint64_t unpublished = UINT64_MAX;  // The oldest epoch.
  for (const auto& [id, lane] : lanes_) {
    for (const auto& epoch : lane.unpublished) unpublished = std::min(unpublished, epoch.epoch());
  }
  while (!to_keep_.empty() && *to_keep_.begin() < unpublished) {
    const uint64_t number = *to_keep_.begin();
    to_keep_.erase(to_keep_.begin());
    keeping_.insert(number);
    out.push_back(actions::KeepSavepoint{number});
  }
}

void Coordinator::FinishIfPublished(std::vector<Action>& out) {
  if (phase_ != Phase::kEnding || !keeping_.empty()) return;
  for (const auto& [id, lane] : lanes_) {
    if (!lane.unpublished.empty()) return;
  }
  const bool told = std::none_of(base_.lanes().begin(), base_.lanes().end(),
                                 [](const auto& lane) { return lane.unpublished_size() > 0; });
  // Nothing goes on from a job that has ended.
  if (set_aside_.empty() && (told || base_.ended())) {
    Finish(out);
    return;
  }
  FillClosingManifest();
  phase_ = Phase::kClosing;
  retry_write_at_ = {};
  out.push_back(actions::WriteManifest{next_});
}

void Coordinator::Finish(std::vector<Action>& out) {
  phase_ = Phase::kDone;
  if (verdict_.ok()) {
    out.push_back(actions::Done{});
  } else {
    out.push_back(actions::Fail{verdict_});
  }
}

/// The last checkpoint again, with nothing that waits to be published.
void Coordinator::FillClosingManifest() {
  next_ = base_;
  next_.set_content_number(ContentNumber(base_));
  next_.set_number(base_.number() + 1);
  next_.set_parent(base_.number());
  next_.set_parent_checksum(base_checksum_);
  next_.set_attempt_try(0);
  for (proto::LaneState& state : *next_.mutable_lanes()) {
    state.clear_unpublished();
    const LaneId id{state.sink(), state.lane()};
    (*next_.mutable_published())[id.sink + "/" + std::to_string(id.number)] = lanes_[id].published;
  }
  std::map<LaneId, proto::OutboxEpoch> sealed;
  FillLetters(sealed);
  if (sealed.empty()) return;
  next_.set_content_number(0);  // Results that no lane has published stand under its own number.
  for (proto::LaneState& state : *next_.mutable_lanes()) {
    const auto it = sealed.find({state.sink(), state.lane()});
    if (it == sealed.end()) continue;
    it->second.set_epoch(next_.number());
    *state.add_unpublished() = std::move(it->second);
  }
}

void Coordinator::FillLetters(std::map<LaneId, proto::OutboxEpoch>& sealed) {
  next_letters_ = std::exchange(letters_, {});
  for (const auto& [lane, parts] : next_letters_) {
    WEIR_CHECK(plan_.lanes.contains(lane), "letters for a lane that is not there");
    for (const proto::OutboxPart& part : parts) *sealed[lane].add_parts() = part;
  }
  for (const auto& [sink, records] : std::exchange(set_aside_, {})) {
    (*next_.mutable_totals()->mutable_values())[sink + ".set_aside"] += records;
  }
}

}  // namespace weir
