#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/http/http_server.h"

namespace weir {

/// An answer that says that the process answers: /healthz.
void AnswerHealthy(const HttpCall& call, httplib::Response& response);

/// /metrics alone on an address of its own, and /healthz. Where options say that it is meant to be
/// open, everybody may read it. `text` makes what it says.
Result<std::unique_ptr<HttpServer>> ServeMetrics(HttpServerOptions options,
                                                 std::function<std::string()> text);

}  // namespace weir
