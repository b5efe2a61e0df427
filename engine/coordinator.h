#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "base/time.h"
#include "engine/element.h"
#include "engine/error_budget.h"
#include "engine/ids.h"
#include "engine/ledger.h"
#include "engine/set_aside.h"
#include "proto/manifest.pb.h"

namespace weir {

/// What a sink sealed in one task, as the manifest tells it.
struct SealedOutbox {
  std::string sink;
  proto::OutboxPart stored;
};

/// A task's answer to a barrier: all it did since the last checkpoint that counts, dropped tries
/// included (protocol rule 5).
struct TaskAck {
  TaskId task;
  BarrierId id;
  proto::TaskCheckpoint checkpoint;
  std::vector<proto::SourceState> sources;
  std::vector<SealedOutbox> sealed;
  std::map<std::string, NodeTally> tallies;
  std::map<std::string, ChannelTally> channels;
};

/// Facts a coordinator is told.
namespace facts {
struct Tick {};
struct Acked {
  TaskAck ack;
};
/// The task could not snapshot; what it sealed waits for the next try.
struct AckFailed {
  TaskId task;
  BarrierId id;
  Status reason;
};
enum class ManifestOutcome {
  kCommitted,  ///< It is there, and it is ours.
  kUnknown,    ///< Not known yet: to be asked again with the same bytes.
  kOther,      ///< Another's manifest has the number.
};
struct ManifestWritten {
  uint64_t number = 0;
  ManifestOutcome outcome = ManifestOutcome::kCommitted;
  std::string reason;
  std::string checksum;  ///< Of the manifest as stored, where committed: its child names it.
};
struct Published {
  LaneId lane;
  Epoch epoch;
  /// What the outside refused of it: the next manifest, in which the epoch is no longer waiting,
  /// holds its letters, so that they are there once or not yet.
  SetAside set_aside = {};
};
/// A source task has reached the end of all its splits.
struct InputEnded {
  TaskId task;
};
/// The user or the system asks for a clean end.
struct StopAsked {};
/// All sources are told to end their input here: the job ends as a bounded one does.
struct InputCut {};
/// An outbox wants a checkpoint soon.
struct CheckpointAsked {};
/// The user wants the next checkpoint kept, as a savepoint.
struct SavepointAsked {};
/// What became of a KeepSavepoint.
struct SavepointKept {
  uint64_t number = 0;
};
}  // namespace facts
using Fact = std::variant<facts::Tick, facts::Acked, facts::AckFailed, facts::ManifestWritten,
                          facts::Published, facts::InputEnded, facts::StopAsked, facts::InputCut,
                          facts::CheckpointAsked, facts::SavepointAsked, facts::SavepointKept>;

/// What a coordinator wants done.
namespace actions {
/// Every source task takes its positions and sends the barrier.
struct Trigger {
  Barrier barrier;
};
struct WriteManifest {
  proto::Manifest manifest;
};
/// The manifest is durable: the lane may publish what its tasks sealed for this epoch, after the
/// ones before it.
struct Publish {
  LaneId lane;
  Epoch epoch;
  std::string manifest_checksum;
  /// Letters to be published with it, behind what the tasks sealed.
  std::vector<proto::OutboxPart> letters = {};
};
/// Tasks may forget what they sealed up to this barrier.
struct Committed {
  BarrierId id;
};
/// The try is over; tasks keep what they sealed for the next one.
struct Dropped {
  BarrierId id;
  std::string reason;
};
/// This checkpoint is to be a savepoint: clean-up leaves it until it was copied.
struct PinSavepoint {
  uint64_t number = 0;
};
/// All of it is published: it is copied now. Answered by SavepointKept, also where that failed.
struct KeepSavepoint {
  uint64_t number = 0;
};
/// Manifests beyond those kept, and files nobody names, may go.
struct CleanUp {};
/// Everything is published: the run is over.
struct Done {};
struct Fail {
  Status status;
};
}  // namespace actions
using Action = std::variant<actions::Trigger, actions::WriteManifest, actions::Publish,
                            actions::Committed, actions::Dropped, actions::PinSavepoint,
                            actions::KeepSavepoint, actions::CleanUp, actions::Done, actions::Fail>;

/// What a coordinator knows from the start of an attempt.
struct CoordinatorPlan {
  std::vector<TaskId> tasks;
  std::set<TaskId> source_tasks;
  std::vector<LedgerNode> ledger;
  std::map<std::string, RejectionLimit> rejection_limits;  ///< By the ledger's names.
  /// The lanes of sinks that publish.
  std::set<LaneId> lanes;
  /// The host of the tasks of each index, and so the number of the lanes that they give to.
  std::vector<uint32_t> host_of;
  Duration interval;
  Duration timeout;
  bool bounded = false;  ///< The job ends when all source tasks have.
  /// Some split may be idle: then tasks of a step, which see channels become idle and active again
  /// in different orders, need not agree on "closed up to" at a barrier (rules 10 and 28).
  bool splits_may_idle = false;
};

/// Takes checkpoints: triggers, gathers acks, checks the ledger, writes the manifest, lets sinks
/// publish. A pure state machine: facts and the time in, actions out; no IO, no threads, no clock.
///
///   waiting --interval, asked, input ended, stop--> aligning --all acks, ledger adds up--> writing
///      ^  ^--ack failed, timeout (dropped, next try)----+                                     |
///      +---------------- committed: publish, forget, clean up --------------------------------+
///
/// A job that rejects more than it may is stopped as if it had been asked to, so that what it has
/// done up to there is out, dead letters too; then it fails.
///
/// After a stop's last checkpoint: ending --all published--> closing --a manifest says so--> done.
/// What a stopped job goes on as may have no place for a sink any more (rule 21), so it must be
/// known without that sink that nothing waits for it.
///
/// One try is under way at a time; publishing goes on beside the next one. An unknown outcome of
/// the manifest's write is asked again with the same bytes until it is known: nothing is told to
/// sinks and no number is used again before. A savepoint is a checkpoint that is copied once it is
/// published; the run is not over before.
class Coordinator {
 public:
  /// `base` is the manifest this attempt starts from, already written in its name (rule 2).
  Coordinator(CoordinatorPlan plan, proto::Manifest base, std::string base_checksum, Duration now);

  std::vector<Action> On(Fact fact, Duration now);

  /// When On(Tick) should be called next at the latest, monotonic.
  Duration NextDeadline() const;

  struct Progress {
    uint64_t number = 0;     ///< Newest committed manifest.
    Duration committed_at;   ///< When, monotonic.
    uint64_t completed = 0;  ///< In this attempt.
    uint64_t dropped = 0;
    Duration last_duration;  ///< From its trigger to its commit.
    // Of the newest checkpoint: from the trigger to the last ack; until the manifest is durable;
    // from there until all of it is published (0 while it is not).
    Duration last_tasks;
    Duration last_manifest;
    Duration last_publish;
    bool aligning = false;
    std::vector<TaskId> missing;  ///< Tasks whose ack is outstanding.
    uint64_t unpublished = 0;     ///< Epochs sealed and not yet published, over all lanes.
  };
  Progress progress() const;
  /// Done or Fail was said: nothing follows.
  bool done() const { return phase_ == Phase::kDone; }
  /// The newest checkpoint is the last one of a job whose input has ended.
  bool ended() const { return base_.ended(); }
  /// Sums since the job's first start, as in the newest manifest.
  const proto::Totals& totals() const { return base_.totals(); }
  int64_t unaccounted_rows() const { return unaccounted_; }

 private:
  enum class Phase { kWaiting, kAligning, kWriting, kEnding, kClosing, kDone };
  struct Lane {
    std::vector<proto::OutboxEpoch> unpublished;
    uint64_t published = 0;
  };

  void Trigger(Duration now, std::vector<Action>& out);
  void Drop(std::string reason, Duration now, std::vector<Action>& out);
  void OnAck(facts::Acked acked, Duration now, std::vector<Action>& out);
  void OnWritten(const facts::ManifestWritten& written, Duration now, std::vector<Action>& out);
  void AllAcked(std::vector<Action>& out);
  void OnPublished(const facts::Published& published, Duration now, std::vector<Action>& out);
  bool InputEnded() const;
  void KeepIfPublished(std::vector<Action>& out);
  void FinishIfPublished(std::vector<Action>& out);
  void Finish(std::vector<Action>& out);
  Status Tally();
  void FillManifest();
  void FillClosingManifest();
  /// The letters that came since the last manifest become part of `next_`.
  void FillLetters(std::map<LaneId, proto::OutboxEpoch>& sealed);

  const CoordinatorPlan plan_;
  proto::Manifest base_;
  std::string base_checksum_;
  Phase phase_ = Phase::kWaiting;
  Duration next_trigger_;
  Duration triggered_at_;
  Duration acked_at_;  ///< By all tasks.
  Duration retry_write_at_;
  bool checkpoint_asked_ = false;
  bool input_cut_ = false;  ///< Its end is the end of the job.
  bool stop_asked_ = false;
  std::set<TaskId> ended_;
  bool savepoint_asked_ = false;    ///< Of the next checkpoint.
  bool savepoint_current_ = false;  ///< The one under way is to be one.
  std::set<uint64_t> to_keep_;      ///< Savepoints that are not published yet.
  std::set<uint64_t> keeping_;      ///< Those that are being copied.

  Barrier current_;
  std::map<TaskId, TaskAck> acks_;
  proto::Manifest next_;
  std::map<std::string, NodeTally> tallies_;
  std::map<LaneId, Lane> lanes_;
  std::map<LaneId, std::vector<proto::OutboxPart>> letters_;  ///< In no manifest yet.
  std::map<std::string, int64_t> set_aside_;                  ///< By sink; in no manifest yet.
  /// Those that `next_` holds.
  std::map<LaneId, std::vector<proto::OutboxPart>> next_letters_;
  std::set<LaneId> to_publish_;  ///< Lanes with something in `next_`'s epoch.
  int64_t unaccounted_ = 0;
  ErrorBudget budget_;
  Status verdict_;  ///< Why it ends, where nobody has asked it to.
  Progress progress_;
};

}  // namespace weir
