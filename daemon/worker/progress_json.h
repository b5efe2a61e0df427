#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "engine/plan.h"
#include "engine/progress.h"
#include "engine/rates.h"

namespace weir {

/// All that is known of a running job, for those who look: the page, `weir status`, `weir why`. The
/// graph with each node's counts and rates, tasks, checkpoints, the ledger's sums, what holds the
/// watermark, the barrier and the rows up. A JSON object; what is not known is null or not there.
std::string ProgressJson(const JobPlan& plan, const JobProgress& progress, const JobRates& rates);

/// Null before any, "end" after all, else as ISO 8601.
nlohmann::ordered_json TimeJson(EventTime time);

}  // namespace weir
