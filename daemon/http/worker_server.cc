#include "daemon/http/worker_server.h"

#include <set>

#include <httplib.h>

#include "daemon/http/metrics.h"
#include "daemon/http/metrics_server.h"

namespace weir {

std::string MetricsOf(const Worker& worker, const Refusals& refusals) {
  MetricsText text;
  text.AddWorker(worker.status());
  text.AddRefusals(refusals);
  const EventTime now = SystemClock().Now();
  std::set<std::string> told;
  worker.LookAtJobs([&](const JobPlan& plan, const JobProgress& progress) {
    told.insert(plan.name);
    text.AddJob(plan, progress, now);
  });
  worker.LookAtParts([&](const JobPlan& plan) {
    if (told.insert(plan.name).second) text.AddLinks(plan, now);
  });
  return text.Render();
}

Result<std::unique_ptr<HttpServer>> ServeWorker(HttpServerOptions options, const Worker& worker) {
  const auto metrics = [&worker, refusals = options.refusals](const HttpCall&,
                                                              httplib::Response& response) {
    response.set_content(MetricsOf(worker, *refusals), MetricsText::kContentType);
  };
  const auto ready = [&worker](const HttpCall&, httplib::Response& response) {
    const bool connected = worker.connected();
    if (!connected) response.status = 503;
    response.set_content(connected ? "has a session\n" : "no session with a manager\n",
                         "text/plain");
  };
  return HttpServer::Start(std::move(options), {{"GET", "/healthz", Access::kPublic, AnswerHealthy},
                                                {"GET", "/readyz", Access::kPublic, ready},
                                                {"GET", "/metrics", Access::kView, metrics}});
}

}  // namespace weir
