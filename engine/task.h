#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/background.h"
#include "engine/chain.h"
#include "engine/event_time.h"
#include "engine/mailbox.h"
#include "engine/rate_limit.h"
#include "engine/split_clock.h"
#include "state/checkpoint_store.h"
#include "state/task_state.h"

namespace weir {

/// What sinks sealed in a task, by sink, in the order it was sealed in.
using SealedParts = std::vector<std::pair<std::string, SealedPart>>;

/// What a task tells its host. Called from the task's and the background's threads; must not block.
class TaskListener {
 public:
  virtual ~TaskListener() = default;
  /// `parts` are what `ack.sealed` tells of, in the same order.
  virtual void OnAck(TaskAck ack, SealedParts parts) = 0;
  virtual void OnAckFailed(TaskId task, BarrierId id, Status reason) = 0;
  virtual void OnInputEnded(TaskId task) = 0;
  /// The task has ended by itself, with an error.
  virtual void OnFailed(TaskId task, Status reason) = 0;
  /// An outbox is large: a checkpoint should come soon (protocol rule 20).
  virtual void OnPressure() = 0;
};

/// What others may read of a running task at any time.
struct TaskGauges {
  std::atomic<int64_t> rows_in{0};
  std::atomic<int64_t> rows_out{0};  ///< That its sinks took, dead letters left out.
  std::atomic<int64_t> watermark_us{EventTime::Min().us};
  std::atomic<int64_t> started_us{0};  ///< Monotonic; 0: its loop has not begun.
  std::atomic<int64_t> busy_us{0};
  std::atomic<int64_t> blocked_us{0};  ///< Waited for room downstream, or for what is unpublished.
  std::atomic<int64_t> newest_us{EventTime::Min().us};  ///< Source tasks: newest event time read.
  std::atomic<int64_t> lag_records{-1};
  std::atomic<int64_t> lag_us{-1};
  std::atomic<int64_t> longest_hold_us{0};  ///< Longest time a barrier held the task up.
  std::mutex mutex;
  // Under `mutex`.
  std::string holder;  ///< Split that holds the watermark back.
  Watermark uncapped;  ///< What the watermark would be if no new splits could appear.
};

/// All that one task is made of. What is borrowed outlives the task.
struct TaskSetup {
  TaskId id;
  const JobPlan* plan = nullptr;
  const FragmentPlan* fragment = nullptr;
  const Clock* clock = nullptr;
  const DeadLetters* letters = nullptr;
  TaskListener* listener = nullptr;
  Background* background = nullptr;
  CheckpointStore* store = nullptr;
  const Programs* programs = nullptr;  ///< That its steps may call; null: none.
  /// Bytes of sealed outboxes not yet published, over all tasks of the host, and the most that may
  /// be.
  std::atomic<int64_t>* unpublished_bytes = nullptr;
  int64_t unpublished_budget = 256 << 20;

  std::unique_ptr<TaskState> state;
  std::unique_ptr<Mailbox> mailbox;  ///< Null for a source's task.
  std::vector<std::unique_ptr<ExchangeSender>> senders;
  std::vector<std::unique_ptr<SinkWriter>> writers;
  std::vector<std::pair<const ExchangePlan*, uint32_t>> upstream;

  std::unique_ptr<SourceReader> reader;  ///< Null where the fragment has no source.
  std::vector<Split> splits;
  std::map<std::string, EventTime> max_seen;  ///< Of restored splits.
  bool splits_grow = false;
};

/// One instance of a fragment: a thread that owns its operators, state and outboxes.
///
/// Life: made, Start, then commands from the driver until it has sealed a last barrier or was
/// cancelled; Join; destroyed. Commands are thread safe and never wait.
class Task {
 public:
  explicit Task(TaskSetup setup);
  ~Task();

  void Start();
  /// Source tasks: take positions and send the barrier.
  void Trigger(const Barrier& barrier);
  /// The checkpoint counts: what was sealed for it is forgotten.
  void Committed(const BarrierId& id);
  /// The try is over: what was sealed for it goes into the next one (rule 5).
  void Dropped(const BarrierId& id);
  void AddSplit(const Split& split);
  /// Rule 27: the watermark may not pass this, which the whole source had.
  void SetWatermarkCap(const Watermark& cap);
  /// Source tasks: nothing more is read.
  void EndInput();
  /// The job is being ended without a checkpoint.
  void Cancel();
  void Join();

  const TaskId& id() const { return setup_.id; }
  bool is_source() const { return setup_.reader != nullptr; }
  const FragmentPlan& fragment() const { return *setup_.fragment; }
  TaskGauges& gauges() { return gauges_; }
  const TaskGauges& gauges() const { return gauges_; }

 private:
  using Command = std::function<Status()>;

  void Run();
  Status Loop();
  Status RunCommands();
  Status PollSource();
  Status ReadSource(const Polled& polled);
  Status AdvanceSourceClock();
  void MeasureLag();
  Status TakeDelivery();
  Status OnBarrier(size_t channel, const Barrier& barrier);
  Status Align(const Barrier& barrier);
  void Snapshot(const Barrier& barrier, SealedState sealed, TaskAck ack, SealedParts parts);
  bool MayTakeRows() const;
  /// What dropped tries keep counts as unpublished, so that sources stop before it is too much.
  void CountKept();
  void Post(Command command);
  /// Waits a moment, or until there is a command.
  void Rest();
  /// As Rest, because something downstream must come first.
  void RestBlocked();
  /// Adds the time since `before` to what it was busy or waited for room.
  void CountTime(Duration before);
  std::vector<proto::SourceState> SourceStates() const;

  TaskSetup setup_;
  TaskGauges gauges_;
  OperatorContext context_;
  std::unique_ptr<Chain> chain_;
  SourceClock clock_;
  std::map<std::string, Split> splits_;
  bool input_end_told_ = false;
  bool source_ended_ = false;
  bool input_cut_ = false;  ///< Its input ends here, whatever there is to read.

  // Alignment.
  Barrier aligning_;
  std::vector<bool> arrived_;
  size_t missing_ = 0;
  BarrierId dropped_;  ///< Newest try that is known to be dropped: its barriers say nothing more.

  // What dropped tries sealed and counted, and what waits for the outcome of the current one.
  SealedParts kept_parts_;
  int64_t counted_kept_ = 0;  ///< Bytes of them within the budget of what is unpublished.
  TaskAck kept_counts_;
  SealedParts pending_parts_;
  TaskAck pending_counts_;
  BarrierId pending_id_;
  bool snapshot_pending_ = false;  ///< Between a Seal of the state and its Completed.
  bool state_sealed_ = false;
  std::shared_ptr<std::atomic<int>> writing_;  ///< Snapshots being written.
  /// Files that the try under way brought to the store. Written by the background between Seal and
  /// the ack, read by the task after it.
  std::shared_ptr<std::vector<std::string>> uploaded_ =
      std::make_shared<std::vector<std::string>>();
  bool last_sealed_ = false;  ///< A last barrier was sealed: no more rows are taken.
  bool finished_ = false;

  mutable std::mutex commands_mutex_;
  std::condition_variable wake_;
  std::deque<Command> commands_;
  std::atomic<bool> has_commands_{false};
  std::atomic<bool> cancelled_{false};
  Duration last_gauges_;
  std::optional<RateLimit> limit_;  ///< Of a source's task, from its first poll on.
  int64_t waited_us_ = 0;           ///< Of the chain's waiting, what is counted.
  bool pressure_told_ = false;
  std::thread thread_;
};

}  // namespace weir
