#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "engine/progress.h"

namespace weir {

/// How fast a job goes just now. What is not known yet is left out.
struct JobRates {
  struct Node {
    double in = 0;
    double out = 0;  ///< Sinks: rows written.
  };
  std::optional<double> rows_in;   ///< Rows/s that its source tasks read.
  std::optional<double> rows_out;  ///< Rows/s that its sinks take, dead letters left out.
  /// Shares of a task's time, 0 to 1; it is idle for the rest.
  struct Task {
    double busy = 0;
    double waiting = 0;  ///< For room downstream.
  };
  std::map<std::string, Node> nodes;  ///< Rows/s by node.
  std::map<TaskId, Task> tasks;

  /// Mean of the tasks of each fragment.
  std::map<std::string, Task> OfFragments() const;
};

/// Turns a job's counters into rates. Task counters rise all the time, and are taken between two
/// looks; those of nodes rise with checkpoints, and are taken between two that are a second apart.
class RateMeter {
 public:
  /// `plan` outlives it.
  explicit RateMeter(const JobPlan& plan) : plan_(plan) {}
  /// `now` is monotonic. May be called as often as one likes: looks that follow within half a
  /// second tell of the same time. Counters that fell are those of a new attempt.
  const JobRates& Look(const JobProgress& progress, Duration now);

 private:
  void LookAtTasks(const JobProgress& progress, Duration now);
  void LookAtCheckpoint(const JobProgress& progress, Duration committed_at);

  const JobPlan& plan_;
  JobRates rates_;
  struct Tasks {
    Duration at;
    int64_t rows_read = 0;
    std::map<TaskId, std::pair<int64_t, int64_t>> busy_and_waiting_us;
  };
  std::optional<Tasks> tasks_;
  struct Checkpoint {
    uint64_t number = 0;
    Duration committed_at;
    std::map<std::string, int64_t> totals;
  };
  std::optional<Checkpoint> checkpoint_;
};

/// Fragments that no task more or less could outrun: a task of theirs is at work nearly all of its
/// time, and no task of the fragments that they give to is.
std::set<std::string> SlowestFragments(const JobPlan& plan, const JobRates& rates);

/// The source whose tasks hold the job's watermark back; empty where nothing does.
std::string WatermarkHolder(const JobPlan& plan, const JobProgress& progress);

}  // namespace weir
