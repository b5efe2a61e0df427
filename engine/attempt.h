#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/failure_log.h"
#include "engine/background.h"
#include "engine/coordinator.h"
#include "engine/job_run.h"
#include "engine/lane.h"
#include "engine/task.h"
#include "state/checkpoint_store.h"

namespace weir {

/// One attempt at running a job: from the newest manifest to its end or its first failure. Made,
/// Run once, destroyed; everything it started has ended when Run returns.
class Attempt final : public TaskListener {
 public:
  /// All borrowed; outlive the attempt.
  Attempt(const JobPlan& plan, const RunOptions& options, const Clock& clock, JobStore& job_store,
          const std::atomic<bool>& stop_asked);
  ~Attempt() override;

  Status Run();
  void Wake();
  /// Whether rows have flowed: a failure after that begins a new series of restarts.
  bool made_progress() const { return made_progress_; }
  /// Whether it has written what it begins with: the user's choices are carried out then.
  bool began() const { return began_; }
  JobProgress progress() const;

  void OnAck(TaskAck ack) override;
  void OnAckFailed(TaskId task, BarrierId id, Status reason) override;
  void OnInputEnded(TaskId task) override;
  void OnFailed(TaskId task, Status reason) override;
  void OnPressure() override;

 private:
  struct Source {
    std::string name;
    std::unique_ptr<SplitFinder> finder;
    std::vector<Split> splits;
    std::map<std::string, EventTime> max_seen;
    std::vector<Task*> tasks;
  };

  Status OpenStore();
  Result<std::optional<StoredManifest>> UsableManifest();
  Result<proto::Manifest> NewestManifest();
  static Status Damaged(Status reason);
  Status WaitFor(const std::string& what, const std::function<Status()>& call);
  Status CheckOutside();
  Status FindSplits();
  Status Recover();
  Status MakeLanes();
  Result<std::map<std::string, LaneStanding>> ReadLanes();
  Result<std::map<std::string, LaneDecision>> DecideLanes(
      const std::map<std::string, LaneStanding>& standings) const;
  Status FenceLanes();
  Status RecoverLane(const LaneStanding& standing, const LaneDecision& decision);
  Status SetRefusedAside(const std::map<std::string, LaneDecision>& decisions);
  Result<const NodePlan*> DeadLetterOf(const std::string& sink) const;
  Status CannotPublish(const std::string& sink, Status reason);
  Result<std::vector<SealedEpoch>> LoadUnpublished(const proto::LaneState& lane, Epoch after);
  Status Claim();
  Status WriteOwnManifest();
  Status Commit(proto::Manifest& manifest);
  Status Stands() const;
  Status MakeTasks();
  Status Drive();
  Status Carry(std::vector<Action> actions);
  void LookForSplits();
  void Post(Fact fact);
  void Fail(Status status);
  void End();
  ConnectorContext Context(size_t memory) const;

  const JobPlan& plan_;
  const RunOptions& options_;
  const Clock& clock_;
  JobStore& job_store_;
  const std::atomic<bool>& stop_asked_;
  uint64_t number_ = 0;  ///< Known once the newest manifest is.
  std::string directory_;
  std::unique_ptr<CheckpointStore> store_;
  DeadLetters letters_;
  proto::Manifest manifest_;
  std::string manifest_checksum_;
  bool first_start_ = false;

  std::atomic<int64_t> unpublished_bytes_{0};
  std::map<std::string, std::unique_ptr<Lane>> lanes_;
  std::vector<Source> sources_;
  std::unique_ptr<Background> background_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::unique_ptr<Coordinator> coordinator_;
  std::thread look_thread_;
  std::atomic<uint64_t> known_number_{0};  ///< Newest manifest that is known to be this attempt's.
  FailureLog drops_{Duration::Seconds(10)};   ///< Of checkpoints.
  FailureLog writes_{Duration::Seconds(10)};  ///< Of manifests.
  BarrierId stamped_;  ///< The manifest written last, and the time it says it was written at.
  EventTime stamp_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Fact> facts_;
  Status failure_;  ///< The first; ok while there is none.
  bool ending_ = false;
  std::atomic<bool> made_progress_{false};
  bool began_ = false;
  JobProgress shown_;  // Under mutex_.
};

}  // namespace weir
