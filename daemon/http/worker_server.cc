#include "daemon/http/worker_server.h"

#include <httplib.h>

#include "daemon/http/metrics.h"

namespace weir {

Result<std::unique_ptr<HttpServer>> ServeWorker(const std::string& address, const Worker& worker) {
  return HttpServer::Start(address, "--http", [&worker](httplib::Server& server) {
    server.Get("/metrics", [&worker](const httplib::Request&, httplib::Response& response) {
      MetricsText text;
      text.AddWorker(worker.status());
      const EventTime now = SystemClock().Now();
      worker.LookAtJobs([&](const JobPlan& plan, const JobProgress& progress) {
        text.AddJob(plan, progress, now);
      });
      response.set_content(text.Render(), MetricsText::kContentType);
    });
    server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    server.Get("/readyz", [&worker](const httplib::Request&, httplib::Response& response) {
      const bool connected = worker.connected();
      if (!connected) response.status = 503;
      response.set_content(connected ? "has a session\n" : "no session with a manager\n",
                           "text/plain");
    });
  });
}

}  // namespace weir
