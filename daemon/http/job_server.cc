#include "daemon/http/job_server.h"

#include <httplib.h>

#include "daemon/http/metrics.h"
#include "daemon/http/metrics_server.h"

namespace weir {

Result<std::unique_ptr<HttpServer>> ServeJob(const std::string& address, const JobPlan& plan,
                                             const JobRun& run) {
  HttpOptions options;
  options.address = address;
  options.flag = "--metrics";
  options.refusals = std::make_shared<Refusals>(SystemClock());
  return HttpServer::Start(
      std::move(options),
      {{"GET", "/metrics", Access::kView,
        [&](const HttpCall&, httplib::Response& response) {
          MetricsText text;
          text.AddJob(plan, run.progress(), SystemClock().Now());
          response.set_content(text.Render(), MetricsText::kContentType);
        }},
       {"GET", "/healthz", Access::kPublic, AnswerHealthy},
       {"GET", "/readyz", Access::kPublic, [&](const HttpCall&, httplib::Response& response) {
          const std::string phase = run.progress().phase;
          if (phase != "running") response.status = 503;
          response.set_content(phase + "\n", "text/plain");
        }}});
}

}  // namespace weir
