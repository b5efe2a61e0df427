#pragma once

#include <memory>
#include <string>

#include "daemon/http/http_server.h"
#include "engine/job_run.h"

namespace weir {

/// What `weir run --metrics ADDR` serves: /metrics (Prometheus text), /healthz (the process
/// answers) and /readyz (200 once the job's tasks run, else 503 with its phase). `plan` and `run`
/// outlive the server.
Result<std::unique_ptr<HttpServer>> ServeJob(const std::string& address, const JobPlan& plan,
                                             const JobRun& run);

}  // namespace weir
