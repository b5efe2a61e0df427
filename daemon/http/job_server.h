#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "daemon/http/http_server.h"
#include "daemon/http/job_json.h"
#include "engine/job_run.h"
#include "engine/rates.h"

namespace weir {

/// How a job of `weir run` stands, in the words that a manager has for its own.
JobInShort InShort(const JobPlan& plan, const JobProgress& progress, const JobRates& rates);

/// What `weir run --metrics ADDR` serves: the page at /, and what it asks for: /api/v1/jobs and
/// /api/v1/jobs/NAME in the shape that a manager gives them, of this one job, and /api/v1/workers,
/// of which there are none. Then /metrics (Prometheus text), /healthz (the process answers) and
/// /readyz (200 once the job's tasks run and their partitions have leaders, else 503 with the
/// reason). All borrowed; outlive the server.
Result<std::unique_ptr<HttpServer>> ServeJob(const std::string& address, const JobPlan& plan,
                                             const JobRun& run, const Clock& clock);

}  // namespace weir
