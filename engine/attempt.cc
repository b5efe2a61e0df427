#include "engine/attempt.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "connectors/dead_letter.h"
#include "engine/errors.h"
#include "engine/recovery.h"
#include "state/errors.h"

namespace weir {
namespace {

constexpr size_t kChannelBytes = 4 << 20;

bool IsStateful(const JobPlan& plan, const FragmentPlan& fragment) {
  return std::any_of(fragment.nodes.begin(), fragment.nodes.end(), [&](int node) {
    const OperatorPlanPtr& op = plan.nodes[static_cast<size_t>(node)].op;
    return op && op->stateful;
  });
}

std::string ChannelName(const ExchangePlan& exchange, uint32_t from, uint32_t to) {
  return fmt::format("{} {}-{}", exchange.name, from, to);
}

}  // namespace

Attempt::Attempt(const JobPlan& plan, const RunOptions& options, const Clock& clock,
                 JobStore& job_store, const std::atomic<bool>& stop_asked)
    : plan_(plan),
      options_(options),
      clock_(clock),
      job_store_(job_store),
      stop_asked_(stop_asked),
      directory_(options.state_dir + "/" + plan.name) {
  letters_.of_rows = [&clock](const std::string& node, const Batch& rows,
                              const std::vector<Rejection>& rejections) {
    return DeadLettersOfRows(node, rows, rejections, clock.Now());
  };
  letters_.of_records = [&clock](const std::string& node,
                                 const std::vector<RejectedRecord>& records) {
    return DeadLettersOfRecords(node, records, clock.Now());
  };
}

Attempt::~Attempt() { End(); }

ConnectorContext Attempt::Context(size_t memory) const {
  ConnectorContext context;
  context.job = plan_.name;
  context.instance = job_store_.facts().instance;
  context.clock = &clock_;
  context.store = store_.get();
  context.memory_budget = memory;
  return context;
}

// ---------------------------------------------------------------------------------------------
// Before tasks start

namespace {

Status StoppedEarly() {
  return Status(errors::kStoppedEarly,
                "stopped before rows flowed; what a checkpoint holds unpublished waits for the "
                "next start");
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
    return Status::Ok();
  }
  return Drive();
}

/// Everything before rows flow. A start that is refused leaves the state directory and the outside
/// as they were; one that is stopped leaves all that is unpublished to the next one.
Status Attempt::Recover() {
  WEIR_TRY(OpenStore());
  manifest_ = WEIR_TRY(NewestManifest());
  WEIR_TRY(job_store_.RaiseAttempt(manifest_.attempt()));
  number_ = WEIR_TRY(job_store_.BeginAttempt());
  // Files of tries that a kill cut off: nobody else works here, the job store's lock is held.
  WEIR_TRY(store_->RemoveOrphans());
  if (!first_start_) WEIR_TRY(CheckSameJob(plan_, manifest_));
  WEIR_TRY(CheckOutside());
  WEIR_TRY(FindSplits());
  WEIR_TRY(MakeLanes());
  (void)WEIR_TRY(DecideLanes(WEIR_TRY(ReadLanes())));
  if (stop_asked_) return StoppedEarly();
  WEIR_TRY(Claim());
  // Fence all, then read all markers, then decide (rule 16): now nobody can change them.
  WEIR_TRY(FenceLanes());
  (void)WEIR_FAILPOINT("engine.recovery.fenced");
  const std::map<std::string, LaneStanding> standings = WEIR_TRY(ReadLanes());
  const std::map<std::string, LaneDecision> decisions = WEIR_TRY(DecideLanes(standings));
  WEIR_TRY(SetRefusedAside(decisions));
  for (const auto& [sink, decision] : decisions) {
    if (Status status = RecoverLane(standings.at(sink), decision); !status.ok()) {
      return CannotPublish(sink, std::move(status));
    }
  }
  (void)WEIR_FAILPOINT("engine.recovery.published");
  if (manifest_.ended()) return Status::Ok();
  WEIR_TRY(WriteOwnManifest());
  began_ = true;
  return MakeTasks();
}

Status Attempt::OpenStore() {
  return WaitFor("the checkpoint store", [this]() -> Status {
    store_ = WEIR_TRY(CheckpointStore::Open(options_.store, plan_.name, directory_));
    return Status::Ok();
  });
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
  if (newest && newest->manifest.instance() != job_store_.facts().instance) {
    if (job_store_.facts().attempt > 0) {
      return Status(errors::kForeignCheckpoints,
                    fmt::format("the checkpoints in {} are of another instance of job '{}': was a "
                                "--fresh cut off, or were they copied there?",
                                store_->location(), plan_.name),
                    "begin anew with --fresh, or give them a --state-dir of their own");
    }
    // The job's facts were lost, and its checkpoints were not.
    WEIR_TRY(job_store_.AdoptInstance(newest->manifest.instance()));
  }
  if (!newest) {
    first_start_ = true;
    proto::Manifest manifest;
    manifest.set_job(plan_.name);
    manifest.set_instance(job_store_.facts().instance);
    manifest.set_started_at_us(clock_.Now().us);
    return manifest;
  }
  manifest_checksum_ = newest->checksum;
  known_number_ = newest->manifest.number();
  return std::move(newest->manifest);
}

Status Attempt::WaitFor(const std::string& what, const std::function<Status()>& call) {
  const Duration begin = clock_.Monotonic();
  bool told = false;
  while (true) {
    Status status = call();
    if (status.ok() || status.kind() != ErrorKind::kRetry) return status;
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
  for (const NodePlan& node : plan_.nodes) {
    if (node.role != NodePlan::Role::kSource) continue;
    Source source;
    source.name = node.user_name;
    for (const proto::SourceState& state : manifest_.sources()) {
      if (state.source() != source.name) continue;
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
    sources_.push_back(std::move(source));
  }
  return Status::Ok();
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

/// What this attempt begins with: resolved splits, opened lanes (rules 7 and 15).
Status Attempt::WriteOwnManifest() {
  proto::Manifest manifest = manifest_;
  manifest.set_content_number(0);
  manifest.set_job_text(plan_.text);
  manifest.set_savepoint(false);
  manifest.set_ended(false);
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
  for (const auto& [sink, lane] : lanes_) {
    (*manifest.mutable_highest_lane())[sink] = 0;
    proto::LaneState& state = *manifest.add_lanes();
    state.set_sink(sink);
  }
  manifest.clear_state_shapes();
  for (const auto& [step, shape] : StateShapes(plan_)) {
    (*manifest.mutable_state_shapes())[step] = shape;
  }
  return Commit(manifest);
}

Status Attempt::Commit(proto::Manifest& manifest) {
  manifest.set_parent(manifest.number());
  manifest.set_parent_checksum(manifest_checksum_);
  manifest.set_number(manifest.number() + 1);
  manifest.set_attempt(number_);
  manifest.set_attempt_try(0);
  manifest.set_written_at_us(clock_.Now().us);
  const CommitOutcome outcome = WEIR_TRY(store_->CommitManifest(manifest));
  if (outcome == CommitOutcome::kOther) {
    return Status(
        errors::kDeposed,
        fmt::format("checkpoint {} of this job was written by another weir", manifest.number()),
        "two processes run this job on one state directory; this one has stopped");
  }
  manifest_checksum_ = CheckpointStore::ChecksumOf(manifest);
  known_number_ = manifest.number();
  manifest_ = std::move(manifest);
  return Status::Ok();
}

Status Attempt::Stands() const {
  const uint64_t known = known_number_;
  if (WEIR_TRY(store_->IsNewest(known))) return Status::Ok();
  const std::vector<uint64_t> numbers = WEIR_TRY(store_->ListManifests());
  if (numbers.empty() || numbers.back() <= known) return Status::Ok();
  // Its own, just being written, or somebody else's?
  const StoredManifest newest = WEIR_TRY(store_->ReadManifest(numbers.back()));
  if (newest.manifest.attempt() == number_ &&
      newest.manifest.instance() == job_store_.facts().instance) {
    return Status::Ok();
  }
  return Status(errors::kDeposed,
                fmt::format("checkpoint {} of this job was written by another weir, and this one "
                            "knows {}",
                            numbers.back(), known),
                "two processes run this job on one state directory; this one has stopped and "
                "publishes nothing more");
}

Status Attempt::MakeTasks() {
  background_ = std::make_unique<Background>(2);
  uint32_t stateful_tasks = 0;
  uint32_t source_tasks = 0;
  for (const FragmentPlan& fragment : plan_.fragments) {
    if (IsStateful(plan_, fragment)) stateful_tasks += fragment.parallelism;
    if (fragment.has_source) source_tasks += fragment.parallelism;
  }
  const auto cache = std::make_shared<BlockCache>(options_.memory_bytes / 8);
  const size_t state_memory = options_.memory_bytes / 2 / std::max<uint32_t>(stateful_tasks, 1);
  const size_t reader_memory = options_.memory_bytes / 4 / std::max<uint32_t>(source_tasks, 1);

  // Mailboxes first: senders point to them. Channels are numbered exchange by exchange.
  std::map<std::pair<int, uint32_t>, std::unique_ptr<Mailbox>> mailboxes;
  std::map<std::pair<const ExchangePlan*, uint32_t>, size_t> first_channel;
  std::vector<std::vector<std::pair<const ExchangePlan*, uint32_t>>> upstream(
      plan_.fragments.size());
  for (const ExchangePlan& exchange : plan_.exchanges) {
    const int to = plan_.nodes[static_cast<size_t>(exchange.to)].fragment;
    const int from = plan_.nodes[static_cast<size_t>(exchange.from)].fragment;
    upstream[static_cast<size_t>(to)].emplace_back(
        &exchange, plan_.fragments[static_cast<size_t>(from)].parallelism);
  }
  for (size_t f = 0; f < plan_.fragments.size(); f++) {
    size_t channels = 0;
    for (const auto& [exchange, tasks] : upstream[f]) {
      first_channel[{exchange, 0}] = channels;
      channels += tasks;
    }
    if (channels == 0) continue;
    for (uint32_t i = 0; i < plan_.fragments[f].parallelism; i++) {
      mailboxes[{static_cast<int>(f), i}] = std::make_unique<Mailbox>(channels, kChannelBytes);
    }
  }
  for (size_t f = 0; f < plan_.fragments.size(); f++) {
    const FragmentPlan& fragment = plan_.fragments[f];
    std::vector<const proto::TaskCheckpoint*> old;
    for (const proto::TaskCheckpoint& task : manifest_.tasks()) {
      if (task.fragment() == fragment.name) old.push_back(&task);
    }
    for (uint32_t i = 0; i < fragment.parallelism; i++) {
      TaskSetup setup;
      setup.id = {fragment.name, i};
      setup.plan = &plan_;
      setup.fragment = &fragment;
      setup.clock = &clock_;
      setup.letters = &letters_;
      setup.listener = this;
      setup.background = background_.get();
      setup.store = store_.get();
      setup.unpublished_bytes = &unpublished_bytes_;
      setup.upstream = upstream[f];
      if (const auto it = mailboxes.find({static_cast<int>(f), i}); it != mailboxes.end()) {
        setup.mailbox = std::move(it->second);
      }
      TaskStateOptions state;
      state.directory = fmt::format("{}/live/{}-{}", directory_, fragment.name, i);
      state.range = SlotsOf(i, fragment.parallelism);
      state.memory_budget = state_memory;
      state.cache = cache;
      state.store = store_.get();
      setup.state = WEIR_TRY(TaskState::Open(state, RestoredFor(old, state.range)));
      (void)WEIR_FAILPOINT("engine.recovery.task_restored");
      for (int index : fragment.nodes) {
        const NodePlan& node = plan_.nodes[static_cast<size_t>(index)];
        if (node.role == NodePlan::Role::kSink) {
          setup.writers.push_back(WEIR_TRY(node.sink->MakeWriter(Context(16 << 20), i)));
        }
        if (node.role != NodePlan::Role::kSource) continue;
        setup.reader = WEIR_TRY(
            node.source->MakeReader(Context(reader_memory), node.wanted, node.needs_origins));
        for (const Source& source : sources_) {
          if (source.name != node.user_name) continue;
          setup.splits_grow = source.finder->Grows();
          setup.max_seen = source.max_seen;
          for (const Split& split : source.splits) {
            if (static_cast<uint32_t>(split.ordinal) % fragment.parallelism == i) {
              setup.splits.push_back(split);
            }
          }
        }
      }
      for (const ExchangePlan& exchange : plan_.exchanges) {
        if (plan_.nodes[static_cast<size_t>(exchange.from)].fragment != static_cast<int>(f)) {
          continue;
        }
        const int to = plan_.nodes[static_cast<size_t>(exchange.to)].fragment;
        std::vector<ExchangeSender::Target> targets;
        std::vector<std::string> names;
        for (uint32_t t = 0; t < plan_.fragments[static_cast<size_t>(to)].parallelism; t++) {
          const auto box = mailboxes.find({to, t});
          WEIR_CHECK(box != mailboxes.end() && box->second, "fragments in the wrong order");
          targets.push_back({box->second.get(), first_channel.at({&exchange, 0}) + i});
          names.push_back(ChannelName(exchange, i, t));
        }
        setup.senders.push_back(
            std::make_unique<ExchangeSender>(exchange, i, std::move(targets), std::move(names)));
      }
      tasks_.push_back(std::make_unique<Task>(std::move(setup)));
      for (Source& source : sources_) {
        if (tasks_.back()->is_source() &&
            plan_.nodes[static_cast<size_t>(fragment.nodes.front())].user_name == source.name) {
          source.tasks.push_back(tasks_.back().get());
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace weir
