#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/failure_log.h"
#include "engine/attempt_site.h"
#include "engine/coordinator.h"
#include "engine/lane.h"
#include "engine/plan.h"
#include "engine/position_tellers.h"
#include "engine/progress.h"
#include "engine/recovery.h"
#include "engine/task_host.h"
#include "state/checkpoint_store.h"

namespace weir {

/// What an attempt is told beside its plan.
struct AttemptOptions {
  RecoveryChoices choices;
  Duration wait = Duration::Seconds(60);  ///< How long the outside may be away at the start.
};

/// One attempt at running a job: from the newest manifest to its end or its first failure. Made,
/// Run once, destroyed; everything it started has ended when Run returns.
class Attempt final : private HostListener {
 public:
  /// All borrowed; outlive the attempt.
  Attempt(const JobPlan& plan, AttemptOptions options, const Clock& clock, AttemptSite& site);
  ~Attempt() override;

  /// Blocks. Ok: the job has ended or was stopped, and everything is published. kStoppedEarly:
  /// stopped before rows flowed.
  Status Run();
  /// Asks for a last checkpoint and a clean end. Thread safe.
  void Stop();
  /// Ends its input here, once rows flow: windows close, and the job ends as a bounded one does.
  /// Thread safe.
  void EndInput();
  /// Ends it as a failure does, with this reason. Thread safe.
  void Cancel(Status reason);
  /// Asks for a checkpoint soon that is kept as a savepoint; `progress` tells what became of it.
  /// Thread safe.
  void TakeSavepoint();
  /// Whether rows have flowed: a failure after that begins a new series of restarts.
  bool made_progress() const { return made_progress_; }
  /// Whether it has written what it begins with: the user's choices are carried out then.
  bool began() const { return began_; }
  JobProgress progress() const;
  /// The hosts that could not reach each other, where that ended it.
  std::optional<HostPair> apart() const;

 private:
  void OnAck(TaskAck ack) override;
  void OnAckFailed(TaskId task, BarrierId id, Status reason) override;
  void OnInputEnded(TaskId task) override;
  void OnPressure() override;
  void OnPublished(LaneId lane, Epoch epoch, SetAside set_aside) override;
  void OnLaneFailed(LaneId lane, Status reason) override;
  void OnFailed(Status reason) override;
  void OnApart(HostPair hosts, Status reason) override;

  struct Source {
    std::string name;
    std::unique_ptr<SplitFinder> finder;
    std::string fragment;
    uint32_t parallelism = 1;
    std::vector<Split> splits;
    std::map<std::string, EventTime> max_seen;
  };

  Result<std::optional<StoredManifest>> UsableManifest();
  Result<proto::Manifest> NewestManifest();
  Result<proto::Manifest> ChosenManifest(const std::optional<StoredManifest>& newest);
  Result<proto::Manifest> ReadChosen();
  Status TakeChosen();
  static Status Damaged(Status reason);
  Status WaitFor(const std::string& what, const std::function<Status()>& call);
  Status CheckOutside();
  Status FindSplits();
  static void ForgetUnread(const SourcePlan& plan, Source& source);
  Status Recover();
  Status MakeLanes();
  Status AskLanes(const std::function<Status(const LaneId&, Lane&)>& ask);
  Result<std::map<LaneId, LaneStanding>> ReadLanes();
  Result<std::map<LaneId, LaneDecision>> DecideLanes(
      const std::map<LaneId, LaneStanding>& standings) const;
  Status FenceLanes();
  Status RecoverLane(const LaneId& id, const LaneStanding& standing, const LaneDecision& decision);
  Status SetRefusedAside(const std::map<LaneId, LaneDecision>& decisions);
  Result<const NodePlan*> DeadLetterOf(const std::string& sink) const;
  Status PublishLetters();
  Status CannotPublish(const LaneId& lane, Status reason);
  Result<std::vector<SealedEpoch>> LoadUnpublished(const proto::LaneState& lane, Epoch after);
  Status CheckManifest();
  Status Claim();
  Status ClaimBehind(Status taken);
  Status WriteOwnManifest();
  Status Commit(proto::Manifest& manifest);
  Status Stands() const;
  Status Deploy();
  Status Drive();
  Status Carry(std::vector<Action> actions);
  void MakeTellers();
  void KeepSavepoint(uint64_t number);
  void LookForSplits();
  void Post(Fact fact);
  void Fail(Status status, std::optional<HostPair> apart = std::nullopt);
  void End();
  ConnectorContext Context(size_t memory) const;

  const JobPlan& plan_;
  const AttemptOptions options_;
  const Clock& clock_;
  AttemptSite& site_;
  AttemptId id_;  ///< Known once the newest manifest is.
  const std::vector<uint32_t> host_of_;
  std::map<LaneId, SetAside> set_aside_;  ///< Of what recovery published, by lane.
  const std::set<LaneId> lanes_wanted_;   ///< Those that this attempt's hosts publish by.
  std::unique_ptr<CheckpointStore> store_;
  proto::Manifest manifest_;
  std::string manifest_checksum_;
  bool first_start_ = false;
  std::set<std::string> dropped_;  ///< Steps and sources that it does not go on from.
  // Where the user has chosen what to go on from, until its files are taken over.
  std::unique_ptr<CheckpointStore> savepoint_;  ///< Null: a checkpoint of `store_`.
  std::string chosen_name_;                     ///< For messages; empty: nothing was chosen.

  std::atomic<int64_t> unpublished_bytes_{0};      ///< Of recovery's lanes.
  std::map<LaneId, std::unique_ptr<Lane>> lanes_;  ///< While it recovers: all ever opened.
  std::vector<Source> sources_;
  PositionTellers tellers_;
  std::vector<std::unique_ptr<TaskHost>> hosts_;
  std::unique_ptr<Coordinator> coordinator_;
  std::thread look_thread_;
  std::vector<std::thread> keepers_;       ///< Copy savepoints.
  std::atomic<uint64_t> known_number_{0};  ///< Newest manifest that is known to be this attempt's.
  FailureLog drops_{Duration::Seconds(10)};   ///< Of checkpoints.
  FailureLog writes_{Duration::Seconds(10)};  ///< Of manifests.
  BarrierId stamped_;  ///< The manifest written last, and the time it says it was written at.
  EventTime stamp_;

  std::atomic<bool> stop_asked_{false};
  std::atomic<bool> input_cut_{false};  ///< Asked for.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Fact> facts_;
  Status failure_;                 ///< The first; ok while there is none.
  std::optional<HostPair> apart_;  ///< The hosts that it was between.
  bool ending_ = false;
  std::atomic<bool> made_progress_{false};
  bool began_ = false;
  JobProgress shown_;  // Under mutex_.
};

}  // namespace weir
