#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/http/http_server.h"
#include "daemon/manager/service.h"
#include "engine/plan.h"

namespace weir {

/// What the manager must know of a job's text before it takes it.
struct CheckedJob {
  JobPlan plan;
  uint32_t parallelism = 1;  ///< That the manager starts it with.
  manager::JobPolicy policy;
};

/// The manager's HTTP API, and with it the page: JSON under /api/v1, /metrics, and /healthz,
/// /readyz. What there is, and who may, is the table in manager_api.cc; an error's body is
/// {"error": {"code", "kind", "message", "cure"}}. Each change leaves a line in `audit` before it
/// is answered. All that is referred to outlives the server.
Result<std::unique_ptr<HttpServer>> ServeManager(
    HttpServerOptions options, manager::Service& service, AuditLog& audit,
    const std::function<Result<CheckedJob>(const std::string& text)>& check);

/// What a manager's /metrics says now.
std::string MetricsOf(const manager::Service& service, const Refusals& refusals);

}  // namespace weir
