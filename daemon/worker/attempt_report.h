#pragma once

#include "daemon/manager/facts.h"
#include "engine/plan.h"
#include "engine/progress.h"
#include "engine/rates.h"

namespace weir {

/// How a job is doing, in short: what a manager is told of an attempt, and `weir run` shows of its
/// own. Savepoints are known to whoever asked for them.
manager::AttemptReport AttemptReportOf(const JobPlan& plan, const JobProgress& progress,
                                       const JobRates& rates);

}  // namespace weir
