#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "daemon/manager/actions.h"
#include "daemon/worker/services.h"
#include "engine/waiting_results.h"
#include "proto/cluster.pb.h"

namespace weir {

/// What a manager has a worker look up or do at checkpoints, on threads of their own: one that
/// takes long holds up neither heartbeats nor attempts nor the others. Thread safe.
class Errands {
 public:
  /// `services` outlive it. `answer` is called once for each errand, from any thread; must not
  /// block.
  Errands(const WorkerServices& services, std::function<void(proto::ErrandDone)> answer);
  /// Gives up what is under way, and waits until it has ended.
  ~Errands();

  /// Begins it, or notes it until others are through. One too many is refused.
  void Take(manager::tell::RunErrand order);

 private:
  void Work();
  void Answer(const manager::tell::RunErrand& order, Result<std::string> told);
  /// What is told of it, as JSON.
  Result<std::string> Do(const manager::tell::RunErrand& order);
  Result<std::string> DoAt(const manager::tell::RunErrand& order, CheckpointStore& store,
                           const std::function<Status()>& go_on);
  Result<Resolved> Resolve(const manager::tell::RunErrand& order, const Resolution& resolution,
                           CheckpointStore& store);

  const WorkerServices& services_;
  const std::function<void(proto::ErrandDone)> answer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::deque<manager::tell::RunErrand> waiting_;
  std::set<CheckpointStore*> stores_;  ///< That are worked in.
  std::vector<std::thread> threads_;   ///< Begun with the first errand.
};

}  // namespace weir
