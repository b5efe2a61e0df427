#pragma once

#include <string>

#include "engine/plan.h"
#include "engine/progress.h"

namespace weir {

/// All that is known of a running job, for those who look: the page, `weir status`, `weir why`. The
/// graph with each node's counts, tasks, checkpoints, what holds the watermark and the barrier.
std::string ProgressJson(const JobPlan& plan, const JobProgress& progress);

}  // namespace weir
