#include "engine/task.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/errors.h"
#include "engine/stored_outbox.h"

namespace weir {
namespace {

/// So much in the open epoch of a lane, over all tasks, asks for a checkpoint (rule 20).
constexpr size_t kPressureBytes = 64 << 20;
constexpr Duration kWait = Duration::Millis(5);

}  // namespace

Task::Task(TaskSetup setup)
    : setup_(std::move(setup)),
      context_{*setup_.state, *setup_.clock, setup_.programs, &cancelled_},
      clock_([&] {
        for (int node : setup_.fragment->nodes) {
          const NodePlan& plan = setup_.plan->nodes[static_cast<size_t>(node)];
          if (plan.event_time) return plan.event_time->policy;
        }
        return EventTimePolicy{};
      }()),
      writing_(std::make_shared<std::atomic<int>>(0)) {
  chain_ = std::make_unique<Chain>(*setup_.plan, *setup_.fragment, context_, *setup_.letters,
                                   std::move(setup_.writers), std::move(setup_.senders),
                                   setup_.upstream, setup_.id.index);
  if (setup_.mailbox) arrived_.resize(setup_.mailbox->channels());
  if (setup_.splits_grow) clock_.SetCap({EventTime::Min(), false});
}

Task::~Task() {
  Cancel();
  Join();
}

void Task::Start() {
  thread_ = log::StartThread([this] { Run(); });
}

void Task::Join() {
  if (thread_.joinable()) thread_.join();
  while (writing_->load() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void Task::Cancel() {
  {
    std::lock_guard lock(commands_mutex_);
    cancelled_ = true;
  }
  wake_.notify_all();
  if (setup_.mailbox) setup_.mailbox->Close();
}

void Task::Post(Command command) {
  {
    std::lock_guard lock(commands_mutex_);
    commands_.push_back(std::move(command));
    has_commands_ = true;
  }
  wake_.notify_all();
}

void Task::Rest() {
  std::unique_lock lock(commands_mutex_);
  wake_.wait_for(lock, kWait.ToChrono(), [this] { return has_commands_ || cancelled_; });
}

void Task::RestBlocked() {
  const Duration before = setup_.clock->Monotonic();
  Rest();
  gauges_.blocked_us += setup_.clock->Monotonic().us - before.us;
}

void Task::CountTime(Duration before) {
  const int64_t waited = chain_->waited().us - waited_us_;
  waited_us_ += waited;
  gauges_.blocked_us += waited;
  gauges_.rows_out = chain_->rows_out();
  gauges_.busy_us += std::max<int64_t>(setup_.clock->Monotonic().us - before.us - waited, 0);
}

void Task::Trigger(const Barrier& barrier) {
  Post([this, barrier] { return Align(barrier); });
}

void Task::Committed(const BarrierId& id) {
  Post([this, id] {
    if (!snapshot_pending_ || id != pending_id_) return Status::Ok();
    snapshot_pending_ = false;
    if (state_sealed_) setup_.state->Completed(true);
    state_sealed_ = false;
    pending_parts_.clear();
    CountKept();
    uploaded_->clear();
    pressure_told_ = false;
    if (last_sealed_) finished_ = true;
    return Status::Ok();
  });
}

void Task::Dropped(const BarrierId& id) {
  Post([this, id] {
    dropped_ = std::max(dropped_, id);
    if (aligning_.id == id && missing_ > 0) {
      // Some of its barriers will not come: tasks that hear of the drop first keep theirs.
      missing_ = 0;
      setup_.mailbox->UnblockAll();
    }
    CountKept();
    if (!snapshot_pending_ || id != pending_id_) return Status::Ok();
    snapshot_pending_ = false;
    last_sealed_ = false;  // Another barrier will be the last.
    // A try that ran into its time-out may still be writing.
    while (writing_->load() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (state_sealed_) setup_.state->Completed(false);
    state_sealed_ = false;
    if (!WEIR_MUTANT("dropped_outbox_forgotten")) kept_parts_ = std::move(pending_parts_);
    pending_parts_.clear();
    CountKept();
    kept_counts_ = std::move(pending_counts_);
    pending_counts_ = {};
    for (const std::string& file : *uploaded_) {
      if (Status status = setup_.store->RemoveFile(file); !status.ok()) {
        log::Warn("file of a dropped checkpoint stays",
                  {{"file", file}, {"reason", status.ToString()}});
      }
    }
    uploaded_->clear();
    return Status::Ok();
  });
}

void Task::CountKept() {
  int64_t bytes = 0;
  for (const auto& [sink, part] : kept_parts_) bytes += static_cast<int64_t>(part.size());
  *setup_.unpublished_bytes += bytes - counted_kept_;
  counted_kept_ = bytes;
}

void Task::AddSplit(const Split& split) {
  Post([this, split]() -> Status {
    WEIR_TRY(setup_.reader->Add(split));
    splits_.emplace(split.id, split);
    clock_.AddSplit(split.id, std::nullopt);
    return Status::Ok();
  });
}

void Task::SetWatermarkCap(const Watermark& cap) {
  Post([this, cap] {
    clock_.SetCap(cap);
    return Status::Ok();
  });
}

void Task::EndInput() {
  Post([this] {
    input_cut_ = true;
    return Status::Ok();
  });
}

Status Task::RunCommands() {
  if (!has_commands_.load()) return Status::Ok();
  std::deque<Command> commands;
  {
    std::lock_guard lock(commands_mutex_);
    commands.swap(commands_);
    has_commands_ = false;
  }
  for (Command& command : commands) WEIR_TRY(command());
  return Status::Ok();
}

void Task::Run() {
  Status status = Loop();
  if (!status.ok() && !cancelled_) setup_.listener->OnFailed(setup_.id, std::move(status));
}

bool Task::MayTakeRows() const { return !last_sealed_ && !setup_.state->MustWait(); }

Status Task::Loop() {
  if (setup_.reader) {
    for (const Split& split : setup_.splits) {
      WEIR_TRY(setup_.reader->Add(split));
      splits_.emplace(split.id, split);
      const auto seen = setup_.max_seen.find(split.id);
      clock_.AddSplit(split.id,
                      seen == setup_.max_seen.end() ? std::nullopt : std::optional(seen->second));
    }
  }
  (void)WEIR_FAILPOINT("engine.task.before_first_row");
  gauges_.started_us = setup_.clock->Monotonic().us;
  while (!cancelled_ && !finished_ && !chain_->cut_off()) {
    WEIR_TRY(RunCommands());
    if (!MayTakeRows()) {
      RestBlocked();
      continue;
    }
    WEIR_TRY(setup_.reader ? PollSource() : TakeDelivery());
    WEIR_TRY(chain_->FlushWhereWanted());
    WEIR_TRY(setup_.state->Relieve());
    if (!setup_.state->status().ok()) return setup_.state->status();
    if (!pressure_told_ && chain_->PendingBytes() > kPressureBytes / setup_.fragment->parallelism) {
      pressure_told_ = true;
      setup_.listener->OnPressure();
    }
  }
  return Status::Ok();
}

// ---------------------------------------------------------------------------------------------
// Sources

Status Task::PollSource() {
  if (source_ended_) {
    Rest();
    return Status::Ok();
  }
  if (input_cut_) return AdvanceSourceClock();
  if (*setup_.unpublished_bytes > setup_.unpublished_budget) {
    RestBlocked();
    return AdvanceSourceClock();
  }
  const Duration asked = setup_.clock->Monotonic();
  if (setup_.plan->rows_per_task && !limit_) limit_.emplace(*setup_.plan->rows_per_task, asked);
  const int64_t allowed = limit_ ? limit_->Allowed(asked) : std::numeric_limits<int64_t>::max();
  if (allowed == 0) {
    // It has no more to give: to whoever chooses the parallelism, that is a task at work.
    Rest();
    gauges_.busy_us += setup_.clock->Monotonic().us - asked.us;
    return AdvanceSourceClock();
  }
  const std::vector<std::string> paused = clock_.TooFarAhead();
  PollRequest request;
  request.max_rows =
      static_cast<size_t>(std::min(allowed, static_cast<int64_t>(PollRows(request.max_rows))));
  request.paused = paused.empty() ? nullptr : &paused;
  const Duration before = setup_.clock->Monotonic();
  (void)WEIR_FAILPOINT("engine.source.poll");
  clock_.Polling(before);
  Polled polled = WEIR_TRY(setup_.reader->Poll(request));
  WEIR_TRY(ReadSource(polled));
  WEIR_TRY(AdvanceSourceClock());
  if (polled.records > 0) {
    gauges_.rows_in += polled.records;
    if (limit_) limit_->Take(polled.records);
    CountTime(before);
  }
  return Status::Ok();
}

Status Task::ReadSource(const Polled& polled) {
  if (polled.split.empty()) return Status::Ok();
  const NodePlan& source = setup_.plan->nodes[static_cast<size_t>(setup_.fragment->nodes.front())];
  Chain::SourceRows rows;
  rows.records = polled.records;
  rows.bad_records = polled.rejected;
  rows.batch = polled.batch;
  std::optional<EventTime> greatest;
  if (polled.batch && polled.batch->rows() > 0 && source.event_time) {
    TimedRows timed = TimeRows(*source.event_time, polled.batch, setup_.clock->Now());
    rows.polled = polled.batch;
    rows.batch = std::move(timed.batch);
    rows.bad_rows = std::move(timed.rejected);
    greatest = timed.greatest;
  }
  WEIR_TRY(chain_->OnSourceRows(rows));
  if (greatest) gauges_.newest_us = std::max(gauges_.newest_us.load(), greatest->us);
  clock_.Observe(polled.split, greatest, polled.activity);
  return Status::Ok();
}

Status Task::AdvanceSourceClock() {
  Watermark watermark = clock_.Current();
  const bool ended = input_cut_ || (!setup_.splits_grow && clock_.finished());
  if (ended) watermark = {EventTime::Max(), false};
  gauges_.watermark_us = watermark.time.us;
  {
    std::lock_guard lock(gauges_.mutex);
    gauges_.uncapped = clock_.Uncapped();
  }
  if (const Duration now = setup_.clock->Monotonic(); now.us - last_gauges_.us > 200'000) {
    last_gauges_ = now;
    MeasureLag();
    std::string holder = clock_.Holder();
    std::lock_guard lock(gauges_.mutex);
    gauges_.holder = std::move(holder);
  }
  WEIR_TRY(chain_->OnSourceWatermark(watermark));
  if (ended && !input_end_told_) {
    input_end_told_ = true;
    source_ended_ = true;
    gauges_.lag_records = 0;
    gauges_.lag_us = 0;
    setup_.listener->OnInputEnded(setup_.id);
  }
  return Status::Ok();
}

void Task::MeasureLag() {
  int64_t records = 0;
  int64_t longest_us = -1;
  for (const auto& [split, lag] : setup_.reader->Lag()) {
    records += lag.records;
    if (!lag.since) continue;
    longest_us = std::max({longest_us, setup_.clock->Now().us - lag.since->us, int64_t{0}});
  }
  gauges_.lag_records = records;
  gauges_.lag_us = records == 0 ? 0 : longest_us;
}

std::vector<proto::SourceState> Task::SourceStates() const {
  if (!setup_.reader) return {};
  proto::SourceState state;
  state.set_source(
      setup_.plan->nodes[static_cast<size_t>(setup_.fragment->nodes.front())].user_name);
  const std::map<std::string, std::string> positions = setup_.reader->Positions();
  for (const auto& [id, split] : splits_) {
    proto::SplitState& stored = *state.add_splits();
    stored.set_id(id);
    const auto position = positions.find(id);
    stored.set_position(position == positions.end() ? split.position : position->second);
    stored.set_stop(split.stop);
    stored.set_ordinal(split.ordinal);
    const SplitClock& clock = clock_.splits().at(id);
    stored.set_has_event_time(clock.max_seen().has_value());
    stored.set_max_event_time_us(clock.max_seen().value_or(EventTime{0}).us);
    stored.set_finished(clock.state() == SplitClock::State::kFinished);
  }
  return {std::move(state)};
}

// ---------------------------------------------------------------------------------------------
// Channels and barriers

Status Task::TakeDelivery() {
  std::optional<Mailbox::Delivery> delivery = setup_.mailbox->Pop(kWait);
  if (!delivery) return Status::Ok();
  if (const Barrier* barrier = std::get_if<Barrier>(&delivery->element)) {
    return OnBarrier(delivery->channel, *barrier);
  }
  const Duration before = setup_.clock->Monotonic();
  if (const Rows* rows = std::get_if<Rows>(&delivery->element)) {
    WEIR_TRY(chain_->OnRows(delivery->channel, rows->batch));
    gauges_.rows_in += static_cast<int64_t>(rows->batch->rows());
  } else {
    const Watermark& watermark = std::get<Watermark>(delivery->element);
    WEIR_TRY(chain_->OnWatermark(delivery->channel, watermark));
    gauges_.watermark_us = watermark.time.us;
  }
  CountTime(before);
  return Status::Ok();
}

Status Task::OnBarrier(size_t channel, const Barrier& barrier) {
  // What became of the try before was told before this barrier was sent, and is known from here.
  WEIR_TRY(RunCommands());
  if (barrier.id < aligning_.id || barrier.id <= dropped_) return Status::Ok();
  if (barrier.id != aligning_.id) {
    // A newer barrier ends the alignment of an older one (rule 5).
    setup_.mailbox->UnblockAll();
    aligning_ = barrier;
    std::fill(arrived_.begin(), arrived_.end(), false);
    missing_ = arrived_.size();
  }
  if (!arrived_[channel]) {
    arrived_[channel] = true;
    missing_--;
  }
  if (missing_ > 0) {
    (void)WEIR_FAILPOINT("engine.barrier.one_input_aligned");
    setup_.mailbox->Block(channel);
    return Status::Ok();
  }
  WEIR_TRY(Align(barrier));
  setup_.mailbox->UnblockAll();
  return Status::Ok();
}

Status Task::Align(const Barrier& barrier) {
  WEIR_CHECK(!snapshot_pending_, "a barrier while a snapshot waits for its outcome");
  const Duration before = setup_.clock->Monotonic();
  WEIR_TRY(chain_->Flush());
  (void)WEIR_FAILPOINT("engine.barrier.before_positions");

  TaskAck ack = std::move(kept_counts_);
  kept_counts_ = {};
  ack.task = setup_.id;
  ack.id = barrier.id;
  ack.sources = SourceStates();
  Status sealed = chain_->Seal(barrier);
  // After Seal, which counts the rows it seals; what a try sealed before it failed stays for the
  // next one.
  chain_->TakeCounts(ack);
  for (auto& part : chain_->TakeSealed()) kept_parts_.push_back(std::move(part));
  WEIR_TRY(chain_->SendBarrier(barrier));
  if (!sealed.ok()) {
    kept_counts_ = std::move(ack);
    setup_.listener->OnAckFailed(setup_.id, barrier.id, std::move(sealed));
    return Status::Ok();
  }
  SealedState state = setup_.state->Seal();
  state_sealed_ = true;
  snapshot_pending_ = true;
  pending_id_ = barrier.id;
  last_sealed_ = barrier.last;
  pending_parts_ = std::move(kept_parts_);
  kept_parts_.clear();
  pending_counts_ = ack;
  const int64_t held_us = setup_.clock->Monotonic().us - before.us;
  gauges_.longest_hold_us = std::max(gauges_.longest_hold_us.load(), held_us);
  Snapshot(barrier, std::move(state), std::move(ack), pending_parts_);
  return Status::Ok();
}

void Task::Snapshot(const Barrier& barrier, SealedState sealed, TaskAck ack, SealedParts parts) {
  ++*writing_;
  auto job = [this, barrier, ack = std::make_shared<TaskAck>(std::move(ack)),
              state = std::make_shared<SealedState>(std::move(sealed)),
              sealed_parts = std::make_shared<SealedParts>(std::move(parts))]() {
    const auto write = [&]() -> Status {
      TaskSnapshot snapshot = WEIR_TRY(setup_.state->Write(std::move(*state)));
      *uploaded_ = std::move(snapshot.uploaded);
      ack->checkpoint = std::move(snapshot.checkpoint);
      ack->checkpoint.set_fragment(setup_.id.fragment);
      ack->checkpoint.set_index(setup_.id.index);
      ack->checkpoint.set_parallelism(setup_.fragment->parallelism);
      for (const auto& [node, tally] : ack->tallies) {
        *ack->checkpoint.add_counts() = StoredCounts(node, tally);
      }
      std::erase_if(*sealed_parts,
                    [](const auto& sealed_part) { return sealed_part.second.empty(); });
      for (const auto& [sink, part] : *sealed_parts) {
        SealedOutbox outbox;
        outbox.sink = sink;
        outbox.stored = WEIR_TRY(StoreOutbox(*setup_.store, part));
        // A spool's file goes into the next try with its bytes, should this one be dropped.
        if (!part.spool && outbox.stored.has_file()) {
          uploaded_->push_back(outbox.stored.file().id());
        }
        ack->sealed.push_back(std::move(outbox));
      }
      return Status::Ok();
    };
    Status status = write();
    (void)WEIR_FAILPOINT("engine.task.before_ack");
    // Not touched any more: from here the task may go on to the next try.
    const std::shared_ptr<std::atomic<int>> writing = writing_;
    const TaskId id = setup_.id;
    TaskListener* const listener = setup_.listener;
    if (status.ok()) {
      listener->OnAck(std::move(*ack), std::move(*sealed_parts));
    } else {
      listener->OnAckFailed(id, barrier.id, std::move(status));
    }
    --*writing;
  };
  setup_.background->Run(std::move(job));
}

}  // namespace weir
