#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/store_location.h"
#include "engine/attempt_site.h"
#include "engine/plan.h"
#include "engine/progress.h"
#include "engine/recovery.h"

namespace weir {

/// How a job is run in one process.
struct RunOptions {
  std::string state_dir;  ///< Job facts and live state lie in `<state_dir>/<job>`.
  StoreLocation store;    ///< Of checkpoints; empty: they lie in the state directory, too.
  bool fresh = false;     ///< Forget what the state directory holds of the job.
  RecoveryChoices choices;
  Duration wait = Duration::Seconds(60);  ///< How long the outside may be away at the start.
  size_t memory_bytes = 512 << 20;        ///< Of state and source buffers, over all tasks.
  const Programs* programs = nullptr;     ///< That steps may call; outlive the run.
};

class Attempt;

/// Runs one job in this process until it ends, is stopped, or can't go on: recovers, starts tasks,
/// drives the coordinator, and starts anew after a failure that may pass (`restart` of the job).
class JobRun {
 public:
  /// `plan` and `clock` outlive the run.
  JobRun(const JobPlan& plan, RunOptions options, const Clock& clock);
  ~JobRun();

  /// Blocks. Ok: the job has ended or was stopped, and everything is published; stopped before rows
  /// flowed, what a checkpoint holds unpublished waits for the next start.
  Status Run();
  /// Asks for a last checkpoint and a clean end. Thread safe.
  void Stop();
  /// Asks for a savepoint; the log tells what became of it. Thread safe.
  void TakeSavepoint();
  bool stop_asked() const { return stop_asked_.load(); }
  /// Thread safe.
  JobProgress progress() const;

 private:
  class Site;
  Status RunAttempts(AttemptSite& site);

  const JobPlan& plan_;
  RunOptions options_;  // The choices are forgotten once they are carried out.
  const Clock& clock_;
  std::atomic<bool> stop_asked_{false};
  mutable std::mutex mutex_;
  Attempt* attempt_ = nullptr;  // Under mutex_, while one runs.
  JobProgress last_;            // Under mutex_: what the newest attempt left.
};

}  // namespace weir
