#pragma once

#include <memory>
#include <string>

#include "daemon/http/http_server.h"
#include "daemon/worker/worker.h"

namespace weir {

/// What `weir worker --http ADDR` serves: /metrics of the worker and of the jobs that it leads,
/// /healthz (the process answers) and /readyz (200 while it has a session with the manager).
/// `worker` outlives the server.
Result<std::unique_ptr<HttpServer>> ServeWorker(HttpServerOptions options, const Worker& worker);

/// What a worker's /metrics says now.
std::string MetricsOf(const Worker& worker, const Refusals& refusals);

}  // namespace weir
