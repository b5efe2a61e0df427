#include "daemon/http/metrics_server.h"

#include <httplib.h>

#include "daemon/http/metrics.h"

namespace weir {

void AnswerHealthy(const HttpCall&, httplib::Response& response) {
  response.set_content("ok\n", "text/plain");
}

Result<std::unique_ptr<HttpServer>> ServeMetrics(HttpServerOptions options,
                                                 std::function<std::string()> text) {
  const Access access = options.meant_to_be_open ? Access::kPublic : Access::kView;
  return HttpServer::Start(
      std::move(options), {{"GET", "/metrics", access,
                            [text = std::move(text)](const HttpCall&, httplib::Response& response) {
                              response.set_content(text(), MetricsText::kContentType);
                            }},
                           {"GET", "/healthz", Access::kPublic, AnswerHealthy}});
}

}  // namespace weir
