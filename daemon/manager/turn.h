#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/manager/actions.h"
#include "daemon/manager/cluster.h"
#include "daemon/manager/job.h"
#include "daemon/manager/options.h"

namespace weir::manager {

/// One decision: what a job's state may see and do while a fact is dealt with.
class Turn {
 public:
  Turn(Now now, uint64_t term, const CoreOptions& options, Cluster& cluster)
      : now_(now), term_(term), options_(options), cluster_(cluster) {}

  Duration now() const { return now_.monotonic; }
  EventTime wall() const { return now_.wall; }
  uint64_t term() const { return term_; }
  const CoreOptions& options() const { return options_; }
  Cluster& cluster() { return cluster_; }

  /// The only way from state to state; the way must be a legal one.
  void MoveTo(Job& job, JobState to);
  /// The job's record is another now, and will be stored.
  void Changed(Job& job);
  /// Said as soon as the record, as it is now, is durable.
  void WhenStored(Job& job, Action action);
  void Say(Action action) { out_.push_back(std::move(action)); }
  void Tell(SessionId session, WorkerMessage message);
  /// False where the worker has no session, or is another process than that.
  bool TellWorker(const AttemptWorker& worker, WorkerMessage message);
  void Log(actions::Log::Level level, const char* message,
           std::vector<std::pair<const char*, std::string>> fields);
  /// Slots, or what waits for them, have changed: those who wait are to be looked at.
  void LookForRoom() { look_for_room_ = true; }

  bool look_for_room() const { return look_for_room_; }
  const std::set<std::string>& changed() const { return changed_; }
  std::vector<Action>& out() { return out_; }

 private:
  const Now now_;
  const uint64_t term_;
  const CoreOptions& options_;
  Cluster& cluster_;
  std::vector<Action> out_;
  std::set<std::string> changed_;  ///< Jobs.
  bool look_for_room_ = false;
};

}  // namespace weir::manager
