#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "engine/plan.h"
#include "engine/task_host.h"

namespace weir {

/// What became of a savepoint.
struct SavepointProgress {
  uint64_t number = 0;
  Status status;
  std::string location;  ///< Of one that is complete.
};

/// What a user sees of a running job; all since the job's first start where not said otherwise.
struct JobProgress {
  /// starting, running, stopping, waiting (for the next attempt), ended, failed
  std::string phase = "starting";
  int64_t rows_read = 0;  ///< By source tasks, in this process.
  // What sources gave and sinks took while it runs: up to the checkpoint that the attempt began
  // with, and since. May be some behind what the newest checkpoint says.
  int64_t rows_in = 0;
  int64_t rows_out = 0;
  int64_t lag_records = -1;                ///< -1: not known.
  int64_t lag_us = -1;                     ///< Longest of the source tasks; -1: not known.
  EventTime watermark = EventTime::Min();  ///< Least over the source tasks.
  std::string watermark_holder;            ///< Split that holds it back; may be empty.
  EventTime newest = EventTime::Min();     ///< Newest event time that was read.
  uint64_t checkpoint = 0;
  Duration checkpoint_age;
  uint64_t checkpoints_completed = 0;
  uint64_t checkpoints_dropped = 0;
  Duration checkpoint_duration;
  // The newest checkpoint's parts, as in Coordinator::Progress.
  Duration checkpoint_tasks;
  Duration checkpoint_manifest;
  Duration checkpoint_publish;
  uint64_t unpublished_epochs = 0;
  uint64_t savepoints_tried = 0;  ///< In this attempt, whatever became of them.
  SavepointProgress savepoint;    ///< The last of those.
  std::string held_by;            ///< Tasks that the checkpoint under way waits for; empty: none.
  bool ended = false;             ///< A bounded job that is through.
  uint64_t restarts = 0;
  uint64_t turns = 0;           ///< How often the driver has gone round its loop, in this attempt.
  int64_t longest_hold_us = 0;  ///< Longest time a barrier held a task up.
  int64_t unaccounted_rows = 0;
  std::string last_error;
  std::optional<Status> failure;  ///< What ended the attempt before, if one failed.
  std::string failed_sink;        ///< Whose results could not be published, if that ended the run.
  /// Steps and sources whose state or positions the changed job has no place for, if that ended it.
  std::set<std::string> must_drop;
  std::map<std::string, int64_t> totals;  ///< `node.in` and so on, of the newest checkpoint.
  std::vector<TaskProgress> tasks;
};

/// Sums over nodes that the end of a run reports.
struct JobSums {
  int64_t rows_in = 0;
  int64_t rows_out = 0;
  int64_t late = 0;
  int64_t rejected = 0;
};
JobSums SumsOf(const JobPlan& plan, const std::map<std::string, int64_t>& totals);

}  // namespace weir
