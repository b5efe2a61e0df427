#include "daemon/http/job_server.h"

#include <httplib.h>

#include "daemon/http/metrics.h"

namespace weir {

Result<std::unique_ptr<HttpServer>> ServeJob(const std::string& address, const JobPlan& plan,
                                             const JobRun& run) {
  return HttpServer::Start(address, "--metrics", [&plan, &run](httplib::Server& server) {
    server.Get("/metrics", [&](const httplib::Request&, httplib::Response& response) {
      MetricsText text;
      text.AddJob(plan, run.progress(), SystemClock().Now());
      response.set_content(text.Render(), MetricsText::kContentType);
    });
    server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    server.Get("/readyz", [&](const httplib::Request&, httplib::Response& response) {
      const std::string phase = run.progress().phase;
      if (phase != "running") response.status = 503;
      response.set_content(phase + "\n", "text/plain");
    });
  });
}

}  // namespace weir
