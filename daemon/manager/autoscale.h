#pragma once

#include <cstdint>

#include "base/time.h"
#include "daemon/manager/job_record.h"

namespace weir::manager {

/// What a job's load was over a stretch of time.
struct LoadWindow {
  Duration began;  ///< Monotonic.
  Duration ended;
  uint32_t samples = 0;
  double busy_sum = 0;             ///< Over the samples.
  double rows_per_second_sum = 0;  ///< Over the samples.
  int64_t lag_at_start = -1;       ///< Records; -1: not known.
  int64_t lag_at_end = -1;

  void Add(double busy, double rows_per_second, int64_t lag_records, Duration now);
};

/// The parallelism that a job should have, by what it did over the window. Equal to `current` where
/// nothing is to be done: between the marks for more and for less there is a gap, so that a job
/// does not swing. `room`: slots it could have, its own included. Pure.
///
/// More: tasks are busier than the target by a tenth of it, and as many as bring them to it, but at
/// most twice as many at once; also where lag grows although they are not (then one more), or where
/// each is given more rows than `rows_per_task`. Less: with one task fewer the others would still
/// be a fifth below the target, lag does not grow, and rows per task stay in bounds.
uint32_t WantedParallelism(const AutoscaleBounds& bounds, const LoadWindow& load, uint32_t current,
                           uint32_t room);

}  // namespace weir::manager
