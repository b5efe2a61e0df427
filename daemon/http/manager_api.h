#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/http/http_server.h"
#include "daemon/manager/service.h"

namespace weir {

/// What the manager must know of a job's text before it takes it.
struct CheckedJob {
  std::string name;
  uint32_t parallelism = 1;
  manager::JobPolicy policy;
};

/// The manager's HTTP API: JSON under /api/v1, the page at /, and /metrics, /healthz, /readyz.
///
///   GET  /api/v1/jobs                 all jobs, with how each stands
///   GET  /api/v1/jobs/NAME            one, with its attempt, workers, restarts and details
///   GET  /api/v1/jobs/NAME/why        what holds it, with evidence and cure
///   GET  /api/v1/jobs/NAME/logs       ?after=N&lines=N: its lines in workers' logs
///   POST /api/v1/jobs                 {text, parallelism?, rewind?, take_over?, fresh?}: submits
///   POST /api/v1/jobs/NAME/stop       {drain?}: with a savepoint; drain: windows close first
///   POST /api/v1/jobs/NAME/cancel     at once
///   POST /api/v1/jobs/NAME/savepoint  answers with its number
///   POST /api/v1/jobs/NAME/rescale    {parallelism}
///   POST /api/v1/jobs/NAME/upgrade    {text, parallelism?}
///   POST /api/v1/jobs/NAME/restart    {rewind?, take_over?, fresh?}: a job at rest
///   GET  /api/v1/workers              all workers
///   POST /api/v1/workers/ID/drain     its tasks are moved away; .../undrain takes that back
///
/// An error's body is {"error": {"code", "kind", "message", "cure"}}.
Result<std::unique_ptr<HttpServer>> ServeManager(
    const std::string& address, manager::Service& service,
    const std::function<Result<CheckedJob>(const std::string& text)>& check);

}  // namespace weir
