#include "engine/attempt.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <future>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/errors.h"
#include "engine/local_host.h"
#include "engine/recovery.h"
#include "state/errors.h"

namespace weir {
namespace {

/// Of an attempt that an earlier one outruns. Each takes milliseconds, the other's next checkpoint
/// its interval.
constexpr int kMostClaims = 100;

}  // namespace

Attempt::Attempt(const JobPlan& plan, AttemptOptions options, const Clock& clock, AttemptSite& site)
    : plan_(plan),
      options_(std::move(options)),
      clock_(clock),
      site_(site),
      host_of_(site.HostOf(WidthOf(plan))),
      lanes_wanted_(LanesOf(plan, host_of_)),
      tellers_(clock) {}

Attempt::~Attempt() { End(); }

ConnectorContext Attempt::Context(size_t memory) const {
  return MakeConnectorContext(plan_, site_.instance(), EventTime{manifest_.started_at_us()}, clock_,
                              *store_, memory);
}

// ---------------------------------------------------------------------------------------------
// Before tasks start

namespace {

Status StoppedEarly() {
  return Status(errors::kStoppedEarly,
                "stopped before rows flowed; what a checkpoint holds unpublished waits for the "
                "next start");
}

Status Deposed(uint64_t number) {
  return Status(errors::kDeposed,
                fmt::format("checkpoint {} of this job was written by another weir", number),
                "two processes run this job on one state directory or store; this one has stopped");
}

/// Whether it says that bytes are wrong, rather than that they can't be had just now.
bool IsDamage(const Status& status) {
  return status.Is(errors::kCheckpointDamaged) || status.Is(errors::kManifestDamaged);
}

}  // namespace

Status Attempt::Run() {
  if (Status status = Recover(); !status.ok()) {
    if (status.Is(errors::kCheckpointDamaged)) return Damaged(std::move(status));
    const bool gave_way = stop_asked_ && status.kind() == ErrorKind::kRetry;
    return gave_way ? StoppedEarly() : status;
  }
  if (manifest_.ended()) {
    log::Info("the job has ended; --fresh runs it again", {{"checkpoint", manifest_.number()}});
    std::lock_guard lock(mutex_);
    shown_.totals.insert(manifest_.totals().values().begin(), manifest_.totals().values().end());
    shown_.checkpoint = manifest_.number();
    shown_.ended = true;
    return Status::Ok();
  }
  return Drive();
}

/// Everything before rows flow. A start that is refused leaves the state directory and the outside
/// as they were; one that is stopped leaves all that is unpublished to the next one.
Status Attempt::Recover() {
  WEIR_TRY(WaitFor("the checkpoint store", [this]() -> Status {
    store_ = WEIR_TRY(site_.OpenStore());
    return Status::Ok();
  }));
  manifest_ = WEIR_TRY(NewestManifest());
  id_ = WEIR_TRY(site_.Begin({manifest_.term(), manifest_.attempt()}));
  // Files of tries that a kill cut off: nobody else works here, the job store's lock is held.
  WEIR_TRY(store_->RemoveOrphans());
  WEIR_TRY(CheckManifest());
  WEIR_TRY(CheckOutside());
  WEIR_TRY(FindSplits());
  WEIR_TRY(MakeLanes());
  const auto possible = DecideLanes(WEIR_TRY(ReadLanes()));
  if (!possible.ok() && WEIR_TRY(store_->IsNewest(known_number_))) return possible.status();
  if (stop_asked_) return StoppedEarly();
  WEIR_TRY(TakeChosen());
  // Where it is not the newest any more, what was published since is no case for the user.
  Status claimed = possible.ok() ? Claim() : Deposed(known_number_ + 1);
  if (claimed.Is(errors::kDeposed) && chosen_name_.empty()) {
    WEIR_TRY(ClaimBehind(std::move(claimed)));
    WEIR_TRY(FindSplits());
    WEIR_TRY(MakeLanes());
  } else if (!claimed.ok()) {
    return claimed;
  }
  // Fence all, then read all markers, then decide (rule 16): now nobody can change them.
  WEIR_TRY(FenceLanes());
  (void)WEIR_FAILPOINT("engine.recovery.fenced");
  const std::map<LaneId, LaneStanding> standings = WEIR_TRY(ReadLanes());
  const std::map<LaneId, LaneDecision> decisions = WEIR_TRY(DecideLanes(standings));
  WEIR_TRY(SetRefusedAside(decisions));
  for (const auto& [lane, decision] : decisions) {
    if (Status status = RecoverLane(lane, standings.at(lane), decision); !status.ok()) {
      return CannotPublish(lane, std::move(status));
    }
  }
  WEIR_TRY(PublishLetters());
  // Only now: what one lane takes for a leftover may be what another has still to publish.
  for (const auto& [id, lane] : lanes_) {
    if (Status status = lane->publisher().CleanUp(); !status.ok()) {
      return CannotPublish(id, std::move(status));
    }
  }
  (void)WEIR_FAILPOINT("engine.recovery.published");
  if (manifest_.ended()) return Status::Ok();
  WEIR_TRY(WriteOwnManifest());
  began_ = true;
  return Deploy();
}

/// Whether the job can go on from the manifest, and what of it is given up.
Status Attempt::CheckManifest() {
  if (first_start_) return Status::Ok();
  dropped_ = WEIR_TRY(StillToDrop(plan_, manifest_, options_.choices.drop_state));
  Status same = CheckSameJob(plan_, manifest_, dropped_);
  if (!same.ok()) {
    std::lock_guard lock(mutex_);
    shown_.must_drop = MustDrop(plan_, manifest_);
  }
  return same;
}

/// The number was taken. An earlier attempt may do that, again and again, as long as nobody can
/// tell it that it is over: a look at the outside takes longer than its next checkpoint. So nothing
/// comes between reading the newest manifest and claiming it; the look was there to ask the user
/// before anything is touched, and has found nothing to ask.
Status Attempt::ClaimBehind(Status taken) {
  for (int tries = 0; tries < kMostClaims && taken.Is(errors::kDeposed); tries++) {
    if (stop_asked_) return StoppedEarly();
    manifest_ = WEIR_TRY(NewestManifest());
    if (!(AttemptId{manifest_.term(), manifest_.attempt()} < id_)) return taken;
    WEIR_TRY(CheckManifest());
    taken = Claim();
  }
  return taken;
}

Result<std::optional<StoredManifest>> Attempt::UsableManifest() {
  Result<std::optional<StoredManifest>> newest = store_->Newest();
  if (!options_.choices.rewind) {
    return newest.ok() ? std::move(newest) : Damaged(std::move(newest).status());
  }
  Status whole = newest.ok() ? Status::Ok() : newest.status();
  if (newest.ok() && *newest) whole = store_->Verify((**newest).manifest.number(), true);
  if (whole.ok()) return newest;
  if (!IsDamage(whole)) return whole;
  // The newest one of which every byte is right; what came after it is laid aside, not deleted.
  std::vector<uint64_t> numbers = WEIR_TRY(store_->ListManifests());
  for (size_t i = numbers.size(); i-- > 0;) {
    Result<StoredManifest> older = store_->ReadManifest(numbers[i]);
    whole = older.ok() ? store_->Verify(numbers[i], true) : older.status();
    if (!whole.ok() && !IsDamage(whole)) return whole;
    if (!whole.ok()) continue;
    for (size_t later = i + 1; later < numbers.size(); later++) {
      WEIR_TRY(store_->LayAside(numbers[later]));
    }
    log::Warn("rewound to an older checkpoint", {{"checkpoint", numbers[i]}});
    return std::optional(std::move(older).value());
  }
  return Status(errors::kDamagedCheckpoint, "no checkpoint of this job is whole",
                "'weir checkpoint verify' shows what is damaged; --fresh begins anew");
}

Status Attempt::Damaged(Status reason) {
  return Status(errors::kDamagedCheckpoint,
                "the newest checkpoint can't be used: " + reason.ToString(),
                "bring the damaged file back, or go on from the newest whole checkpoint with "
                "--rewind; results of later ones are then written a second time");
}

Result<proto::Manifest> Attempt::NewestManifest() {
  std::optional<StoredManifest> newest = WEIR_TRY(UsableManifest());
  if (newest && newest->manifest.instance() != site_.instance()) {
    if (!site_.MayAdopt()) {
      return Status(errors::kForeignCheckpoints,
                    fmt::format("the checkpoints in {} are of another instance of job '{}': was a "
                                "--fresh cut off, or were they copied there?",
                                store_->location(), plan_.name),
                    "begin anew with --fresh, or give them a --state-dir of their own");
    }
    // The job's facts were lost, and its checkpoints were not.
    WEIR_TRY(site_.AdoptInstance(newest->manifest.instance()));
  }
  if (!options_.choices.from.empty()) return ChosenManifest(newest);
  if (!newest) {
    first_start_ = true;
    proto::Manifest manifest;
    manifest.set_job(plan_.name);
    manifest.set_instance(site_.instance());
    manifest.set_started_at_us(clock_.Now().us);
    return manifest;
  }
  manifest_checksum_ = newest->checksum;
  known_number_ = newest->manifest.number();
  return std::move(newest->manifest);
}

/// What the user has chosen, as if it were the content of the newest manifest: it becomes that of
/// the next one (rule 2).
Result<proto::Manifest> Attempt::ChosenManifest(const std::optional<StoredManifest>& newest) {
  proto::Manifest chosen = WEIR_TRY(ReadChosen());
  const proto::Manifest* behind = newest ? &newest->manifest : nullptr;
  WEIR_TRY(CheckGoesBack(chosen, behind, chosen_name_));
  const uint64_t content = ContentNumber(chosen);
  if (savepoint_) {
    // A savepoint is published before it is called one. What says which files are open is needed.
    for (const NodePlan& node : plan_.nodes) {
      if (node.role != NodePlan::Role::kSink || !node.sink->HasMarkers()) continue;
      for (proto::LaneState& lane : *chosen.mutable_lanes()) {
        if (lane.sink() == node.user_name) lane.clear_unpublished();
      }
    }
  }
  if (chosen.instance() != site_.instance()) {
    chosen.set_heir_of(chosen.instance());
    chosen.set_instance(site_.instance());
    chosen.set_started_at_us(clock_.Now().us);
  }
  chosen.set_job(plan_.name);
  chosen.set_content_number(content);
  chosen.set_number(behind ? behind->number() : content);
  chosen.set_term(behind ? behind->term() : 0);
  chosen.set_attempt(behind ? behind->attempt() : 0);
  if (behind) {
    for (const auto& [sink, lane] : behind->highest_lane()) {
      uint32_t& highest = (*chosen.mutable_highest_lane())[sink];
      highest = std::max(highest, lane);
    }
    manifest_checksum_ = newest->checksum;
    known_number_ = behind->number();
  }
  return chosen;
}

Result<proto::Manifest> Attempt::ReadChosen() {
  const std::string& from = options_.choices.from;
  const bool by_number =
      std::all_of(from.begin(), from.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  const uint64_t number = by_number ? std::strtoull(from.c_str(), nullptr, 10) : 0;
  const std::string address = by_number ? store_->SavepointLocation(number) : from;
  chosen_name_ = "the savepoint at " + address;
  savepoint_ = WEIR_TRY(site_.OpenSavepoint(address));
  Result<StoredManifest> read = savepoint_->SavepointManifest();
  if (by_number && !read.ok() && read.status().Is(errors::kNoCheckpoint)) {
    savepoint_.reset();
    chosen_name_ = fmt::format("checkpoint {} of {}", number, store_->location());
    read = store_->ReadManifest(number);
  }
  if (read.ok()) return std::move(read->manifest);
  if (read.status().kind() == ErrorKind::kRetry) return std::move(read).status();
  return Status(errors::kBadSavepoint,
                fmt::format("can't go on from '{}': {}", from, read.status().ToString()),
                "--from takes the number of a savepoint or checkpoint that 'weir checkpoint list' "
                "shows, or the folder that a savepoint is in");
}

/// Takes over the files of what was chosen, after each was found right.
Status Attempt::TakeChosen() {
  if (chosen_name_.empty()) return Status::Ok();
  Status taken = store_->TakeFiles(savepoint_ ? *savepoint_ : *store_, manifest_);
  savepoint_.reset();
  if (IsDamage(taken)) {
    return Status(errors::kBadSavepoint,
                  fmt::format("{} is damaged: {}", chosen_name_, taken.ToString()),
                  "bring the file back from a copy, or go on from another");
  }
  WEIR_TRY(std::move(taken));
  log::Info("going on from what was chosen",
            {{"from", chosen_name_}, {"checkpoint", ContentNumber(manifest_)}});
  return Status::Ok();
}

Status Attempt::WaitFor(const std::string& what, const std::function<Status()>& call) {
  const Duration begin = clock_.Monotonic();
  bool told = false;
  while (true) {
    Status status = call();
    if (status.ok() || status.kind() != ErrorKind::kRetry) return status;
    if (status.Is(errors::kOvertaken)) return status;  // Asking again finds the same.
    if (stop_asked_) return StoppedEarly();
    if (clock_.Monotonic().us - begin.us >= options_.wait.us) {
      return Status(errors::kGaveUpWaiting,
                    fmt::format("gave up after {} s: {}: {}", options_.wait.us / 1'000'000, what,
                                status.ToString()),
                    "wait longer with --wait, or see that it is up");
    }
    if (!told) log::Warn("waiting", {{"for", what}, {"reason", status.ToString()}});
    told = true;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::milliseconds(200));
  }
}

Status Attempt::CheckOutside() {
  for (const NodePlan& node : plan_.nodes) {
    if (node.role != NodePlan::Role::kSink) continue;
    WEIR_TRY(WaitFor("sink '" + node.user_name + "'",
                     [&] { return node.sink->Check(Context(16 << 20)); }));
  }
  return Status::Ok();
}

Status Attempt::FindSplits() {
  sources_.clear();
  for (const NodePlan& node : plan_.nodes) {
    if (node.role != NodePlan::Role::kSource) continue;
    Source source;
    source.name = node.user_name;
    const FragmentPlan& fragment = plan_.fragments[static_cast<size_t>(node.fragment)];
    source.fragment = fragment.name;
    source.parallelism = fragment.parallelism;
    for (const proto::SourceState& state : manifest_.sources()) {
      if (state.source() != source.name || dropped_.contains(source.name)) continue;
      for (const proto::SplitState& split : state.splits()) {
        source.splits.push_back({split.id(), split.position(), split.stop(), split.ordinal()});
        if (split.has_event_time()) {
          source.max_seen[split.id()] = EventTime{split.max_event_time_us()};
        }
      }
    }
    WEIR_TRY(WaitFor("source '" + source.name + "'", [&]() -> Status {
      source.finder = WEIR_TRY(node.source->MakeFinder(Context(16 << 20)));
      if (source.splits.empty() || source.finder->Grows()) {
        // A split that is new since the manifest begins at its first record (rule 27).
        const std::vector<Split> found = WEIR_TRY(source.finder->Find(source.splits));
        for (const Split& split : found) {
          const bool known = std::any_of(source.splits.begin(), source.splits.end(),
                                         [&](const Split& s) { return s.id == split.id; });
          if (!known) source.splits.push_back(split);
        }
      }
      return Status::Ok();
    }));
    ForgetUnread(*node.source, source);
    sources_.push_back(std::move(source));
  }
  return Status::Ok();
}

/// What the changed job does not read any more goes, and does not hold the watermark. Only now, so
/// that what is found beside it counts as found later (rule 27).
void Attempt::ForgetUnread(const SourcePlan& plan, Source& source) {
  std::set<std::string> inputs;
  std::erase_if(source.splits, [&](const Split& split) {
    std::string input = plan.InputOf(split);
    if (plan.Reads(input)) return false;
    source.max_seen.erase(split.id);
    inputs.insert(std::move(input));
    return true;
  });
  for (const std::string& input : inputs) {
    log::Info("no longer read; its positions are dropped",
              {{"source", source.name}, {"input", input}});
  }
}

/// The same content in the name of this attempt, before it touches anything outside: whoever else
/// goes on from the same manifest, a process that slept for instance, can commit nothing after it,
/// and publishes nothing any more (rules 2 and 3).
Status Attempt::Claim() {
  if (first_start_ || manifest_.ended()) return Status::Ok();
  proto::Manifest claim = manifest_;
  claim.set_content_number(ContentNumber(manifest_));
  claim.set_savepoint(false);
  return Commit(claim);
}

/// What this attempt begins with: resolved splits, opened lanes (rules 7 and 15), and nothing of
/// what the user gives up.
Status Attempt::WriteOwnManifest() {
  proto::Manifest manifest = manifest_;
  manifest.set_content_number(0);
  manifest.set_job_text(plan_.text);
  manifest.set_savepoint(false);
  manifest.set_ended(false);
  manifest.clear_heir_of();  // All markers are the job's own by now.
  manifest.clear_sources();
  for (const Source& source : sources_) {
    proto::SourceState& state = *manifest.add_sources();
    state.set_source(source.name);
    for (const Split& split : source.splits) {
      proto::SplitState& stored = *state.add_splits();
      stored.set_id(split.id);
      stored.set_position(split.position);
      stored.set_stop(split.stop);
      stored.set_ordinal(split.ordinal);
      if (const auto seen = source.max_seen.find(split.id); seen != source.max_seen.end()) {
        stored.set_has_event_time(true);
        stored.set_max_event_time_us(seen->second.us);
      }
    }
  }
  manifest.clear_lanes();  // All that it held is published by now.
  for (const auto& [id, lane] : lanes_) {
    uint32_t& highest = (*manifest.mutable_highest_lane())[id.sink];
    highest = std::max(highest, id.number);
  }
  for (const LaneId& id : lanes_wanted_) {
    proto::LaneState& state = *manifest.add_lanes();
    state.set_sink(id.sink);
    state.set_lane(id.number);
  }
  for (const auto& [step, rows] : DropState(manifest, dropped_)) {
    log::Warn("rows that a step held are given up with its state, as was asked for",
              {{"step", step}, {"rows", rows}});
  }
  manifest.clear_state_shapes();
  for (const auto& [step, shape] : StateShapes(plan_)) {
    (*manifest.mutable_state_shapes())[step] = shape;
  }
  return Commit(manifest);
}

Status Attempt::Commit(proto::Manifest& manifest) {
  // Behind what was chosen there is no checkpoint of this store.
  manifest.set_parent(manifest_checksum_.empty() ? 0 : manifest.number());
  manifest.set_parent_checksum(manifest_checksum_);
  manifest.set_number(manifest.number() + 1);
  manifest.set_term(id_.term);
  manifest.set_attempt(id_.number);
  manifest.set_attempt_try(0);
  manifest.set_written_at_us(clock_.Now().us);
  const CommitOutcome outcome = WEIR_TRY(store_->CommitManifest(manifest));
  if (outcome == CommitOutcome::kOther) return Deposed(manifest.number());
  manifest_checksum_ = CheckpointStore::ChecksumOf(manifest);
  known_number_ = manifest.number();
  manifest_ = std::move(manifest);
  return Status::Ok();
}

Status Attempt::Stands() const {
  return AttemptStands(*store_, site_.instance(), id_, known_number_);
}

/// Gives every host its part; they restore their tasks at the same time.
Status Attempt::Deploy() {
  const uint32_t hosts = *std::max_element(host_of_.begin(), host_of_.end()) + 1;
  for (uint32_t host = 0; host < hosts; host++) {
    hosts_.push_back(site_.MakeHost(host, *store_, *this));
  }
  std::vector<std::future<Status>> deployed;
  for (uint32_t host = 0; host < hosts; host++) {
    Deployment deployment;
    deployment.instance = site_.instance();
    deployment.attempt = id_;
    deployment.base = manifest_;
    deployment.host_of = host_of_;
    deployment.host = host;
    for (const Source& source : sources_) {
      if (source.finder->Grows()) deployment.growing.insert(source.name);
    }
    for (const LaneId& id : lanes_wanted_) {
      if (id.number != host) continue;
      Lane& lane = *lanes_.at(id);
      deployment.lanes[id.sink] = lane.standing();
      if (site_.IsHere(host)) deployment.publishers[id.sink] = lane.TakePublisher();
    }
    deployed.push_back(std::async(std::launch::async,
                                  [&to = *hosts_[host], mine = std::move(deployment)]() mutable {
                                    return to.Deploy(std::move(mine));
                                  }));
  }
  lanes_.clear();
  Status first;
  for (std::future<Status>& one : deployed) {
    if (Status status = one.get(); !status.ok() && first.ok()) first = std::move(status);
  }
  return first;
}

}  // namespace weir
