#include "engine/local_host.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "connectors/dead_letter.h"
#include "engine/errors.h"
#include "engine/set_aside.h"
#include "engine/stored_outbox.h"

namespace weir {
namespace {

constexpr size_t kChannelBytes = 4 << 20;
constexpr size_t kSinkBytes = 16 << 20;

bool IsStateful(const JobPlan& plan, const FragmentPlan& fragment) {
  return std::any_of(fragment.nodes.begin(), fragment.nodes.end(), [&](int node) {
    const OperatorPlanPtr& op = plan.nodes[static_cast<size_t>(node)].op;
    return op && op->stateful;
  });
}

std::string ChannelName(const ExchangePlan& exchange, uint32_t from, uint32_t to) {
  return fmt::format("{} {}-{}", exchange.name, from, to);
}

/// Each task's live state is restored from files of checkpoints: what other tasks of earlier
/// attempts left behind serves nobody.
void RemoveOtherThan(const std::string& directory, const std::set<std::string>& kept) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator at(directory, ignored), end; at != end;
       at.increment(ignored)) {
    if (!kept.contains(at->path().filename().string())) {
      std::filesystem::remove_all(at->path(), ignored);
    }
  }
}

}  // namespace

ConnectorContext MakeConnectorContext(const JobPlan& plan, const std::string& instance,
                                      EventTime job_started, const Clock& clock,
                                      CheckpointStore& store, size_t memory) {
  ConnectorContext context;
  context.job = plan.name;
  context.instance = instance;
  context.job_started = job_started;
  context.clock = &clock;
  context.store = &store;
  context.memory_budget = memory;
  return context;
}

Status AttemptStands(const CheckpointStore& store, const std::string& instance,
                     const AttemptId& attempt, uint64_t known) {
  if (WEIR_TRY(store.IsNewest(known))) return Status::Ok();
  const std::vector<uint64_t> numbers = WEIR_TRY(store.ListManifests());
  if (numbers.empty() || numbers.back() <= known) return Status::Ok();
  // Its own, just being written, or somebody else's?
  const StoredManifest newest = WEIR_TRY(store.ReadManifest(numbers.back()));
  const AttemptId writer{newest.manifest.term(), newest.manifest.attempt()};
  if (writer == attempt && newest.manifest.instance() == instance) return Status::Ok();
  return Status(errors::kDeposed,
                fmt::format("checkpoint {} of this job was written by another weir, and this one "
                            "knows {}",
                            numbers.back(), known),
                "two processes run this job on one state directory or store; this one has stopped "
                "and publishes nothing more");
}

/// Where the mailboxes of a deployment's tasks are while tasks are made, and how their channels are
/// numbered: exchange by exchange, sender by sender.
struct LocalHost::Inputs {
  using Upstream = std::vector<std::pair<const ExchangePlan*, uint32_t>>;
  std::vector<Upstream> upstream;  ///< By fragment.
  std::map<const ExchangePlan*, size_t> first_channel;
  std::map<std::pair<size_t, uint32_t>, std::unique_ptr<Mailbox>> mailboxes;  ///< Not yet taken.
  std::map<std::pair<size_t, uint32_t>, Mailbox*> mailbox_of;
  size_t state_memory = 0;   ///< Of each task with state.
  size_t reader_memory = 0;  ///< Of each source task.
  std::shared_ptr<BlockCache> cache;
  /// What the steps of the fragment at hand kept, task by task.
  std::vector<proto::TaskCheckpoint> kept;

  Inputs(const JobPlan& plan, const std::function<bool(uint32_t)>& is_here) {
    upstream.resize(plan.fragments.size());
    for (const ExchangePlan& exchange : plan.exchanges) {
      const auto from =
          static_cast<size_t>(plan.nodes[static_cast<size_t>(exchange.from)].fragment);
      const auto to = static_cast<size_t>(plan.nodes[static_cast<size_t>(exchange.to)].fragment);
      upstream[to].emplace_back(&exchange, plan.fragments[from].parallelism);
    }
    for (size_t f = 0; f < plan.fragments.size(); f++) {
      size_t channels = 0;
      for (const auto& [exchange, tasks] : upstream[f]) {
        first_channel[exchange] = channels;
        channels += tasks;
      }
      if (channels == 0) continue;
      for (uint32_t i = 0; i < plan.fragments[f].parallelism; i++) {
        if (!is_here(i)) continue;
        auto& mailbox = mailboxes[{f, i}] = std::make_unique<Mailbox>(channels, kChannelBytes);
        mailbox_of[{f, i}] = mailbox.get();
      }
    }
  }
};

LocalHost::LocalHost(const JobPlan& plan, LocalHostOptions options, const Clock& clock,
                     CheckpointStore& store, HostListener& listener, Wires* wires)
    : plan_(plan),
      options_(std::move(options)),
      clock_(clock),
      store_(store),
      listener_(listener),
      wires_(wires) {
  const JobLabel job{plan.name, plan.Version()};
  letters_.of_rows = [&clock, job](const std::string& node, const Batch& rows,
                                   const std::vector<Rejection>& rejections) {
    return DeadLettersOfRows(job, node, rows, rejections, clock.Now());
  };
  letters_.of_records = [&clock, job](const std::string& node,
                                      const std::vector<RejectedRecord>& records) {
    return DeadLettersOfRecords(job, node, records, clock.Now());
  };
}

LocalHost::~LocalHost() { End(); }

ConnectorContext LocalHost::Context(size_t memory) const {
  return MakeConnectorContext(plan_, deployed_.instance, EventTime{deployed_.base.started_at_us()},
                              clock_, store_, memory);
}

Status LocalHost::Deploy(Deployment deployment) {
  deployed_ = std::move(deployment);
  known_number_ = deployed_.base.number();
  std::set<std::string> folders;
  for (const TaskId& task : TasksOf(plan_, deployed_.host_of, deployed_.host)) {
    folders.insert(fmt::format("{}-{}", task.fragment, task.index));
  }
  RemoveOtherThan(options_.live_directory, folders);
  WEIR_TRY(MakeLanes());
  return MakeTasks();
}

Status LocalHost::MakeLanes() {
  for (const NodePlan& node : plan_.nodes) {
    const auto standing = deployed_.lanes.find(node.user_name);
    if (node.role != NodePlan::Role::kSink || standing == deployed_.lanes.end() ||
        lanes_.contains(node.user_name)) {
      continue;
    }
    const LaneId id{node.user_name, deployed_.host};
    Lane::Listener listener{
        [this](const LaneId& lane, Epoch epoch, SetAside set_aside) {
          listener_.OnPublished(lane, epoch, std::move(set_aside));
        },
        [this](const LaneId& lane, Status reason) {
          listener_.OnLaneFailed(lane, std::move(reason));
        },
        [this] {
          return AttemptStands(store_, deployed_.instance, deployed_.attempt, known_number_);
        },
        [this, &node](const LaneId& lane, Epoch epoch, const std::vector<RejectedRecord>& refused) {
          return SetRecordsAside(plan_, node, refused, Context(kSinkBytes), epoch, lane.number);
        }};
    const auto given = deployed_.publishers.find(node.user_name);
    const bool handed_over = given != deployed_.publishers.end();
    std::unique_ptr<SinkPublisher> publisher =
        handed_over ? std::move(given->second)
                    : WEIR_TRY(node.sink->MakePublisher(Context(kSinkBytes), id.number));
    auto& lane = lanes_[node.user_name] = std::make_unique<Lane>(
        id, deployed_.instance, node.sink->HasMarkers(), std::move(publisher), store_,
        unpublished_bytes_, std::move(listener));
    if (handed_over) {
      lane->SetStanding(standing->second);
    } else {
      lane->GoOnFrom(standing->second);
    }
  }
  return Status::Ok();
}

Status LocalHost::MakeTasks() {
  background_ = std::make_unique<Background>(2);
  Inputs inputs(plan_, [this](uint32_t index) { return IsHere(index); });
  uint32_t stateful_tasks = 0;
  uint32_t source_tasks = 0;
  for (const FragmentPlan& fragment : plan_.fragments) {
    for (uint32_t i = 0; i < fragment.parallelism; i++) {
      if (!IsHere(i)) continue;
      if (IsStateful(plan_, fragment)) stateful_tasks++;
      if (fragment.has_source) source_tasks++;
    }
  }
  inputs.cache = std::make_shared<BlockCache>(options_.memory_bytes / 8);
  inputs.state_memory = options_.memory_bytes / 2 / std::max<uint32_t>(stateful_tasks, 1);
  inputs.reader_memory = options_.memory_bytes / 4 / std::max<uint32_t>(source_tasks, 1);
  for (size_t f = 0; f < plan_.fragments.size(); f++) {
    inputs.kept = KeptFor(plan_.fragments[f]);
    for (uint32_t i = 0; i < plan_.fragments[f].parallelism; i++) {
      if (IsHere(i)) WEIR_TRY(MakeTask(f, i, inputs));
    }
  }
  return Status::Ok();
}

/// What old tasks have kept for a fragment's steps. Steps are found by name, whatever fragment they
/// were in: a changed job may be cut into fragments otherwise.
std::vector<proto::TaskCheckpoint> LocalHost::KeptFor(const FragmentPlan& fragment) const {
  std::set<std::string> steps;
  for (const int index : fragment.nodes) {
    const NodePlan& node = plan_.nodes[static_cast<size_t>(index)];
    if (node.op && node.op->stateful) steps.insert(node.user_name);
  }
  std::vector<proto::TaskCheckpoint> kept;
  if (steps.empty()) return kept;
  for (const proto::TaskCheckpoint& task : deployed_.base.tasks()) {
    proto::TaskCheckpoint part = task;
    if (RestrictTo(part, [&](const std::string& step) { return steps.contains(step); })) {
      kept.push_back(std::move(part));
    }
  }
  return kept;
}

Status LocalHost::MakeTask(size_t f, uint32_t i, Inputs& inputs) {
  const FragmentPlan& fragment = plan_.fragments[f];
  TaskSetup setup;
  setup.id = {fragment.name, i};
  setup.plan = &plan_;
  setup.fragment = &fragment;
  setup.clock = &clock_;
  setup.letters = &letters_;
  setup.listener = this;
  setup.background = background_.get();
  setup.store = &store_;
  setup.programs = options_.programs;
  setup.unpublished_bytes = &unpublished_bytes_;
  setup.upstream = inputs.upstream[f];
  if (const auto it = inputs.mailboxes.find({f, i}); it != inputs.mailboxes.end()) {
    setup.mailbox = std::move(it->second);
    for (const auto& [exchange, senders] : setup.upstream) {
      for (uint32_t from = 0; from < senders; from++) {
        if (IsHere(from)) continue;
        WEIR_TRY(wires_->Expect(deployed_.host_of[from], ChannelName(*exchange, from, i),
                                plan_.nodes[static_cast<size_t>(exchange->from)].output,
                                *setup.mailbox, inputs.first_channel.at(exchange) + from));
      }
    }
  }

  TaskStateOptions state;
  state.directory = fmt::format("{}/{}-{}", options_.live_directory, fragment.name, i);
  state.range = SlotsOf(i, fragment.parallelism);
  state.memory_budget = inputs.state_memory;
  state.cache = inputs.cache;
  state.store = &store_;
  std::vector<const proto::TaskCheckpoint*> kept;
  for (const proto::TaskCheckpoint& part : inputs.kept) kept.push_back(&part);
  setup.state = WEIR_TRY(TaskState::Open(state, RestoredFor(kept, state.range)));
  (void)WEIR_FAILPOINT("engine.recovery.task_restored");

  for (int index : fragment.nodes) {
    const NodePlan& node = plan_.nodes[static_cast<size_t>(index)];
    if (node.role == NodePlan::Role::kSink) {
      setup.writers.push_back(WEIR_TRY(node.sink->MakeWriter(Context(kSinkBytes), i)));
    }
    if (node.role != NodePlan::Role::kSource) continue;
    setup.reader = WEIR_TRY(
        node.source->MakeReader(Context(inputs.reader_memory), node.wanted, node.needs_origins));
    setup.splits_grow = deployed_.growing.contains(node.user_name);
    for (const proto::SourceState& source : deployed_.base.sources()) {
      if (source.source() != node.user_name) continue;
      for (const proto::SplitState& split : source.splits()) {
        if (split.has_event_time()) {
          setup.max_seen[split.id()] = EventTime{split.max_event_time_us()};
        }
        if (static_cast<uint32_t>(split.ordinal()) % fragment.parallelism != i) continue;
        setup.splits.push_back({split.id(), split.position(), split.stop(), split.ordinal()});
      }
    }
  }
  setup.senders = MakeSenders(f, i, inputs);
  tasks_.push_back(std::make_unique<Task>(std::move(setup)));
  return Status::Ok();
}

std::vector<std::unique_ptr<ExchangeSender>> LocalHost::MakeSenders(size_t f, uint32_t i,
                                                                    Inputs& inputs) {
  std::vector<std::unique_ptr<ExchangeSender>> senders;
  for (const ExchangePlan& exchange : plan_.exchanges) {
    const NodePlan& from = plan_.nodes[static_cast<size_t>(exchange.from)];
    if (from.fragment != static_cast<int>(f)) continue;
    const auto to = static_cast<size_t>(plan_.nodes[static_cast<size_t>(exchange.to)].fragment);
    ExchangeSender::Targets targets;
    std::vector<std::string> names;
    for (uint32_t t = 0; t < plan_.fragments[to].parallelism; t++) {
      names.push_back(ChannelName(exchange, i, t));
      if (IsHere(t)) {
        targets.push_back(std::make_unique<MailboxSender>(*inputs.mailbox_of.at({to, t}),
                                                          inputs.first_channel.at(&exchange) + i));
      } else {
        targets.push_back(wires_->Connect(deployed_.host_of[t], names.back(), from.output));
      }
    }
    senders.push_back(
        std::make_unique<ExchangeSender>(exchange, i, std::move(targets), std::move(names)));
  }
  return senders;
}

void LocalHost::Start() {
  if (wires_ != nullptr) wires_->Open();
  for (const auto& [sink, lane] : lanes_) lane->Start();
  for (const auto& task : tasks_) task->Start();
}

void LocalHost::Trigger(const Barrier& barrier) {
  for (const auto& task : tasks_) {
    if (task->is_source()) task->Trigger(barrier);
  }
}

void LocalHost::Committed(const BarrierId& id) {
  known_number_ = std::max(known_number_.load(), id.epoch.value);
  {
    // What counts of earlier epochs has been asked for before this one.
    std::lock_guard lock(sealed_mutex_);
    sealed_.erase(sealed_.begin(), sealed_.lower_bound(id));
  }
  for (const auto& task : tasks_) task->Committed(id);
}

void LocalHost::Dropped(const BarrierId& id) {
  {
    std::lock_guard lock(sealed_mutex_);
    sealed_.erase(id);  // The tasks keep what they sealed, and give it again with the next try.
  }
  for (const auto& task : tasks_) task->Dropped(id);
}

void LocalHost::Publish(const std::string& sink, Epoch epoch, const std::string& manifest_checksum,
                        const std::vector<proto::OutboxPart>& letters) {
  SealedEpoch published{epoch, {}};
  {
    std::lock_guard lock(sealed_mutex_);
    // The newest try: a barrier may reach a host before the drop of the try before it.
    const auto next = sealed_.lower_bound(BarrierId{epoch.Next(), 0});
    const bool any = next != sealed_.begin() && std::prev(next)->first.epoch == epoch;
    WEIR_CHECK(any || !letters.empty(), "nothing was sealed for what is to be published");
    if (any) {
      const auto sealed = std::prev(next);
      for (auto& [task, parts] : sealed->second[sink]) {
        std::move(parts.begin(), parts.end(), std::back_inserter(published.parts));
      }
      sealed->second.erase(sink);
      if (sealed->second.empty()) sealed_.erase(sealed);
    }
  }
  for (const proto::OutboxPart& stored : letters) {
    Result<SealedPart> part = OpenOutbox(store_, stored);
    if (!part.ok()) {
      listener_.OnLaneFailed({sink, deployed_.host}, std::move(part).status());
      return;
    }
    published.parts.push_back(std::move(part).value());
  }
  WEIR_CHECK(!published.parts.empty(), "a sink has sealed nothing of what is to be published");
  lanes_.at(sink)->Enqueue(std::move(published), manifest_checksum);
}

void LocalHost::AddSplit(const std::string& source, const Split& split) {
  for (const auto& task : tasks_) {
    const FragmentPlan& fragment = task->fragment();
    if (!task->is_source() ||
        plan_.nodes[static_cast<size_t>(fragment.nodes.front())].user_name != source ||
        static_cast<uint32_t>(split.ordinal) % fragment.parallelism != task->id().index) {
      continue;
    }
    task->AddSplit(split);
  }
}

void LocalHost::SetWatermarkCap(const std::string& source, const Watermark& cap) {
  for (const auto& task : tasks_) {
    if (task->is_source() &&
        plan_.nodes[static_cast<size_t>(task->fragment().nodes.front())].user_name == source) {
      task->SetWatermarkCap(cap);
    }
  }
}

void LocalHost::EndInput() {
  for (const auto& task : tasks_) {
    if (task->is_source()) task->EndInput();
  }
}

std::vector<TaskProgress> LocalHost::Progress() const {
  std::vector<TaskProgress> all;
  for (const auto& task : tasks_) {
    TaskGauges& gauges = task->gauges();
    TaskProgress progress;
    progress.task = task->id();
    progress.is_source = task->is_source();
    progress.rows_in = gauges.rows_in;
    progress.rows_out = gauges.rows_out;
    progress.busy_us = gauges.busy_us;
    progress.blocked_us = gauges.blocked_us;
    if (const int64_t started = gauges.started_us; started > 0) {
      const int64_t here = clock_.Monotonic().us - started;
      progress.idle_us = std::max<int64_t>(here - progress.busy_us - progress.blocked_us, 0);
    }
    progress.newest = EventTime{gauges.newest_us};
    progress.lag_records = gauges.lag_records;
    progress.lag_us = gauges.lag_us;
    progress.longest_hold_us = gauges.longest_hold_us;
    progress.watermark = EventTime{gauges.watermark_us};
    if (progress.is_source) {
      std::lock_guard lock(gauges.mutex);
      progress.holder = gauges.holder;
      progress.uncapped = gauges.uncapped;
    }
    all.push_back(std::move(progress));
  }
  return all;
}

void LocalHost::End() {
  for (const auto& task : tasks_) task->Cancel();
  if (wires_ != nullptr) wires_->Close();
  for (const auto& task : tasks_) task->Join();
  background_.reset();
  for (const auto& [sink, lane] : lanes_) lane->Stop();
}

void LocalHost::OnAck(TaskAck ack, SealedParts parts) {
  {
    std::lock_guard lock(sealed_mutex_);
    for (auto& [sink, part] : parts) {
      sealed_[ack.id][sink][ack.task].push_back(std::move(part));
    }
  }
  listener_.OnAck(std::move(ack));
}

void LocalHost::OnAckFailed(TaskId task, BarrierId id, Status reason) {
  listener_.OnAckFailed(std::move(task), id, std::move(reason));
}

void LocalHost::OnInputEnded(TaskId task) { listener_.OnInputEnded(std::move(task)); }

void LocalHost::OnFailed(TaskId task, Status reason) {
  listener_.OnFailed(std::move(reason).WithContext("task " + task.ToString()));
}

void LocalHost::OnPressure() { listener_.OnPressure(); }

}  // namespace weir
