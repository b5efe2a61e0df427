#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "daemon/manager/facts.h"
#include "daemon/worker/services.h"
#include "engine/attempt.h"
#include "engine/rates.h"
#include "proto/cluster.pb.h"

namespace weir {

/// An attempt that this worker leads, on a thread of its own, as the manager has asked for it.
class LedAttempt {
 public:
  /// `services` outlive the attempt. `changed` is called, from its thread, when its phase changes
  /// and when it has ended.
  LedAttempt(const WorkerServices& services, proto::RunAttempt order,
             std::function<void()> changed);
  /// Cancels what runs.
  ~LedAttempt();

  const std::string& job() const { return order_.attempt().job(); }
  AttemptId id() const;
  /// With a last checkpoint and a clean end. Thread safe, as all below.
  void Stop();
  /// The same after its windows have closed, as at the end of the input.
  void EndInput();
  /// Does nothing where it was told before; one at a time.
  void TakeSavepoint(manager::SavepointId id);
  void Cancel();
  /// Ends it, and nothing more is told of it.
  void Forget();
  bool forgotten() const { return forgotten_; }
  /// Its thread has ended: it can be destroyed without waiting.
  bool over() const { return over_; }

  proto::LedAttempt Standing() const;
  /// At its plan and how it stands, while it runs.
  void Look(const std::function<void(const JobPlan&, const JobProgress&)>& look) const;
  /// None while it can't tell anything yet, or has ended.
  std::optional<proto::Report> Report();

 private:
  class Site;
  void Run();
  Status RunAttempt();
  proto::AttemptOutcome OutcomeOf(Status status) const;

  const WorkerServices& services_;
  const proto::RunAttempt order_;
  const std::function<void()> changed_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> stop_asked_{false};
  std::atomic<bool> input_cut_{false};
  std::atomic<bool> forgotten_{false};
  std::atomic<bool> over_{false};

  mutable std::mutex mutex_;
  std::optional<JobPlan> plan_;  // Set once, then constant.
  std::unique_ptr<Site> site_;
  std::unique_ptr<Attempt> attempt_;  // Under mutex_, while it runs.
  JobProgress last_;                  // Under mutex_: how it stood when it ended.
  // Under mutex_: the savepoint that was asked for last, and what became of it.
  manager::SavepointId savepoint_;
  std::optional<manager::SavepointAnswer> savepoint_answer_;
  uint64_t savepoints_before_ = 0;  // Under mutex_: tried when it was asked for.
  bool began_ = false;
  std::optional<HostPair> apart_;  // What ended it, where it was that.
  std::optional<proto::AttemptOutcome> outcome_;
  std::optional<RateMeter> meter_;  // Under mutex_, from the first report on.
  std::thread thread_;
};

}  // namespace weir
