#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/store_location.h"
#include "engine/coordinator.h"
#include "engine/plan.h"
#include "engine/recovery.h"
#include "state/job_store.h"

namespace weir {

/// How a job is run in one process.
struct RunOptions {
  std::string state_dir;  ///< Job facts and live state lie in `<state_dir>/<job>`.
  StoreLocation store;    ///< Of checkpoints; empty: they lie in the state directory, too.
  bool fresh = false;     ///< Forget what the state directory holds of the job.
  RecoveryChoices choices;
  Duration wait = Duration::Seconds(60);  ///< How long the outside may be away at the start.
  size_t memory_bytes = 512 << 20;        ///< Of state and source buffers, over all tasks.
};

/// What a user sees of a running job; all since the job's first start where not said otherwise.
struct JobProgress {
  std::string phase = "starting";  ///< starting, recovering, running, stopping, ended, failed
  int64_t rows_read = 0;           ///< By source tasks, in this process.
  int64_t lag_records = -1;        ///< -1: not known.
  EventTime watermark = EventTime::Min();  ///< Least over the source tasks.
  std::string watermark_holder;            ///< Split that holds it back; may be empty.
  uint64_t checkpoint = 0;
  Duration checkpoint_age;
  uint64_t checkpoints_completed = 0;
  uint64_t checkpoints_dropped = 0;
  Duration checkpoint_duration;
  uint64_t unpublished_epochs = 0;
  uint64_t restarts = 0;
  int64_t longest_hold_us = 0;  ///< Longest time a barrier held a task up.
  int64_t unaccounted_rows = 0;
  std::string last_error;
  std::string failed_sink;  ///< Whose results could not be published, if that ended the run.
  std::map<std::string, int64_t> totals;  ///< `node.in` and so on, of the newest checkpoint.
  struct TaskGauge {
    TaskId task;
    int64_t rows_in = 0;
    int64_t busy_us = 0;
    EventTime watermark;
  };
  std::vector<TaskGauge> tasks;
};

/// Sums over nodes that the end of a run reports.
struct JobSums {
  int64_t rows_in = 0;
  int64_t rows_out = 0;
  int64_t late = 0;
  int64_t rejected = 0;
};
JobSums SumsOf(const JobPlan& plan, const std::map<std::string, int64_t>& totals);

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
  /// Asks for a savepoint and a clean end. Thread safe.
  void Stop();
  bool stop_asked() const { return stop_asked_.load(); }
  /// Thread safe.
  JobProgress progress() const;

 private:
  friend class Attempt;
  Status RunAttempts();

  const JobPlan& plan_;
  RunOptions options_;  // The choices are forgotten once they are carried out.
  const Clock& clock_;
  std::unique_ptr<JobStore> job_store_;
  std::atomic<bool> stop_asked_{false};
  mutable std::mutex mutex_;
  Attempt* attempt_ = nullptr;  // Under mutex_, while one runs.
  JobProgress last_;            // Under mutex_: what the newest attempt left.
};

}  // namespace weir
